"""Where a change that makes a proof fail goes, as the page says it."""

from __future__ import annotations

from typing import Any

import pytest
from docutils import nodes
from vitbook.mutants import Mutant, note
from vitbook.places import find_place, where, whole_lines

MODEL = """class Net:
    def forward(self, x):
        return self.head(
            self.norm(x)[:, 0],
        )

WIDTHS = {"B": 768}"""


def cell(name: str, source: str, *tags: str) -> dict[str, Any]:
    return {"cell_type": "code", "id": name, "source": source, "metadata": {"tags": list(tags)}}


CELLS = [
    cell("net", MODEL),
    cell("made", "scores = q @ k.T\nrows, columns = f(2)"),
    cell("print", "print(1)"),
    cell("again", "again = 1"),
    cell("again-too", "again = 1"),
    cell("solution", "print(1)", "solution"),
]


def mutant(find: str, put: str = "", name: str | None = None) -> Mutant:
    return Mutant(1, "why", find, put, cell=name)


@pytest.mark.parametrize(
    ("find", "name", "words"),
    [
        ("self.norm(x)", None, "in Net.forward, "),
        ("768", None, "in the cell that defines Net, "),
        ("k.T", None, "in the cell that computes scores, "),
        ("f(2)", None, "in the cell that computes rows, "),
        ("print(1)", None, "in another cell, "),
        ("again = 1", "again", "in the cell that computes again, "),
        ("again = 1", "again-too", ""),  # beside the note
    ],
)
def test_the_place_of_a_change(find: str, name: str | None, words: str) -> None:
    place = find_place(mutant(find, name=name), CELLS)
    assert place is not None
    parts = where(place, 4)
    assert "".join(part.astext() for part in parts) == words
    assert [part["refid"] for part in parts if isinstance(part, nodes.reference)] == [f"cell-{place.name}"] * bool(
        words
    )


def test_a_text_that_is_not_there_once_has_no_place() -> None:
    assert find_place(mutant("again = 1"), CELLS) is None
    assert find_place(mutant("nowhere"), CELLS) is None


@pytest.mark.parametrize(
    ("find", "put", "before", "after"),
    [
        ("norm(x)[:, 0]", "x[:, 0]", "self.norm(x)[:, 0],", "self.x[:, 0],"),
        ("head(\n            self.norm", "tail(\n            self.norm",
         "return self.head(\n    self.norm(x)[:, 0],", "return self.tail(\n    self.norm(x)[:, 0],"),
        ("    def forward(self, x):\n", "", "    def forward(self, x):", ""),
    ],
)  # fmt: skip
def test_whole_lines_are_shown(find: str, put: str, before: str, after: str) -> None:
    change = mutant(find, put)
    assert [text.strip() for text in whole_lines(change, find_place(change, CELLS))] == [before.strip(), after.strip()]


def test_the_note_says_where() -> None:
    words = note([mutant("q @ k.T", "k @ q.T")], "This cell", CELLS, 4).astext()
    assert words == (
        "This cell fails when, for example, in the cell that computes scores, "
        "scores = q @ k.T becomes scores = k @ q.T: why."
    )
