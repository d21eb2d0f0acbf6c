"""Lesson 2's definitions: whole numbers for places, and what does not fit is refused with a sentence that helps."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

import pytest
import torch
from torch import nn

from tests.portable.check import random
from tools.lesson.definitions import load_definitions


@pytest.fixture(scope="module")
def lesson() -> ModuleType:
    return load_definitions("02_patch_and_position_embeddings")


@pytest.mark.parametrize(
    "encode",
    [
        pytest.param(lambda L, places: L.sine_cosine(places[:, 0], 8), id="sine_cosine"),
        pytest.param(lambda L, places: L.sine_cosine_2d(places, 8), id="sine_cosine_2d"),
        pytest.param(lambda L, places: L.AxialRoPE((3, 5), 8).angles(places), id="axial"),
        pytest.param(lambda L, places: jittered(L, L.MixedRoPE((3, 5), 2, 8)).angles(places), id="mixed"),
        pytest.param(lambda L, places: L.log_spaced(places - 2), id="log_spaced"),
    ],
)
def test_whole_numbers_are_places(lesson: ModuleType, encode: Callable) -> None:
    places = lesson.grid_coordinates(3, 5, dtype=torch.long)
    wanted = encode(lesson, places.float())
    assert wanted.frac().abs().max() > 0.1
    torch.testing.assert_close(encode(lesson, places), wanted)


def jittered(lesson: ModuleType, part: nn.Module) -> nn.Module:
    part.reset(lesson.rng(1))
    return part


REFUSED = {
    "patches of another size": (lambda L: L.unpatchify(random(2, 15, 50), 4, 12, 20), "48 or 64 would fit"),
    "too many patches": (lambda L: L.unpatchify(random(2, 16, 48), 4, 12, 20), "15 would fit"),
    "an order of too few": (lambda L: L.permute_patches(random(2, 3, 8, 8), torch.arange(3), 4), r"\(4,\) or \(2, 4\)"),
    "orders of other pictures": (
        lambda L: L.permute_patches(random(2, 3, 8, 8), torch.arange(4).expand(3, 4), 4),
        r"\(4,\) or \(2, 4\)",
    ),
    "as many pixels in another shape": (lambda L: L.Filler()(random(1, 1, 16, 64), torch.ones(1, 64) > 0), "32, 32"),
    "one mask for two pictures": (lambda L: L.Filler()(random(2, 1, 32, 32), torch.ones(1, 64) > 0), r"\(B, 64\)"),
    "a table of another grid": (lambda L: L.resize_table(random(1, 15, 4), (4, 4), (5, 5)), "16 would fit"),
    "positions of another grid": (lambda L: L.resize_positions(random(1, 15, 4), (3, 5), (5, 5)), "15 would fit"),
    "similarities of another grid": (lambda L: L.by_distance(random(15, 15), 4), r"\(16, 16\) would fit"),
    "one token for a grid": (lambda L: L.AxialRoPE((3, 5), 8).turn(random(2, 3, 1, 8), (3, 5)), "would fit"),
    "angles of a wider head": (lambda L: L.rotate(random(2, 3, 15, 8), random(15, 1)), "8/2"),
    "a bias of one head on three": (
        lambda L: L.GridAttention(24, 3, L.RelativeBias((3, 5), 1))(random(2, 15, 24), (3, 5)),
        r"\(3, 15, 15\) would fit",
    ),
    "a bias of another grid": (
        lambda L: L.GridAttention(24, 3, L.RelativeBias((3, 5), 3))(random(2, 1, 24), (3, 5)),
        r"\(3, 1, 1\) would fit",
    ),
    "[CLS] and turned queries": (
        lambda L: L.GridViT(L.Positions(), lambda: L.AxialRoPE((4, 4), 16), L.ClassToken(48))(random(1, 1, 8, 8)),
        r"angles \(16, 8\)",
    ),
    "[CLS] and a bias": (
        lambda L: L.GridViT(L.Positions(), lambda: L.RelativeBias((4, 4), 3), L.ClassToken(48))(random(1, 1, 8, 8)),
        r"\(3, 17, 17\) would fit",
    ),
    "heads that do not divide": (lambda L: L.CrossAttention(25, 3), "24 or 27 would fit"),
    "an odd width": (lambda L: L.sine_cosine(torch.arange(3), 5), "4 or 6 would fit"),
    "half a pair for an axis": (lambda L: L.MixedRoPE((4, 4), 3, 6), "4 or 8 would fit"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_does_not_fit_is_refused(lesson: ModuleType, name: str) -> None:
    call, says = REFUSED[name]
    with pytest.raises(ValueError, match=says):
        call(lesson)


def test_counting_leaves_the_layer_as_it_was(lesson: ModuleType) -> None:
    """Its copy is counted, fused attention included, at half precision too."""
    layer = nn.TransformerEncoderLayer(24, 3, 96, batch_first=True).half()
    before = {name: values.clone() for name, values in layer.state_dict().items()}
    n, d = 15, 24
    assert lesson.layer_macs(layer, n, d) == 12 * n * d**2 + 2 * n * n * d
    assert all(torch.equal(values, before[name]) for name, values in layer.state_dict().items())


def test_a_place_keeps_its_vector_where_a_grid_is_squeezed_onto_itself(lesson: ModuleType) -> None:
    part = lesson.SineCosine((3, 5), 8)
    wanted = part.add((3, 5))
    part.squeeze = True
    torch.testing.assert_close(part.add((3, 5)), wanted)
