"""Lesson 1's vector figure: what it draws, by another calculation, and that this is what is stored."""

from __future__ import annotations

import re
from collections.abc import Iterator
from types import ModuleType

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from matplotlib.figure import Figure

from tools.lesson.definitions import load_definitions
from tools.run.figures import FOLDER

GRID, CENTRE, DEPTHS = 14, (7, 7), (1, 3, 8)
ROWS = ("3 × 3 convolution", "attention")


@pytest.fixture(scope="module")
def lesson() -> ModuleType:
    return load_definitions("01_vit_fundamentals")


@pytest.fixture
def figure(lesson: ModuleType) -> Iterator[Figure]:
    figure = lesson.vit_vs_cnn_comparison()
    yield figure
    plt.close(figure)


@pytest.fixture
def drawn(figure: Figure) -> np.ndarray:
    """The six maps, (2, 3, 14, 14), in decades; NaN where there is no influence."""
    maps = [ax.images[0].get_array() for ax in figure.axes if ax.images]
    return np.ma.filled(np.ma.stack(maps), np.nan).reshape(2, len(DEPTHS), GRID, GRID)


def test_it_reaches_what_theory_says(figure: Figure, drawn: np.ndarray) -> None:
    reached = np.isfinite(drawn).sum(axis=(2, 3)).tolist()
    assert reached == [[min(2 * depth + 1, GRID) ** 2 for depth in DEPTHS], [GRID**2] * len(DEPTHS)]
    said = [ax.get_xlabel() for ax in figure.axes if ax.images]
    assert said == [f"{count} of {GRID**2}" for row in reached for count in row]
    assert tuple(ax.get_ylabel() for ax in figure.axes if ax.images)[:: len(DEPTHS)] == ROWS


def test_the_centre_is_where_the_figure_says(drawn: np.ndarray) -> None:
    rows, columns = np.nonzero(np.isfinite(drawn[0, 0]))
    assert (rows.mean(), columns.mean()) == CENTRE
    strongest = np.unravel_index(np.nanargmax(drawn[1, 0]), (GRID, GRID))
    assert strongest == CENTRE, "after one fresh block a token depends most on itself"


def test_the_strongest_of_each_map_is_its_zero(drawn: np.ndarray) -> None:
    assert np.nanmax(drawn, axis=(2, 3)) == pytest.approx(0)


def test_disturbed_tokens_move_the_centre_as_drawn(lesson: ModuleType, drawn: np.ndarray) -> None:
    """The gradient norms of one block of attention, by finite differences in float64."""
    photo = lesson.to_image(lesson.data.chelsea()[:, 90:390], 224).double()
    embed = lesson.initialise(lesson.PatchEmbedding(3, 16, 48)).double()
    tokens = torch.nn.functional.layer_norm(embed(photo), (48,)).detach()
    tokens = tokens + 0.02 * torch.randn(tokens.shape, generator=lesson.rng(1)).double()
    block = lesson.initialise(lesson.Block(48, 3, 192), 0).double()
    direction = torch.randn(48, generator=lesson.rng(0)).double()
    place, step = CENTRE[0] * GRID + CENTRE[1], 1e-5

    def moved(token: int) -> float:
        """Length of the gradient by the features of one token."""
        shifted = tokens.repeat(2 * 48, 1, 1)
        shifted[:48, token] += step * torch.eye(48)
        shifted[48:, token] -= step * torch.eye(48)
        with torch.no_grad():
            up, down = (block(shifted)[:, place] @ direction).chunk(2)
        return float(((up - down) / (2 * step)).norm())

    own, others = moved(place), (0, 40, 106, 195)
    for token in others:
        wanted = np.log10(moved(token) / own)
        assert drawn[1, 0].flat[token] == pytest.approx(wanted, abs=1e-3), f"token {token}"


def test_it_fits_a_phone(figure: Figure) -> None:
    assert figure.get_figwidth() <= 4.6
    assert figure.get_facecolor() == (1, 1, 1, 1)
    sizes = {text.get_fontsize() for text in figure.findobj(plt.Text) if text.get_text()}
    assert min(sizes) * 309 / (96 * figure.get_figwidth()) >= 8, "too small on a phone: 309 pixels are left to a figure"


def test_it_is_stored() -> None:
    stored = (FOLDER / "vit_vs_cnn_comparison.svg").read_text()
    assert len(re.findall("<image", stored)) >= len(ROWS) * len(DEPTHS), "run `make figures`"
