"""`make lesson NB=08`: stubs of every file of a lesson, which say what is missing and overwrite nothing."""

from __future__ import annotations

import ast
import shutil
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from tests.contract.test_complete import left_to_write, missing_parts, picture_problems, title_problems
from tools.lesson import new
from tools.lesson.format import TO_WRITE, files_of, read_registry
from tools.lesson.read import ROOT, read_lesson
from tools.lesson.stubs import imports_for
from tools.lesson.validate import problems_of_file

LESSON = replace(read_registry().lesson(8), picture=None)  # as a lesson is before it is written


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """What is needed to begin a lesson: the list, and Lesson 1."""
    (tmp_path / "book").mkdir()
    (tmp_path / "notebooks").mkdir()
    shutil.copy(ROOT / "book" / "lessons.toml", tmp_path / "book")
    shutil.copy(ROOT / "notebooks" / "01_vit_fundamentals.ipynb", tmp_path / "notebooks")
    return tmp_path


@pytest.mark.parametrize("argument", ["08", "8", "08_detection_and_segmentation"])
def test_it_writes_every_file_and_says_so(root: Path, capsys: pytest.CaptureFixture[str], argument: str) -> None:
    assert new.main([argument], root) == 0
    told = capsys.readouterr().out
    for name in files_of(LESSON):
        assert (root / name).is_file()
        assert f"{name}: " in told
    assert missing_parts(LESSON, root) == []
    assert title_problems(LESSON, root) == []


def test_what_is_missing_is_said(root: Path) -> None:
    new.main(["08"], root)
    told = left_to_write(LESSON, root)
    assert {line.partition(",")[0] for line in told} == set(files_of(LESSON)), "every file has something to be written"
    answer = "a headline.** What you would say aloud, in 60 words."
    assert f"notebooks/{LESSON.name}.ipynb, cell q{LESSON.first}: still to be written: {answer}" in told
    assert picture_problems(LESSON, root) == [
        "book/lessons.toml names no picture of Lesson 8; its figures are: none yet",
    ]


def test_the_notebook_holds_the_questions_and_can_be_stored(root: Path) -> None:
    new.main(["08"], root)
    path = root / "notebooks" / f"{LESSON.name}.ipynb"
    assert problems_of_file(path) == []
    cells = {cell.id: cell for cell in read_lesson(path).cells}
    for number, wording in LESSON.wordings.items():
        assert cells[f"q{number}"].source.startswith(f"### Q{number} · {wording}\n")
        assert cells[f"q{number}"].metadata.question.id == number
    assert f"| Running time | under {LESSON.budget // 60} minutes" in cells["opening"].source
    namespace: dict = {}
    exec(cells["imports"].source, namespace)
    exec(cells["setup"].source, namespace)
    assert namespace["rng"](0)


def test_the_other_files_can_be_read(root: Path) -> None:
    new.main(["08"], root)
    for name in files_of(LESSON):
        text = (root / name).read_text(encoding="utf-8")
        assert TO_WRITE in text
        if name.endswith(".toml"):
            assert tomllib.loads(text) == {}
        elif name.endswith(".py"):
            assert ast.get_docstring(ast.parse(text))


@pytest.mark.parametrize("name", files_of(LESSON))
def test_nothing_is_overwritten_and_nothing_half_written(
    root: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text("mine")
    before = sorted(root.rglob("*"))
    assert new.main(["08"], root) == 1
    assert capsys.readouterr().err == f"nothing was written, because Lesson 8 has been begun: {name}\n"
    assert sorted(root.rglob("*")) == before
    assert (root / name).read_text() == "mine"


def test_a_lesson_that_is_not_in_the_list_is_refused(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert new.main(["09"], root) == 1
    assert "there is no lesson '09' in book/lessons.toml; put it there first" in capsys.readouterr().err
    assert new.main([], root) == 1
    assert "name the lesson, e.g. `make lesson NB=04`; to come are: 02_patch" in capsys.readouterr().err


def test_imports_are_those_that_the_set_up_uses() -> None:
    imports = "import os\nimport numpy as np\nfrom torch import nn, optim\nimport a.b"
    assert imports_for("np.array(nn)\na.b.c()", imports) == "import numpy as np\nfrom torch import nn\nimport a.b"
    assert imports_for("x = 1", imports) == "import torch"
