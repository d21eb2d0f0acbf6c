"""What the extension learns while pages are read, and needs when they are written. It lies in Sphinx's environment."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from docutils import nodes

from tools.lesson.format import Registry
from vitbook.questions import QuestionInfo

if TYPE_CHECKING:
    from sphinx.environment import BuildEnvironment


@dataclass
class Entry:
    """A question that a lesson answers: where it stands, and its cards."""

    number: int
    title: str
    page: str
    info: QuestionInfo
    answer: list[nodes.Node] = field(default_factory=list)
    careful: list[nodes.Node] = field(default_factory=list)
    proof: str | None = None  # anchor of its first cell of code


@dataclass
class Store:
    """The list of lessons, the questions found so far, the glossary's terms with their meanings."""

    registry: Registry = field(default_factory=lambda: Registry(()))
    entries: dict[int, Entry] = field(default_factory=dict)
    terms: dict[str, str] = field(default_factory=dict)


def store(env: BuildEnvironment) -> Store:
    """Return what is known in this build."""
    if not hasattr(env, "vitbook"):
        setattr(env, "vitbook", Store())  # noqa: B010 (the environment's class does not know this attribute)
    return getattr(env, "vitbook")  # noqa: B009
