"""The two times a lesson asks of its reader, computed from what it holds."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from nbformat import NotebookNode

from tools.lesson.folding import count_lines, fold_of
from tools.lesson.format import CARRIED_OVER, EXERCISE_TESTS, SETUP, SOLUTION, STATEMENT_ID
from tools.lesson.markdown import words_in
from tools.lesson.read import cell_id, has_tag, tags

WORDS_A_MINUTE, LINES_A_MINUTE = 200, 25
STEP = 5  # minutes; nobody knows it better
ROW = re.compile(r"^\| Time \|[^\n]*\|$", re.MULTILINE)
_MINUTES = re.compile(r"^\*[^*\n]*?(\d+) minutes\*$", re.MULTILINE)


@dataclass(frozen=True)
class Times:
    """Minutes to read a lesson, and to work through it."""

    reading: int
    working: int

    def row(self) -> str:
        """The row of the lesson's table."""
        return f"| Time | {_said(self.reading)} to read, {_said(self.working)} to work through |"


def times_of(cells: Iterable[NotebookNode]) -> Times:
    """Reading is words and open code; working through adds folded code and the minutes of the exercises."""
    words = open_lines = folded_lines = exercises = 0
    for cell in cells:
        if cell.cell_type == "markdown":
            words += words_in(cell.source)
            if STATEMENT_ID.fullmatch(cell_id(cell)) and (match := _MINUTES.search(cell.source)):
                exercises += int(match[1])
        elif cell.cell_type == "code" and not has_tag(cell, SETUP, CARRIED_OVER, SOLUTION, EXERCISE_TESTS):
            lines = count_lines(cell.source)
            if fold_of(cell.source, tags(cell), draws(cell)):
                folded_lines += lines
            else:
                open_lines += lines
    reading = words / WORDS_A_MINUTE + open_lines / LINES_A_MINUTE
    return Times(_rounded(reading), _rounded(reading + folded_lines / LINES_A_MINUTE + exercises))


def draws(cell: NotebookNode) -> bool:
    """Whether a code cell shows a picture: then it has an alt text."""
    return "image" in cell.metadata.get("mystnb", {})


def with_times(text: str, times: Times) -> str:
    """The text of a lesson's table with its row of times."""
    return ROW.sub(lambda match: times.row(), text)


def _rounded(minutes: float) -> int:
    return max(STEP, round(minutes / STEP) * STEP)


def _said(minutes: int) -> str:
    """`50 minutes`, `2 h 40 min`."""
    hours, rest = divmod(minutes, 60)
    if not hours:
        return f"{minutes} minutes"
    return f"{hours} h {rest} min" if rest else f"{hours} hour{'s' * (hours != 1)}"
