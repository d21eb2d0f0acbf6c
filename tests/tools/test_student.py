"""Student notebooks: definitions and exercises, and nothing that gives a solution away."""

from __future__ import annotations

import pytest

from tests.contract.example import example
from tools.lesson.read import cell_id, code_cells
from tools.lesson.student import stub, student_notebook, without_hidden_tests


def test_it_has_definitions_and_exercises_only() -> None:
    cells = student_notebook(example().notebook).cells
    names = [cell_id(cell) for cell in cells]
    assert names[:4] == ["student-introduction", "imports", "set-up", "patchify"]
    assert names[4:7] == ["exercise-1-1-statement", "exercise-1-1", "exercise-1-1-tests"]
    assert len(names) == 4 + 3 * 5


def test_it_gives_nothing_away() -> None:
    text = "\n".join(cell.source for cell in student_notebook(example().notebook).cells)
    assert "x // 2" not in text
    assert "halve(8)" not in text
    assert text.count("raise NotImplementedError()") == 5 + 1  # and once in the instructions
    assert "SOLUTION" not in text
    assert "HIDDEN" not in text


def test_stubs_are_open_and_nothing_was_run() -> None:
    for cell in code_cells(student_notebook(example().notebook)):
        assert not cell.outputs
        assert cell.execution_count is None
        if cell_id(cell) == "exercise-1-1":
            assert cell.source == 'def halve(x):\n    """Half of `x`."""\n    raise NotImplementedError()'
            assert "jupyter" not in cell.metadata
            assert cell.metadata.nbgrader.solution is True


def test_the_lesson_is_left_alone() -> None:
    lesson = example()
    before = str(lesson.notebook)
    student_notebook(lesson.notebook)
    assert str(lesson.notebook) == before


def test_a_solution_without_markers_is_refused() -> None:
    with pytest.raises(ValueError, match="BEGIN SOLUTION"):
        stub("def halve(x):\n    return x // 2")


def test_hidden_tests_in_the_middle_are_cut_out() -> None:
    source = "assert a\n### BEGIN HIDDEN TESTS\nassert b\n### END HIDDEN TESTS\nassert c"
    assert without_hidden_tests(source) == "assert a\nassert c"
