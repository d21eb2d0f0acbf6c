"""Which printed values changed, by question, old and new side by side: `python -m tools.run.diff_outputs [lesson …]`.

The lessons are run afresh and not rewritten. tools/matrix/diff.py does the same in a leg of the matrix.
"""

from __future__ import annotations

import argparse
import difflib
import re
import shutil
import sys
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from tools.lesson.files import as_command
from tools.lesson.normalise import normalised
from tools.lesson.outputs import texts
from tools.lesson.read import cell_id, find_lessons, question_of, read_lesson, tags
from tools.run.execute import LessonError, Progress, execute, prepared

# Before and after a token that differs.
MARKS = ("«", "»")
NOTHING = "(nothing)"

_QUESTION_TAG = re.compile(r"q(\d+)")
_TOKEN = re.compile(r"\s+|<[^<>]*>|[^\s<>]+|[<>]")
# Longer lines (HTML) are cut down to what surrounds a difference.
_LONG, _AROUND = 200, 6


@dataclass(frozen=True)
class Change:
    """A piece of text that came out otherwise."""

    question: str
    cell: str
    old: str
    new: str


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the lessons asked for and show what they print otherwise; 1 if there is anything."""
    parser = argparse.ArgumentParser(prog="python -m tools.run.diff_outputs", description=__doc__)
    parser.add_argument("lessons", nargs="*", help="numbers, names or paths; all lessons when none is given")
    options = parser.parse_args(arguments)
    try:
        paths = find_lessons(options.lessons)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    return max([show(path) for path in paths], default=0)


def show(path: Path, python: str | Path = sys.executable, settings: Mapping[str, str] | None = None) -> int:
    """Run one lesson, with this interpreter and these settings, and print its changes; 1 if there are any."""
    stored = read_lesson(path)
    progress = Progress(path.stem)
    try:
        fresh = prepared(path)
        try:
            execute(fresh, progress, python, settings)
            stopped = None
        except LessonError as error:
            stopped = str(error)
    except LessonError as error:
        print(f"{path.name}, {error}", file=sys.stderr)
        return 1
    fresh = normalised(fresh)
    if stopped:
        print(f"{path.name} stopped: {stopped}\nThe cells after it were not run, so not compared.", file=sys.stderr)
        fresh = until_error(fresh)
    found = list(changes(stored, fresh))
    if found:
        cells = len({change.cell for change in found})
        print(f"\n{path.stem}: {counted(len(found), 'change')} in {counted(cells, 'cell')}")
        print(table(found))
    else:
        progress.done("no printed value changed")
    return 1 if found or stopped else 0


def counted(number: int, thing: str) -> str:
    """`1 change`, `2 changes`."""
    return f"{number} {thing}" + ("" if number == 1 else "s")


def until_error(notebook: NotebookNode) -> NotebookNode:
    """The cells up to and with the one that failed."""
    result = nbformat.from_dict(notebook)
    for position, cell in enumerate(result.cells):
        if any(output.output_type == "error" for output in cell.get("outputs", [])):
            result.cells = result.cells[: position + 1]
            break
    return result


def changes(old: NotebookNode, new: NotebookNode) -> Iterator[Change]:
    """Every piece of text that two runs of a lesson print differently, in order. `new` may end early."""
    question = "–"
    for before, after in zip(old.cells, new.cells, strict=False):
        meta = question_of(before)
        if meta:
            question = f"Q{meta['id']}"
        if before.cell_type != "code":
            continue
        own = [match[1] for match in map(_QUESTION_TAG.fullmatch, tags(before)) if match]
        name = ", ".join(f"Q{number}" for number in own) or question
        for kind in dict.fromkeys((*printed(before), *printed(after))):
            for pair in differing(printed(before).get(kind, ""), printed(after).get(kind, "")):
                label = cell_id(before) if kind in ("stdout", "text/plain") else f"{cell_id(before)} ({kind})"
                yield Change(name, label, *pair)


def printed(cell: NotebookNode) -> dict[str, str]:
    """All text of a cell's outputs, by kind."""
    found: dict[str, str] = {}
    for output in cell.get("outputs", []):
        for kind, text in texts(output).items():
            found[kind] = found.get(kind, "") + text + ("" if text.endswith("\n") else "\n")
    return found


def differing(old: str, new: str) -> Iterator[tuple[str, str]]:
    """The lines that differ, in pairs, with the differing tokens marked."""
    before, after = old.splitlines(), new.splitlines()
    for operation, a, b, c, d in difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if operation == "equal":
            continue
        for position in range(max(b - a, d - c)):
            left = before[a + position] if a + position < b else None
            right = after[c + position] if c + position < d else None
            if left is None or right is None:
                yield (NOTHING if left is None else left, NOTHING if right is None else right)
            else:
                yield marked(left, right)


def marked(old: str, new: str) -> tuple[str, str]:
    """Two lines with the tokens marked that differ; of a long line only the surroundings of the differences."""
    before, after = _TOKEN.findall(old), _TOKEN.findall(new)
    codes = difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
    long = max(len(old), len(new)) > _LONG
    sides = []
    for tokens, pieces in (
        (before, [(code, first, last) for code, first, last, _, _ in codes]),
        (after, [(code, first, last) for code, _, _, first, last in codes]),
    ):
        parts = []
        for code, first, last in pieces:
            piece = tokens[first:last]
            if code != "equal":
                parts.append(MARKS[0] + "".join(piece) + MARKS[1])
            elif long and len(piece) > 2 * _AROUND:
                parts.append("".join(piece[:_AROUND]) + " … " + "".join(piece[-_AROUND:]))
            else:
                parts.append("".join(piece))
        sides.append("".join(parts))
    return sides[0], sides[1]


def table(found: Sequence[Change], width: int | None = None) -> str:
    """The changes in four columns: question, cell, old, new."""
    width = width or max(80, shutil.get_terminal_size((120, 40)).columns)
    first = max(len("question"), *(len(change.question) for change in found))
    second = min(30, max(len("cell"), *(len(change.cell) for change in found)))
    side = (width - first - second - 6) // 2
    widths = (first, second, side, side)
    lines = [_row(("question", "cell", "old", "new"), widths), "  ".join("─" * column for column in widths)]
    lines += [_row((change.question, change.cell, change.old, change.new), widths) for change in found]
    return "\n".join(lines)


def _row(cells: Sequence[str], widths: Sequence[int]) -> str:
    wrapped = [
        textwrap.wrap(cell, width, replace_whitespace=False, drop_whitespace=False) or [""]
        for cell, width in zip(cells, widths, strict=True)
    ]
    height = max(map(len, wrapped))
    columns = [[*lines, *[""] * (height - len(lines))] for lines in wrapped]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in zip(*columns, strict=True)
    )


if __name__ == "__main__":
    sys.exit(as_command(main))
