"""The lesson's format, and the book's list of lessons: what is wrong in it is said in a sentence."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tools.lesson import format as form
from tools.lesson.format import read_registry
from tools.lesson.read import ROOT, lesson_paths

SOUND = """
[[lessons]]
number = 1
name = "01_first"
title = "First"
blurb = \"\"\"
One,
two.\"\"\"
picture = "bars"
favourites = [1]
budget = 60

[lessons.questions]
1 = "Why?"
2 = "How?"

[[lessons]]
number = 2
name = "02_second"
title = "Second"
blurb = ""
budget = 90

[lessons.questions]
3 = "When?"
"""


def registry(folder: Path, text: str = SOUND) -> form.Registry:
    path = folder / "lessons.toml"
    path.write_text(text)
    return read_registry(path)


def test_questions_are_counted_and_found(tmp_path: Path) -> None:
    book = registry(tmp_path)
    assert book.wordings == {1: "Why?", 2: "How?", 3: "When?"}
    first, second = book.lessons
    assert (first.first, first.last, first.questions) == (1, 2, range(1, 3))
    assert (first.blurb, first.picture, second.picture) == ("One, two.", "bars", None)
    assert (first.favourites, second.favourites) == ((1,), ())
    assert book.lesson_of(3) is second is book.lesson(2)
    with pytest.raises(ValueError, match="there is no question 4; the book has questions 1 to 3"):
        book.lesson_of(4)
    with pytest.raises(ValueError, match=r"there is no lesson 7 in book/lessons.toml; the lessons are: 1, 2"):
        book.lesson(7)
    assert not first.is_written(tmp_path)
    (tmp_path / "01_first.ipynb").touch()
    assert first.is_written(tmp_path)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("[[lessons]]", "[[lessons", "lessons.toml cannot be read"),
        ("budget = 60\n", "", "lesson 1: budget is missing"),
        ("favourites = [1]", "favourites = [1, 3]", r"lesson 1: its favourites \[3\] are none of its questions"),
        ("number = 1\n", "", "lesson without a number: number is missing"),
        ("budget = 60", "budget = 60\nbuget = 1", "unknown key buget"),
        ("number = 2", "number = 3", "lesson 3: the name '02_second' does not fit; e.g. 03_attention would"),
        ('number = 2\nname = "02', 'number = 3\nname = "03', r"numbered \[1, 3\]; number them 1, 2, 3"),
        ("01_first", "1_first", "does not fit"),
        ("2 = ", "4 = ", "question 4 stands where 2 should"),
        ("3 = ", "5 = ", "question 5 stands where 3 should"),
        ('3 = "When?"', "", "lesson 2: it has no questions"),
    ],
)
def test_a_wrong_entry_is_named(tmp_path: Path, old: str, new: str, says: str) -> None:
    assert old in SOUND
    with pytest.raises(ValueError, match=says):
        registry(tmp_path, SOUND.replace(old, new, 1))


def test_a_missing_list_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"lessons.toml cannot be read .* restore it"):
        read_registry(tmp_path / "lessons.toml")


def test_every_notebook_is_registered_under_its_name() -> None:
    names = {lesson.name for lesson in read_registry().lessons}
    assert {path.stem for path in lesson_paths()} <= names


@pytest.mark.parametrize(
    "files", ["book/references/*.bib", "tests/mutants/*.toml", "tests/exercises/wrong_answers/*.toml"]
)
def test_files_beside_a_lesson_bear_its_name(files: str) -> None:
    names = {lesson.name for lesson in read_registry().lessons}
    found = {path.stem for path in ROOT.glob(files)}
    assert found, files
    assert found <= names


@pytest.mark.parametrize(
    ("cell", "name"),
    [
        ("figure-shifted-windows", "shifted_windows"),
        ("figure", None),
        ("figures-x", None),
        ("figure-", None),
        ("figure-X", None),
    ],
)
def test_figure_cells_name_their_figure(cell: str, name: str | None) -> None:
    assert form.figure_name(cell) == name


def test_blocks_begin_and_end_at_their_markers() -> None:
    source = "def f(x):\n    ### BEGIN SOLUTION\n    return x\n    ### END SOLUTION\n"
    match = form.SOLUTION_BLOCK.search(source)
    assert match and (match["indent"], match["body"]) == ("    ", "    return x\n")
    assert form.SOLUTION_BLOCK.sub("", source) == "def f(x):\n\n"
    assert form.HIDDEN_TESTS_BLOCK.sub("", "a\n### BEGIN HIDDEN TESTS\nb\n### END HIDDEN TESTS\nc") == "a\nc"


def test_it_needs_nothing_but_python() -> None:
    code = "import tools.lesson.format as f; print(len(f.read_registry().wordings))"
    result = subprocess.run(
        [sys.executable, "-S", "-c", code], cwd=ROOT, capture_output=True, text=True, check=True, env={}
    )
    assert int(result.stdout) == len(read_registry().wordings)
