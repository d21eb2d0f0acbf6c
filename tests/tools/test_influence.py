"""The figure of influence: the arrays it draws reach as far as theory says, from where it says."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest

from tools.lesson.definitions import load_definitions
from tools.run import drawings as figures
from tools.run.drawings import CENTRE, DEPTHS, GRID


@pytest.fixture(scope="module")
def fundamentals() -> ModuleType:
    return load_definitions("01_vit_fundamentals")


class TestInfluence:
    def test_it_reaches_what_theory_says(self, fundamentals: ModuleType) -> None:
        decades = figures.influence_decades(fundamentals)
        reached = {name: [int(np.isfinite(values).sum()) for values in maps] for name, maps in decades.items()}
        squares = [min(2 * depth + 1, GRID) ** 2 for depth in DEPTHS]
        assert reached == {"3 × 3 convolution": squares, "attention": [GRID**2] * len(DEPTHS)}

    def test_the_centre_is_where_the_figure_says(self, fundamentals: ModuleType) -> None:
        first = figures.influence_decades(fundamentals)["3 × 3 convolution"][0]
        rows, columns = np.nonzero(np.isfinite(first))
        assert (rows.mean() * GRID + columns.mean()) == CENTRE
