"""What a proof asserts, and where a change of the code goes that must make it fail: the page and the tests ask here."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from tools.lesson.format import EXERCISE_TESTS, SOLUTION
from tools.lesson.read import without_magics

EXERCISES = frozenset({SOLUTION, EXERCISE_TESTS})  # may repeat the lesson's text, and are not changed


def is_assertion(node: ast.AST) -> bool:
    """Whether this is an `assert` statement, or the call of a function named `assert_…`."""
    if isinstance(node, ast.Call):
        return str(getattr(node.func, "attr", getattr(node.func, "id", ""))).startswith("assert_")
    return isinstance(node, ast.Assert)


def assertions_in(tree: ast.AST) -> Iterator[ast.AST]:
    """All assertions below a node."""
    return (node for node in ast.walk(tree) if is_assertion(node))


def assertions_of(source: str) -> list[ast.AST]:
    """The assertions of a cell, magics or not; SyntaxError when the rest is no Python."""
    return list(assertions_in(ast.parse(without_magics(source))))


class Change(Protocol):
    """A text of the lesson's code, what takes its place, and the cell if the text occurs in several."""

    @property
    def find(self) -> str: ...
    @property
    def put(self) -> str: ...
    @property
    def cell(self) -> str | None: ...


@dataclass(frozen=True)
class Place:
    """A cell, by its number among those looked at and by its name, its code, and where in it a text begins."""

    index: int
    name: str
    source: str
    start: int


def places_of(change: Change, cells: Sequence[dict[str, Any]]) -> list[Place]:
    """All places that a change fits: it is meant for one, and a lesson's exercises are left out."""
    found = []
    for index, cell in enumerate(cells):
        if cell["cell_type"] != "code" or EXERCISES.intersection(cell["metadata"].get("tags", [])):
            continue
        source, name = "".join(cell["source"]), cell.get("id") or str(index)
        if change.cell in (None, name):
            found += [Place(index, name, source, start) for start in _starts(source, change.find)]
    return found


def _starts(text: str, part: str) -> Iterator[int]:
    """Where a part begins in a text; no two overlap."""
    start = text.find(part)
    while start >= 0:
        yield start
        start = text.find(part, start + max(1, len(part)))
