"""Draw the book's vector figures with the lessons' own functions: `python -m tools.run.figures [lesson …]`.

A lesson's code cell with the id `figure-shifted-windows` shows what its function `shifted_windows()` draws; here that
function writes `book/figures/shifted_windows.svg`.
"""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import matplotlib.pyplot as plt
from matplotlib.figure import Figure
from nbformat import NotebookNode

from tools.lesson.definitions import load_definitions
from tools.lesson.files import as_command, write_atomically
from tools.lesson.format import DEFINE, figure_name
from tools.lesson.read import ROOT, cell_id, code_cells, find_lessons, has_tag, read_lesson

FOLDER = ROOT / "book" / "figures"


def main(arguments: Sequence[str] | None = None) -> int:
    """Write every figure of the lessons asked for; a file is replaced only when its drawing is complete."""
    parser = argparse.ArgumentParser(prog="python -m tools.run.figures", description=__doc__)
    parser.add_argument("lessons", nargs="*", help="numbers, names or paths; all lessons when none is given")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where to write them (book/figures)")
    options = parser.parse_args(arguments)
    try:
        for path in find_lessons(options.lessons):
            for name, draw in drawings(path).items():
                write(draw(), options.folder / f"{name}.svg")
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def figure_names(lesson: NotebookNode) -> list[str]:
    """The figures that a lesson draws, in order. A `define` cell of such a name only helps to draw."""
    names = (figure_name(cell_id(cell)) for cell in code_cells(lesson) if not has_tag(cell, DEFINE))
    return [name for name in names if name]


def drawings(path: Path) -> dict[str, Callable[[], Figure]]:
    """The functions that draw a lesson's figures, by the figure's name; ValueError where one is missing."""
    names = figure_names(read_lesson(path))
    if not names:
        return {}
    module = load_definitions(path)
    for name in names:
        if not callable(getattr(module, name, None)):
            cell = "figure-" + name.replace("_", "-")
            raise ValueError(
                f"{path.name}, cell {cell}: no `define` cell has a function {name}(); write it, or rename the cell"
            )
    return {name: getattr(module, name) for name in names}


def write(figure: Figure, path: Path) -> None:
    """Save as SVG without date and random ids, so that the same drawing gives the same file."""
    drawn = io.StringIO()
    with plt.rc_context({"svg.hashsalt": path.stem, "svg.fonttype": "path"}):
        figure.savefig(drawn, format="svg", metadata={"Date": None})
    plt.close(figure)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, drawn.getvalue())
    print(path)


if __name__ == "__main__":
    sys.exit(as_command(main))
