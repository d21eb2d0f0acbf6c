"""Definitions can be taken out of a lesson without running its experiments."""

from __future__ import annotations

import inspect
import sys
import traceback

import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from tools.lesson.definitions import load_definitions


def lesson(*cells: tuple[str, str]) -> NotebookNode:
    """A notebook of code cells, given as (tags, source)."""
    made = [
        new_code_cell(source, metadata={"tags": tags.split()}, id=f"cell-{n}") for n, (tags, source) in enumerate(cells)
    ]
    return new_notebook(cells=[new_markdown_cell("# T"), *made])


def test_only_defining_cells_run() -> None:
    module = load_definitions(
        lesson(
            ("define imports", "import math\n%config InlineBackend.figure_formats = ['retina']"),
            ("define setup hide-input", "SEED = 3"),
            ("define carried-over", "def area(r):\n    return math.pi * r**2"),
            ("q1", "raise RuntimeError('an experiment ran')"),
            ("solution", "raise RuntimeError('a solution ran')"),
            ("define", "def seed():\n    return SEED"),
        )
    )
    assert module.area(0) == 0
    assert module.seed() == 3


def test_each_call_gives_a_fresh_module() -> None:
    notebook = lesson(("define", "SIZES = []"))
    load_definitions(notebook).SIZES.append(1)
    assert load_definitions(notebook).SIZES == []


def test_classes_know_where_they_come_from() -> None:
    module = load_definitions(
        lesson(("define", "from dataclasses import dataclass\n\n@dataclass\nclass Size:\n    depth: int = 12"))
    )
    assert module.Size() == module.Size(12)
    assert sys.modules[module.Size.__module__] is module


def test_the_source_of_a_function_can_be_shown() -> None:
    source = "def twice(x):\n    return 2 * x\n"
    assert inspect.getsource(load_definitions(lesson(("define", source))).twice) == source


def test_a_failing_cell_is_named_with_its_line() -> None:
    with pytest.raises(ZeroDivisionError) as caught:
        load_definitions(lesson(("define", "A = 1\nB = A / 0")))
    last = traceback.extract_tb(caught.value.__traceback__)[-1]
    assert "cell cell-0" in last.filename
    assert (last.lineno, last.line) == (2, "B = A / 0")
