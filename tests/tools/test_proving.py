"""What counts as an assertion, and which places a change fits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from tools.lesson.proving import assertions_of, places_of


@dataclass(frozen=True)
class Change:
    """What takes the place of a text."""

    find: str
    put: str = ""
    cell: str | None = None


def cell(name: str | None, source: str | list[str], *tags: str, kind: str = "code") -> dict[str, Any]:
    named = {} if name is None else {"id": name}
    return named | {"cell_type": kind, "source": source, "metadata": {"tags": list(tags)} if tags else {}}


@pytest.mark.parametrize(
    ("source", "count"),
    [
        ("assert x == 1", 1),
        ("torch.testing.assert_close(x, y)\nassert_close(x, y)", 2),
        ("def check():\n    make().assert_close(x)", 1),
        ("%time assert x\nassert y", 1),  # a magic is no Python
        ("assertion = 1\nself.assertEqual(x, y)\nasserted(x)", 0),
        ("# assert x\nprint('assert x')", 0),
        ("table[0](x)", 0),
    ],
)
def test_assertions_are_the_statement_and_calls_by_that_name(source: str, count: int) -> None:
    assert len(assertions_of(source)) == count


def test_what_is_no_python_is_not_guessed_at() -> None:
    with pytest.raises(SyntaxError):
        assertions_of("assert (")


CELLS = [
    cell("text", "x + x", kind="markdown"),
    cell("once", ["y = 1\n", "x = y"]),
    cell("twice", "a = x = x"),
    cell("solution", "x = y", "solution"),
    cell("tests", "x = y", "exercise-tests"),
    cell(None, "x = z", "define"),
]


@pytest.mark.parametrize(
    ("change", "places"),
    [
        (Change("x"), [(1, "once", 6), (2, "twice", 4), (2, "twice", 8), (5, "5", 0)]),
        (Change("x = y"), [(1, "once", 6)]),
        (Change("x", cell="twice"), [(2, "twice", 4), (2, "twice", 8)]),
        (Change("x", cell="solution"), []),
        (Change("x", cell="text"), []),
        (Change("nowhere"), []),
    ],
)
def test_a_change_fits_code_outside_the_exercises(change: Change, places: list[tuple[int, str, int]]) -> None:
    assert [(place.index, place.name, place.start) for place in places_of(change, CELLS)] == places
