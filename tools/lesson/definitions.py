"""Import the functions and classes out of a lesson, without a kernel and without running its experiments."""

from __future__ import annotations

import itertools
import linecache
import os
import sys
import types
from pathlib import Path

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
    os.environ.setdefault("MPLBACKEND", "Agg")
    os.environ.setdefault("BOOK_QUIET", "1")

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


def run_cell(source: str, module: types.ModuleType, label: str) -> None:
    """Execute one cell's source in the module; tracebacks and `inspect.getsource` see it under `label`."""
    linecache.cache[label] = (len(source), None, source.splitlines(keepends=True), label)
    exec(compile(source, label, "exec"), module.__dict__)
