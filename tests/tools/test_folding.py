"""What a page folds, under which words, and the times that follow from it."""

from __future__ import annotations

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from tools.lesson.folding import LONGEST_OPEN_DEFINITION, fold_of
from tools.lesson.normalise import normalised
from tools.lesson.times import Times, times_of

LONG = "class ViT:\n" + "    x = 1\n" * LONGEST_OPEN_DEFINITION


@pytest.mark.parametrize(
    ("source", "tags", "draws", "line"),
    [
        ("# Proof: nine heads equal a convolution.\nassert f() == 1\n\nassert g()", ["q48"], False,
         "Proof: nine heads equal a convolution · 2 lines"),
        ("# Check: torch agrees\nassert f()", [], False, "Check: torch agrees · 1 line"),
        ("# Experiment: three seeds\nx = train()", [], True, "Experiment: three seeds · 1 line"),
        ("plt.plot([1])", [], True, "Code of the picture · 1 line"),
        ("def draw():\n    pass", ["define", "plot"], False, "Code of the picture: draw() · 2 lines"),
        ("import os", ["define", "imports"], False, "Imports · 1 line"),
        ("# @title Set-up: seed\nA = 1", ["define", "setup", "hide-input"], False,
         "Set-up: one thread, palette, random numbers · 1 line"),
        ("# @title Carried over from Lesson 1: Block\nclass Block:\n    x = 1", ["define", "carried-over"], False,
         "Carried over: Block · 2 lines"),
        ("# @title Solution of Exercise 1.1\ndef f():\n    pass", ["solution"], False, "Solution: f() · 2 lines"),
        (LONG, ["define"], False, f"Definition: class ViT · {LONGEST_OPEN_DEFINITION + 1} lines"),
        ("def rows(x):\n    return x", ["define", "folded"], False, "Definition: rows() · 2 lines"),
        ("print(1)", ["folded"], False, "Code · 1 line"),
    ],
)  # fmt: skip
def test_folded_under_words(source: str, tags: list[str], draws: bool, line: str) -> None:
    assert str(fold_of(source, tags, draws)) == line


@pytest.mark.parametrize(
    ("source", "tags"),
    [
        ("x = patchify(image)", []),
        ("# Proofs are boring: no\nx = 1", []),
        ("# Proof: seen\nassert f()", ["q1", "open"]),
        (LONG.removesuffix("    x = 1\n"), ["define"]),
        ("def short():\n    pass", ["define"]),
    ],
)
def test_open(source: str, tags: list[str]) -> None:
    assert fold_of(source, tags, draws=False) is None


def test_times_are_computed() -> None:
    cells = [
        new_markdown_cell("word " * 1000),  # 5 minutes
        new_code_cell("x = 1\n" * 250),  # 10
        new_code_cell("# Proof: it holds\n" + "x = 1\n" * 374, id="proof"),  # 15, when one works through it
        new_markdown_cell("### Exercise 1.1 · Halve\n\n*Easy · 40 minutes*", id="exercise-1-1-statement"),
        new_code_cell("x = 1\n" * 999, metadata={"tags": ["solution", "hide-input"]}),
        new_code_cell("x = 1\n" * 999, metadata={"tags": ["carried-over", "hide-input"]}),
    ]
    assert times_of(cells) == Times(reading=15, working=70)
    cells[1].source = "x = 1\n" * 500
    assert times_of(cells) == Times(reading=25, working=80)


@pytest.mark.parametrize(("minutes", "said"), [(5, "5 minutes"), (60, "1 hour"), (120, "2 hours"), (165, "2 h 45 min")])
def test_times_are_said(minutes: int, said: str) -> None:
    assert Times(minutes, minutes).row() == f"| Time | {said} to read, {said} to work through |"


def test_the_row_is_written_when_a_lesson_is_stored() -> None:
    notebook = new_notebook(
        cells=[new_markdown_cell("| | |\n| --- | --- |\n| Time | soon |\n| Running time | short |")]
    )
    row = "| Time | 5 minutes to read, 5 minutes to work through |"
    assert normalised(notebook).cells[0].source == f"| | |\n| --- | --- |\n{row}\n| Running time | short |"
