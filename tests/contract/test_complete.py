"""Every lesson has all its parts, and nothing in them is left to write."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.lesson.format import TO_WRITE, RegisteredLesson, figure_name, files_of, read_registry
from tools.lesson.read import NOTEBOOKS, ROOT, cell_id, code_cells, read_lesson

LESSONS = [lesson for lesson in read_registry().lessons if lesson.is_written(NOTEBOOKS)]
each_lesson = pytest.mark.parametrize("lesson", LESSONS, ids=[lesson.name for lesson in LESSONS])


def missing_parts(lesson: RegisteredLesson, root: Path) -> list[str]:
    """The files that a lesson lacks; a Python module may be a package as well."""
    return [
        f"{name} is missing: {holds}"
        for name, holds in files_of(lesson).items()
        if not (root / name).is_file() and not (root / name.removesuffix(".py") / "__init__.py").is_file()
    ]


def left_to_write(lesson: RegisteredLesson, root: Path) -> list[str]:
    """The places that a fresh lesson marks as to be written."""
    found = []
    for name in files_of(lesson):
        path = root / name
        if path.suffix == ".ipynb":
            texts = [(f"cell {cell_id(cell)}", cell.source) for cell in read_lesson(path).cells]
        else:
            lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
            texts = [(f"line {number}", line) for number, line in enumerate(lines, start=1)]
        for where, text in texts:
            for part in text.split(TO_WRITE)[1:]:
                found.append(f"{name}, {where}: still to be written:{part.splitlines()[0]}")
    return found


def picture_problems(lesson: RegisteredLesson, root: Path) -> list[str]:
    """What keeps its picture from the page for the night before."""
    cells = code_cells(read_lesson(root / "notebooks" / f"{lesson.name}.ipynb"))
    names = [name for cell in cells if (name := figure_name(cell_id(cell)))]
    if lesson.picture is None:
        return [f"book/lessons.toml names no picture of Lesson {lesson.number}; its figures are: {names or 'none yet'}"]
    if lesson.picture not in names:
        cell = "figure-" + lesson.picture.replace("_", "-")
        return [
            f"no cell {cell} shows the picture that book/lessons.toml names; its figures are: {names or 'none yet'}"
        ]
    if not (root / "book" / "figures" / f"{lesson.picture}.svg").is_file():
        return [f"book/figures/{lesson.picture}.svg is missing; `make figures` draws it"]
    return []


def title_problems(lesson: RegisteredLesson, root: Path) -> list[str]:
    """The title of the notebook is that of the list."""
    cells = read_lesson(root / "notebooks" / f"{lesson.name}.ipynb").cells
    present = cells[0].source.partition("\n")[0] if cells else ""
    wanted = f"# Lesson {lesson.number} · {lesson.title}"
    return [f"the notebook begins {present!r}; by book/lessons.toml it must be {wanted!r}"] * (present != wanted)


@each_lesson
@pytest.mark.parametrize("looks_for", [missing_parts, left_to_write, picture_problems, title_problems])
def test_the_lesson_is_complete(lesson: RegisteredLesson, looks_for) -> None:
    if found := looks_for(lesson, ROOT):
        pytest.fail("\n".join(found), pytrace=False)


def test_every_notebook_is_in_the_list() -> None:
    stray = {path.stem for path in NOTEBOOKS.glob("*.ipynb")} - {lesson.name for lesson in LESSONS}
    assert not stray, f"put {', '.join(sorted(stray))} into book/lessons.toml"
