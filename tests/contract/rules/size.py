"""Size: what a reader can take in, a cell, a gap and a lesson at a time.

Lines of code are counted without blank lines and lines that are only a comment. The set-up cell has a limit of its
own; beyond that, set-up and carried-over cells count nowhere. What is left is *reading code*, besides cells that draw
and exercises' solutions and tests, which stand folded.
"""

from __future__ import annotations

import statistics

from nbformat import NotebookNode

from tests.contract.rules.lesson import Lesson, at
from tests.contract.rules.source import code_lines
from tools.lesson.markdown import without_blocks, words_in
from tools.lesson.normalise import alt_text
from tools.lesson.read import cell_id, has_tag, question_of

CODE_CELLS, CODE_LINES, WORDS, BYTES = 120, 1700, 8500, 4_000_000
READING_CELLS, READING_LINES = 90, 1200
MEDIAN, NINETIETH, LONGEST = 12, 25, 45
LONGEST_FOLDED = 60
SET_UP_LINES = 35
WORDS_BETWEEN = 120


def _own_cells(lesson: Lesson) -> list[NotebookNode]:
    return [cell for cell in lesson.code if not has_tag(cell, "setup", "carried-over")]


def _is_read(cell: NotebookNode) -> bool:
    """Whether a cell is reading code: it neither draws nor belongs to an exercise."""
    return not has_tag(cell, "plot", "solution", "exercise-tests") and alt_text(cell) is None


def _reading_cells(lesson: Lesson) -> list[NotebookNode]:
    return [cell for cell in _own_cells(lesson) if _is_read(cell)]


def lesson_is_not_too_long(lesson: Lesson) -> list[str]:
    """Code cells, lines of code and words of the whole lesson."""
    own, reading = _own_cells(lesson), _reading_cells(lesson)
    counts = {
        "code cells": (len(own), CODE_CELLS),
        "lines of code": (sum(code_lines(cell) for cell in own), CODE_LINES),
        "cells of reading code": (len(reading), READING_CELLS),
        "lines of reading code": (sum(code_lines(cell) for cell in reading), READING_LINES),
        "words": (sum(words_in(cell.source) for cell in lesson.markdown), WORDS),
    }
    return [
        f"the lesson has {count} {what}, more than {limit}; shorten it, or leave an experiment out"
        for what, (count, limit) in counts.items()
        if count > limit
    ]


def set_up_is_short(lesson: Lesson) -> list[str]:
    """The first code a reader meets is not what the lesson is about."""
    return [
        at(cell, f"it has {code_lines(cell)} lines, more than {SET_UP_LINES}; leave threads, palette, style and rng")
        for cell in lesson.tagged("setup")
        if code_lines(cell) > SET_UP_LINES
    ]


def file_is_not_too_large(lesson: Lesson) -> list[str]:
    """GitHub refuses to show a large notebook, and a phone to load it."""
    size = lesson.path.stat().st_size if lesson.path else len(str(lesson.notebook))
    return [f"the file has {size:,} bytes, more than {BYTES:,}; use smaller or fewer pictures"] if size > BYTES else []


def no_code_cell_is_too_long(lesson: Lesson) -> list[str]:
    """Forty-five lines are the most that fit a screen; folded cells may have sixty."""
    found = []
    for cell in _own_cells(lesson):
        limit = LONGEST if _is_read(cell) else LONGEST_FOLDED
        if code_lines(cell) > limit:
            what = f"it has {code_lines(cell)} lines of code, more than {limit}"
            found.append(at(cell, f"{what}; split it, one class or one idea a cell"))
    return found


def code_cells_are_short(lesson: Lesson) -> list[str]:
    """Half the cells of reading code have 12 lines at most, nine in ten 25."""
    cells = sorted(_reading_cells(lesson), key=code_lines)
    lengths = [code_lines(cell) for cell in cells]
    longest = ", ".join(f"{cell_id(cell)} ({code_lines(cell)})" for cell in cells[: -len(cells) // 8 - 1 : -1])
    found = []
    if statistics.median(lengths) > MEDIAN:
        found.append(
            f"the median code cell has {statistics.median(lengths):g} lines, more than {MEDIAN}; split {longest}"
        )
    long = [length for length in lengths if length > NINETIETH]
    if len(long) > len(cells) / 10:
        found.append(
            f"{len(long)} of {len(cells)} code cells have over {NINETIETH} lines, more than a tenth; split {longest}"
        )
    return found


def text_between_code_is_short(lesson: Lesson) -> list[str]:
    """At most 120 words between two code cells; questions' cells, corrections, follow-ups and the opening left out."""
    found: list[str] = []
    gap: list[NotebookNode] = []
    opening = lesson.opening
    seen_code = False
    for cell in lesson.cells:
        if cell.cell_type == "code":
            count = sum(words_in(without_blocks(other.source)) for other in gap)
            if seen_code and count > WORDS_BETWEEN:
                found.append(
                    at(gap[0], f"{count} words between two code cells, more than {WORDS_BETWEEN}; cut, or compute")
                )
            gap, seen_code = [], True
        elif cell.cell_type == "markdown" and not question_of(cell) and cell not in opening:
            gap.append(cell)
    return found
