"""Sabotage changes one line of working code, never an assertion, and leaves Python that parses."""

from __future__ import annotations

import ast

from nbformat.v4 import new_code_cell, new_notebook

from tests.mutants.sabotage import changes

SOURCE = """def half(x, y=2):
    return x / y if x > 0 else f"{x / 3}"
total = half(total, y) + 1  # größer
assert total == 7 + 1, "no"
torch.testing.assert_close(total, 2 * total)"""


def test_changes_are_single_lines_of_valid_code() -> None:
    notebook = new_notebook(cells=[new_code_cell(SOURCE, id="a"), new_code_cell("plt.plot(1 + 1)", id="b")])
    found = list(changes(notebook))
    for change in found:
        ast.parse(change.source)
        pairs = zip(SOURCE.splitlines(), change.source.splitlines(), strict=True)
        assert [(old.strip(), new.strip()) for old, new in pairs if old != new] == [(change.before, change.after)]
    assert {change.after for change in found} == {
        "def half(x, y=3):",
        'return x * y if x > 0 else f"{x / 3}"',
        'return x / y if x >= 0 else f"{x / 3}"',
        'return x / y if x > 1 else f"{x / 3}"',
        "total = half(total, y) + 2  # größer",
        "total = half(total, y) - 1  # größer",
        "total = half(y, total) + 1  # größer",
    }
    assert {change.cell_id for change in changes(notebook, figures=True)} == {"a", "b"}


def test_set_up_and_exercises_are_left_alone() -> None:
    tagged = [
        new_code_cell("x = 1", id=tag, metadata={"tags": [tag]})
        for tag in ("setup", "carried-over", "solution", "exercise-tests")
    ]
    assert not list(changes(new_notebook(cells=tagged)))
