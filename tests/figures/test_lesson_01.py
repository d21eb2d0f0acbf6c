"""Lesson 1's vector figures: what they draw, by another calculation, and that this is what is stored."""

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


@pytest.fixture
def whole(lesson: ModuleType) -> Iterator[Figure]:
    figure = lesson.vit_architecture()
    yield figure
    plt.close(figure)


def test_the_whole_has_the_shapes_of_a_real_model(lesson: ModuleType, whole: Figure) -> None:
    """Every shape in the picture, from a ViT-B/16 that is run."""
    config = lesson.vit_config("B/16")
    model, image = lesson.build_on_meta(config), torch.empty(1, 3, 224, 224, device="meta")
    sequence = model.embed(image)
    after = model.blocks[0](sequence)
    shapes = [image[0].permute(1, 2, 0), lesson.patchify(image, 16)[0], sequence[0], after[0]]
    said = [text.get_text() for text in whole.findobj(plt.Text)]
    wanted = [" × ".join(map(str, tensor.shape)) for tensor in shapes]
    assert sorted(words for words in said if re.fullmatch(r"[\d ×]+", words) and "×" in words) == sorted(wanted)
    assert f"[CLS]: {model.norm(after)[0, 0].numel()}" in said
    assert f"block, {len(model.blocks)} times" in said
    assert f"{model(image)[0].numel():,} logits:\nclass scores" in said


def test_the_whole_has_the_parts_of_a_block_in_order(lesson: ModuleType, whole: Figure) -> None:
    """Norm, attention, norm, MLP, as a block holds them, from left to right."""
    said = {"norm": "LayerNorm", "attention": "Attention", "MLP": "MLP"}
    texts = [text for text in whole.findobj(plt.Text) if text.get_text() in said]
    top = max(text.get_position()[1] for text in texts)
    drawn = sorted((text.get_position()[0], text.get_text()) for text in texts if text.get_position()[1] == top)
    held = [type(part).__name__ for part in lesson.Block(12, 3, 48).children()]
    assert [said[name] for _, name in drawn] == held
    assert len(texts) == len(drawn) + 1, "one more norm behind the blocks"


def test_the_photograph_is_cut_as_often_as_the_model_cuts_it(lesson: ModuleType, whole: Figure) -> None:
    white = [line for line in whole.findobj(plt.Line2D) if line.get_color() == "white"]
    assert len(white) == 2 * (224 // 16 - 1)


@pytest.mark.parametrize("name", ["vit_architecture", "vit_vs_cnn_comparison"])
def test_it_fits_a_phone(lesson: ModuleType, name: str) -> None:
    figure = getattr(lesson, name)()
    assert figure.get_figwidth() <= 4.6
    assert figure.get_facecolor() == (1, 1, 1, 1)
    sizes = {text.get_fontsize() for text in figure.findobj(plt.Text) if text.get_text()}
    assert min(sizes) * 309 / (96 * figure.get_figwidth()) >= 8, "too small on a phone: 309 pixels are left to a figure"
    plt.close(figure)


@pytest.mark.parametrize(
    ("name", "pictures"), [("vit_architecture", 2), ("vit_vs_cnn_comparison", len(ROWS) * len(DEPTHS))]
)
def test_it_is_stored(name: str, pictures: int) -> None:
    stored = (FOLDER / f"{name}.svg").read_text()
    assert len(re.findall("<image", stored)) >= pictures, "run `make figures`"
