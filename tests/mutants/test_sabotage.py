"""Sabotage changes one line of working code, never an assertion, and leaves Python that parses."""

from __future__ import annotations

import ast
from pathlib import Path

from nbformat.v4 import new_code_cell, new_notebook

from tests.mutants.sabotage import changes, printed_otherwise
from tools.lesson.normalise import text_of
from tools.lesson.read import read_lesson
from tools.run import notebooks

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


def test_another_output_is_noticed_and_named(tmp_path: Path) -> None:
    path = tmp_path / "01_first.ipynb"
    cells = [new_code_cell("x = 3\ny = 1", id="a"), new_code_cell("print(x)", id="b")]
    path.write_text(text_of(new_notebook(cells=cells)))
    assert notebooks.main([str(path)]) == 0
    notebook = read_lesson(path)
    found = {change.after: change for change in changes(notebook)}
    noticed = printed_otherwise(path, notebook, list(found.values()))
    assert noticed == {found["x = 4"]: "another output in 1 cells, first in b"}, "y is printed nowhere"
