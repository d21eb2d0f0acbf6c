"""References: every question, lesson and exercise that is named exists, and every box is one that readers know."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from nbformat import NotebookNode

from tests.contract.rules.lesson import Lesson, at
from tools.lesson.format import LABEL_LINE, LABELS, STATEMENT_ID, read_registry
from tools.lesson.markdown import prose_of
from tools.lesson.read import NOTEBOOKS, cell_id, lesson_paths, read_lesson

# Several at once, too: Lessons 1, 2 and 5; Exercises 3.1–3.5.
_JOINED = r"(?:\s*(?:,|–|-|and|or|to)\s*)+"
_LESSONS = re.compile(rf"(?<![\w./#])Lessons?\s(\d+(?:{_JOINED}\d+)*)(?!\w|\.\d)")
_EXERCISES = re.compile(rf"(?<![\w./#])Exercises?\s(\d+\.\d+(?:{_JOINED}\d+\.\d+)*)(?!\w|\.\d)")
_QUESTIONS = re.compile(rf"(?<![\w./#])Questions?\s(\d+(?:{_JOINED}\d+)*)(?!\w|\.\d)|(?<![\w./#])Q(\d+)(?!\w|\.\d)")
_QUOTE = re.compile(r"(?:^ {0,3}>.*(?:\n|\Z))+", re.M)
_LIKE_A_LABEL = re.compile(r"\[!\w+\]|[*_]{1,3}[^*_\n]+[*_]{1,3}|(?:" + "|".join(LABELS) + r")\b", re.I)


def questions_that_are_named_exist(lesson: Lesson) -> list[str]:
    """`Q42` is a question of the book, written or to come."""
    known = lesson.book.wordings
    return [
        at(cell, f"there is no Q{number}; the questions are Q{min(known)} to Q{max(known)}")
        for cell in lesson.markdown
        for match in _QUESTIONS.findall(prose_of(cell.source))
        for number in _numbers(match)
        if int(number) not in known
    ]


def lessons_that_are_named_exist(lesson: Lesson) -> list[str]:
    """`Lesson 5` is a lesson of the book, written or to come."""
    known = {entry.number for entry in read_registry().lessons}
    return [
        at(cell, f"there is no Lesson {number}; the lessons are 1 to {max(known)}")
        for cell in lesson.cells
        for match in _LESSONS.findall(_read_text(cell))
        for number in _numbers([match])
        if int(number) not in known
    ]


def exercises_that_are_named_exist(lesson: Lesson) -> list[str]:
    """`Exercise 3.2` is an exercise of a lesson that is written."""
    known = _exercise_numbers(lesson.cells) | _exercises_of_the_book()
    return [
        at(cell, f"there is no Exercise {number}; name one that is written, or the lesson alone")
        for cell in lesson.cells
        for match in _EXERCISES.findall(_read_text(cell))
        for number in re.findall(r"\d+\.\d+", match)
        if number not in known
    ]


def boxes_are_known(lesson: Lesson) -> list[str]:
    """A quotation that opens with a label is one of the boxes that the site and the reader know."""
    labels = ", ".join(f"`> **{label}.**`" for label in LABELS)
    found = []
    for cell in lesson.markdown:
        for quote in _QUOTE.findall(prose_of(cell.source)):
            text = re.sub(r"^ {0,3}> ?", "", quote, flags=re.M).strip()
            label = _LIKE_A_LABEL.match(text)
            if label and not LABEL_LINE.match(text):
                found.append(at(cell, f"`> {label.group()}` opens no box; the boxes are {labels}"))
    return found


def _exercise_numbers(cells: Iterable[NotebookNode]) -> frozenset[str]:
    """`3.2` for each exercise whose statement is among the cells."""
    matches = (STATEMENT_ID.fullmatch(cell_id(cell)) for cell in cells)
    return frozenset(f"{match[1]}.{match[2]}" for match in matches if match)


@cache
def _exercises_of_the_book(folder: Path = NOTEBOOKS) -> frozenset[str]:
    return frozenset().union(*(_exercise_numbers(read_lesson(path).cells) for path in lesson_paths(folder)))


def _read_text(cell: NotebookNode) -> str:
    """The prose of a text cell; of a code cell all, since its comments and messages are read, too."""
    return prose_of(cell.source) if cell.cell_type == "markdown" else cell.source


def _numbers(match: Iterable[str]) -> list[str]:
    return [number for part in match for number in re.findall(r"\d+", part)]
