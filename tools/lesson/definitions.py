"""Import the functions and classes out of a lesson, without a kernel and without running its experiments."""

from __future__ import annotations

import functools
import itertools
import linecache
import os
import sys
import types
from pathlib import Path

import matplotlib
from nbformat import NotebookNode

from tools.lesson.read import cell_id, defining_cells, find_lesson, read_lesson, without_magics

_serial = itertools.count()


def load_definitions(lesson: str | int | Path | NotebookNode) -> types.ModuleType:
    """Execute the import, set-up, carried-over and `define` cells of a lesson in a module of their own.

    `lesson` is a number, a name, a path, or a notebook already read (mutated, say). Each call gives a fresh module;
    the tests that share one should cache it themselves.
    """
    if isinstance(lesson, NotebookNode):
        notebook, name = lesson, "notebook"
    else:
        path = find_lesson(lesson)
        notebook, name = read_lesson(path), path.stem
    forget_user_settings()

    # A registered module: dataclasses and pickle look their classes' module up by name.
    module = types.ModuleType(f"lesson_{name}_{next(_serial)}")
    module.__file__ = f"<{name}>"
    sys.modules[module.__name__] = module
    try:
        for cell in defining_cells(notebook):
            run_cell(without_magics(cell.source), module, f"<{name}: cell {cell_id(cell)}, {module.__name__}>")
    except BaseException:
        del sys.modules[module.__name__]
        raise
    return module


@functools.cache
def forget_user_settings() -> None:
    """Let lessons start from matplotlib's defaults, whatever matplotlibrc or backend the user has. Once a process."""
    os.environ["MPLBACKEND"] = "Agg"
    os.environ["BOOK_QUIET"] = "1"
    matplotlib.use("Agg")
    matplotlib.rcdefaults()


def run_cell(source: str, module: types.ModuleType, label: str) -> None:
    """Execute one cell's source in the module; tracebacks and `inspect.getsource` see it under `label`.

    Assertions hold under `python -O`, too.
    """
    linecache.cache[label] = (len(source), None, source.splitlines(keepends=True), label)
    exec(compile(source, label, "exec", optimize=0), module.__dict__)
