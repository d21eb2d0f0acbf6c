"""The warnings of a build, said so that one finds the place."""

from __future__ import annotations

import re
from pathlib import Path

# myst-nb numbers the lines of a notebook as 10000 × the cell's position + the line in the cell.
LINES_PER_CELL = 10000

_WARNING = re.compile(
    r"^(?P<file>.+?\.(?:ipynb|md|py|yml|bib))(?::(?P<line>\d+))?: (?P<text>(?:WARNING|ERROR|CRITICAL).*)$"
)
_PROGRESS = re.compile(r"^(?:[\w ]+\.\.\. +(?:\[[^\]]*\] *)?)+")
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def complaints(log: str, root: Path) -> list[str]:
    """The warnings of a build, each with its file and cell; the end of the record when there are none."""
    lines = [_COLOUR.sub("", line) for line in log.splitlines()]
    found = [located(line, root) for line in lines if re.search(r"\b(WARNING|ERROR|CRITICAL):", line)]
    return list(dict.fromkeys(found)) or lines[-15:]


def located(line: str, root: Path) -> str:
    """A warning of Sphinx with `notebooks/x.ipynb, cell y, line z` in place of a path and a coded line number."""
    match = _WARNING.match(_PROGRESS.sub("", line))
    if not match:
        return line
    path = Path(match["file"])
    where = path.relative_to(root).as_posix() if path.is_relative_to(root) else match["file"]
    if match["line"]:
        cell, cell_line = divmod(int(match["line"]), LINES_PER_CELL)
        if path.suffix == ".ipynb" and cell:
            where += f", cell {cell_name(path, cell)}, line {cell_line}"
        else:
            where += f", line {match['line']}"
    return f"{where}: {match['text']}"


def cell_name(path: Path, position: int) -> str:
    """The id of the cell at this position, counted from 1."""
    from tools.lesson.read import cell_id, read_lesson  # here, because a build that succeeds needs none of it

    try:
        return cell_id(read_lesson(path).cells[position - 1])
    except (OSError, ValueError, IndexError):
        return f"number {position}"
