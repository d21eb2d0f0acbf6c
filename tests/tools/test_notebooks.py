"""`make notebooks`: a sound run is stored once and for all; a failed one leaves the file alone and says why."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from tools.lesson.read import find_lesson, lesson_paths, read_lesson
from tools.run import execute, strict
from tools.run.environment import CELL_LIMIT
from tools.run.notebooks import main


@pytest.fixture
def lesson(tmp_path: Path) -> Path:
    """A lesson never run."""
    return write(
        tmp_path, "import os\n\nprint(os.listdir())", "print(os.environ['OMP_NUM_THREADS'], os.environ['BOOK_QUIET'])"
    )


def write(folder: Path, *sources: str) -> Path:
    path = folder / "01_first.ipynb"
    cells = [new_code_cell(source, id=f"cell-{number}") for number, source in enumerate(sources, start=1)]
    nbformat.write(new_notebook(cells=cells), path)
    return path


def test_a_run_stores_outputs_and_a_second_changes_nothing(lesson: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(lesson)]) == 0
    first = lesson.read_bytes()
    cells = read_lesson(lesson).cells
    assert [cell.execution_count for cell in cells] == [1, 2]
    assert [cell.outputs[0].text for cell in cells] == ["[]\n", "1 1\n"], (
        "an empty folder, one thread, no progress bars"
    )
    assert main([str(lesson)]) == 0
    assert lesson.read_bytes() == first
    assert main([str(lesson), "--check"]) == 0
    assert [line.rpartition("; ")[2] for line in capsys.readouterr().out.splitlines()] == ["rewritten", "no difference"]
    assert list(lesson.parent.iterdir()) == [lesson]


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("1 / 0", "cell cell-2 failed: ZeroDivisionError: division by zero"),
        ("import sys; print('careful', file=sys.stderr)", "cell cell-2: it wrote to stderr (careful)"),
        ("import os; os._exit(1)", "cell cell-2 killed the kernel"),
    ],
)
def test_a_failed_run_names_the_cell_and_leaves_the_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], source: str, says: str
) -> None:
    path = write(tmp_path, "x = 1", source)
    before = path.read_bytes()
    assert main([str(path)]) == 1
    assert f"01_first.ipynb, {says}" in capsys.readouterr().err
    assert path.read_bytes() == before


def test_a_stuck_cell_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path, "x = 1", "import time; time.sleep(60)")
    monkeypatch.setattr(execute, "CELL_LIMIT", 2)
    assert main([str(path)]) == 1
    assert "01_first.ipynb, cell cell-2 ran longer than 2 s" in capsys.readouterr().err


def test_one_limit_for_a_cell_everywhere() -> None:
    assert f"--nbval-cell-timeout={CELL_LIMIT}" in strict.STRICT
    assert execute.CELL_LIMIT == CELL_LIMIT == 600


def test_check_says_what_is_not_in_stored_form(lesson: Path, capsys: pytest.CaptureFixture[str]) -> None:
    notebook = read_lesson(lesson)
    notebook.cells[1].metadata["tags"] = ["setup"]
    nbformat.write(notebook, lesson)
    assert main([str(lesson), "--check"]) == 1
    assert "01_first.ipynb, cell cell-2: its metadata are not in stored form; run `make notebooks NB=01_first`" in (
        capsys.readouterr().err
    )


def test_lessons_are_found_by_number_name_and_path(tmp_path: Path) -> None:
    path = write(tmp_path, "1")
    (tmp_path / "draft.ipynb").write_text("{}")
    assert lesson_paths(tmp_path) == [path]
    assert {find_lesson(name, tmp_path) for name in (1, "1", "01", "01_first", "01_first.ipynb", path)} == {path}


def test_an_unknown_lesson_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["99_nothing"]) == 1
    assert "there is no lesson '99_nothing'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "says"), [("{", "not valid JSON"), ("{}", "not a version 4 notebook"), ("[]", "version 4")]
)
def test_an_unreadable_file_is_explained(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "01_first.ipynb"
    path.write_text(text)
    with pytest.raises(ValueError, match=says):
        read_lesson(path)
