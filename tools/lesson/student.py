"""Student notebooks, exercises without their solutions: `python -m tools.lesson.student [lesson …]`."""

from __future__ import annotations

import argparse
import re
import sys

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell

from tools.lesson.files import as_command, write_atomically
from tools.lesson.format import DEFINING, HIDDEN, HIDDEN_TESTS_BLOCK, SOLUTION_BLOCK, STATEMENT_ID
from tools.lesson.normalise import normalised, text_of
from tools.lesson.read import ROOT, cell_id, find_lessons, has_tag, read_lesson, tags

FOLDER = ROOT / "_build" / "student"
HOW_TO = (
    "Replace each `raise NotImplementedError()` by your solution, then run the cell below it: silence means it passes."
)

_FORM_TITLE = re.compile(r"\A#\s?@title Solution[^\n]*\n+")


def main(arguments: list[str] | None = None) -> int:
    """Write the student notebook of each lesson asked for; all of them when none is named."""
    parser = argparse.ArgumentParser(prog="python -m tools.lesson.student", description=__doc__)
    parser.add_argument("lessons", nargs="*", help="numbers, names or paths; all lessons when none is given")
    options = parser.parse_args(arguments)
    try:
        for path in find_lessons(options.lessons):
            target = FOLDER / path.name
            target.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(target, text_of(student_notebook(read_lesson(path))))
            print(target.relative_to(ROOT))
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def student_notebook(lesson: NotebookNode) -> NotebookNode:
    """What a student gets: imports, set-up, definitions, and each exercise as statement, stub and visible tests."""
    result = nbformat.from_dict(lesson)
    result.cells = [new_markdown_cell(introduction(lesson), id="student-introduction")]
    result.cells += [nbformat.from_dict(cell) for cell in lesson.cells if belongs(cell)]
    for cell in result.cells:
        if cell.cell_type != "code":
            continue
        cell.outputs, cell.execution_count = [], None
        if has_tag(cell, "solution"):
            cell.source = stub(cell.source)
            # The student's own cell is for reading and writing.
            cell.metadata.tags = [tag for tag in tags(cell) if tag not in (HIDDEN, "solution")]
        elif has_tag(cell, "exercise-tests"):
            cell.source = without_hidden_tests(cell.source)
    return normalised(result)


def introduction(lesson: NotebookNode) -> str:
    """Title of the lesson and what to do."""
    title = re.search(r"^# (.+)$", lesson.cells[0].source, re.M) if lesson.cells else None
    return f"# {title.group(1) if title else 'Lesson'}: exercises\n\n{HOW_TO}"


def belongs(cell: NotebookNode) -> bool:
    """Whether the cell is part of a student notebook."""
    if cell.cell_type == "code":
        return bool(DEFINING.intersection(tags(cell))) or has_tag(cell, "solution", "exercise-tests")
    return STATEMENT_ID.fullmatch(cell_id(cell)) is not None


def stub(source: str) -> str:
    """The signature and docstring of a solution; its body only raises."""
    stubbed, replaced = SOLUTION_BLOCK.subn(r"\g<indent>raise NotImplementedError()", source)
    if not replaced:
        raise ValueError(
            "a solution has no pair of lines `### BEGIN SOLUTION` and `### END SOLUTION`; put them round it"
        )
    return _FORM_TITLE.sub("", stubbed)


def without_hidden_tests(source: str) -> str:
    """The tests that a student sees."""
    return HIDDEN_TESTS_BLOCK.sub("", source).rstrip("\n")


if __name__ == "__main__":
    sys.exit(as_command(main))
