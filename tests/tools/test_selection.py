"""`pytest --lesson 05`: the tests about one lesson, told by their parameters or their file."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.shared.selection import NONE, is_chosen, lessons_of, wanted
from tools.lesson.read import lesson_paths

KNOWN = ("01_first", "05_swin")


@dataclass
class FakeItem:
    """What pytest knows of a test."""

    file: str
    params: dict[str, Any] = field(default_factory=dict)
    name: str = "test_x"

    @property
    def path(self) -> Path:
        """Its file."""
        return Path("tests", self.file)

    @property
    def callspec(self) -> SimpleNamespace:
        """Its parameters."""
        return SimpleNamespace(params=self.params)


@pytest.mark.parametrize(
    ("item", "lessons"),
    [
        (FakeItem("test_a.py", {"lesson": "05_swin", "number": 1}), {"05_swin"}),
        (FakeItem("test_a.py", {"name": "notebooks/05_swin.html"}), {"05_swin"}),
        (FakeItem("test_a.py", {"path": Path("notebooks/05_swin.ipynb")}), {"05_swin"}),
        (FakeItem("test_a.py", {"lesson": SimpleNamespace(name="05_swin")}), {"05_swin"}),
        (FakeItem("test_a.py", {"parity": SimpleNamespace(lesson="01_first")}), {"01_first"}),
        (FakeItem("test_a.py", {"old": "01_first", "new": "05_swin"}), {"01_first", "05_swin"}),
        (FakeItem("test_05_windows.py"), {"05_swin"}),
        (FakeItem("test_05_windows.py", {"size": 7}), {"05_swin"}),
        (FakeItem("test_lesson_05.py"), {"05_swin"}),
        (FakeItem("test_05_windows.py", {"lesson": "01_first"}), {"01_first"}),
        (FakeItem("test_a.py", {"lesson": "04_to_come"}), set()),
        (FakeItem("test_04_to_come.py"), set()),
        (FakeItem("test_a.py", {"number": 5}), set()),
    ],
    ids=lambda value: "",
)
def test_a_test_is_about(item: FakeItem, lessons: set[str]) -> None:
    assert lessons_of(item, KNOWN) == lessons


def test_each_test_is_chosen_with_its_lesson_or_with_none() -> None:
    five, both, nothing = frozenset({"05_swin"}), frozenset(KNOWN), frozenset[str]()
    assert [is_chosen(each, five) for each in (five, both, nothing)] == [True, True, False]
    assert [is_chosen(each, frozenset({NONE})) for each in (five, both, nothing)] == [False, False, True]


def test_a_lesson_is_named_by_number_or_name() -> None:
    name = lesson_paths()[0].stem
    assert wanted([name[:2], NONE]) == wanted([name, NONE]) == {name, NONE}
    with pytest.raises(ValueError, match="there is no lesson '99'"):
        wanted(["99"])
