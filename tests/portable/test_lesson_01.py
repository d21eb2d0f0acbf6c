"""Edges of Lesson 1's definitions: what they refuse, where they are cut off, and what they leave alone."""

from __future__ import annotations

import functools
from types import ModuleType

import pytest
import torch
from torch import nn

from tests.portable.check import random
from tools.lesson.definitions import load_definitions


@functools.cache
def lesson() -> ModuleType:
    return load_definitions(1)


@pytest.mark.parametrize("name", ["B/0", "B/15", "B/²", "B/", "B/16/2", "XL/16", "B/-16"])
def test_a_variant_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="variant|multiple|positive"):
        lesson().vit_config(name)


@pytest.mark.parametrize("wrong", [{"heads": 0}, {"heads": 5}, {"depth": 0}, {"channels": -1}, {"image_size": 0}])
def test_sizes_that_do_not_fit_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="fit|1 or more"):
        lesson().ViTConfig(**{"dim": 24, "depth": 1, "heads": 3, "mlp_dim": 8} | wrong)


def test_a_grid_of_another_shape_is_refused_though_it_has_as_many_patches() -> None:
    model = lesson().ViT(lesson().ViTConfig(24, 1, 3, 8, patch_size=16, image_size=64, classes=5))
    assert model(random(1, 3, 64, 64)).shape == (1, 5)
    with pytest.raises(ValueError, match="2 × 8 patches, positions for 4 × 4"):
        model(random(1, 3, 32, 128))


def test_twelve_tokens_are_no_square() -> None:
    with pytest.raises(ValueError, match=r"12 tokens form no square grid; 9 would \(3 × 3\)"):
        lesson().ConvBlock(24)(random(1, 12, 24))


def test_large_scores_do_not_overflow_in_half_precision() -> None:
    layer = lesson().initialise(lesson().Attention(64, 1))
    with torch.no_grad():
        layer.qkv.weight[:128] *= 120
    layer, tokens = layer.half(), random(1, 5, 64).half()
    assert lesson().attention_weights(layer, tokens).isfinite().all()
    assert layer(tokens).isfinite().all()


def test_initialise_leaves_alone_what_it_does_not_know() -> None:
    class Scaled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.log_scale = nn.Parameter(torch.full((4, 1, 1), 10.0))
            self.norm, self.linear = nn.RMSNorm(6), nn.Linear(6, 6)
            self.pos = nn.Parameter(torch.zeros(1, 9, 6))

    model = lesson().initialise(Scaled())
    assert (model.log_scale == 10).all()
    assert (model.norm.weight == 1).all()
    assert model.linear.bias.abs().max() == 0
    assert 0.01 < model.pos.std() < 0.03


@pytest.mark.parametrize(
    ("top", "left", "share"), [(-6, -6, 1.0), (-2, -2, 1 - 4 / 64), (6, 6, 1 - 4 / 64), (9, 0, 1.0), (0, 0, 0.75)]
)
def test_windows_are_cut_off_at_every_border(top: int, left: int, share: float) -> None:
    a, b = torch.zeros(3, 8, 8), torch.ones(3, 8, 8)
    mixed, kept = lesson().cutmix(a, b, top, left, 4)
    assert kept == share
    assert 1 - mixed.mean().item() == pytest.approx(share)
    erased = lesson().erase(a, top, left, 4, 4)
    assert (erased == 0).float().mean().item() == pytest.approx(share)


def test_nothing_kept_is_nothing_not_a_number() -> None:
    assert torch.equal(lesson().drop_path(random(2, 3, 4), 0, torch.zeros(2)), torch.zeros(2, 3, 4))


@pytest.mark.parametrize("n", [1, 2, 3])
def test_every_mask_is_there(n: int) -> None:
    masks, probability = lesson().all_masks(n, keep=0.9)
    assert len({tuple(mask) for mask in masks.tolist()}) == len(masks) == 2**n
    assert probability.sum() == pytest.approx(1)


def test_a_parameter_of_no_component_is_not_passed_over() -> None:
    model = lesson().ViT(lesson().DIGIT_VIT)
    model.gamma = nn.Parameter(torch.ones(3))
    with pytest.raises(ValueError, match="gamma belongs to none"):
        lesson().counted_by_component(model)
