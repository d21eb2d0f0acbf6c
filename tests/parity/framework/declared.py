"""What a lesson declares for its parity tests, and where it is found."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.parity.framework.cases import Build
from tests.parity.framework.counts import Count
from tests.parity.framework.damages import Damaged

FOLDER = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Parity:
    """A lesson's cases by name, what the comparison has to notice, and the numbers that are counted at full size.

    `spared` are cases that differ from a damaged one in sizes only and need no damage of their own.
    """

    lesson: str
    cases: Mapping[str, Build]
    damages: Sequence[Damaged]
    spared: frozenset[str] = frozenset()
    counts: Mapping[str, Count] = field(default_factory=dict)


def declared_lessons(folder: Path = FOLDER) -> list[Parity]:
    """The PARITY of every module or package `lesson_NN`, in reading order."""
    names = sorted({path.stem for path in folder.glob("lesson_[0-9][0-9]*") if path.suffix in ("", ".py")})
    return [importlib.import_module(f"tests.parity.{name}").PARITY for name in names]
