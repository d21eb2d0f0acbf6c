"""The vector figures: the arrays they draw, and that drawing them twice gives the same file."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from tools.definitions import load_definitions
from tools.figures import CENTRE, DEPTHS, FOLDER, GRID, influence_decades, vit_vs_cnn_comparison, write


@pytest.fixture(scope="module")
def lesson() -> ModuleType:
    return load_definitions("01_vit_fundamentals")


def test_influence_reaches_what_theory_says(lesson: ModuleType) -> None:
    decades = influence_decades(lesson)
    reached = {name: [int(np.isfinite(values).sum()) for values in maps] for name, maps in decades.items()}
    squares = [min(2 * depth + 1, GRID) ** 2 for depth in DEPTHS]
    assert reached == {"3 × 3 convolution": squares, "attention": [GRID**2] * len(DEPTHS)}


def test_the_centre_is_where_the_figure_says(lesson: ModuleType) -> None:
    first = influence_decades(lesson)["3 × 3 convolution"][0]
    rows, columns = np.nonzero(np.isfinite(first))
    assert (rows.mean() * GRID + columns.mean()) == CENTRE


def test_drawing_twice_gives_the_same_file(lesson: ModuleType, tmp_path: Path) -> None:
    drawn = []
    for _ in range(2):
        write(vit_vs_cnn_comparison(lesson), tmp_path / "figure.svg")
        drawn.append((tmp_path / "figure.svg").read_bytes())
    assert drawn[0] == drawn[1]
    assert [path.name for path in tmp_path.iterdir()] == ["figure.svg"]


def test_the_stored_figure_is_a_figure() -> None:
    stored = (FOLDER / "vit_vs_cnn_comparison.svg").read_text(encoding="utf8")
    assert stored.count("<image") >= 2 * len(DEPTHS), "run `make figures`"
    assert "http://127" not in stored and len(stored) < 200_000
