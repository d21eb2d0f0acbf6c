"""Lesson 2's tables, frequencies, indices and rotations beside libraries that compute them in float32."""

from __future__ import annotations

from functools import partial
from types import ModuleType

import pytest
import torch

from tests.parity.framework.cases import DIM, GRID, HEAD_DIM, HEADS, lesson_and_solutions
from tests.parity.framework.harness import generator, reference
from tests.parity.lesson_02.cases import LESSON
from tests.parity.lesson_02.places import TIMM_QUARTERS, frequencies, reorder
from tests.parity.lesson_02.rotations import mixed_names

GRIDS = [(2, 3), (3, 2), (5, 5), (1, 4), (4, 1), (1, 1)]
RESIZED = [((4, 4), (6, 6)), ((4, 4), (3, 5)), ((3, 5), (5, 3)), ((6, 2), (4, 4)), ((3, 5), (3, 5))]


@pytest.fixture(scope="module")
def lesson() -> ModuleType:
    return lesson_and_solutions(LESSON)


# Tables of positions in timm, which interpolates in float32 whatever it is given.


@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
@pytest.mark.parametrize(("old", "new"), RESIZED)
def test_resized_tables_agree_with_timm(lesson: ModuleType, old: tuple, new: tuple, mode: str) -> None:
    resample = partial(
        reference("timm.layers").resample_abs_pos_embed, new_size=new, old_size=old, interpolation=mode, antialias=False
    )
    pos = torch.randn(1, 5 + old[0] * old[1], 10, generator=generator(5))
    close = partial(torch.testing.assert_close, atol=1e-6, rtol=0)
    close(lesson.resize_table(pos[:, 5:], old, new, mode), resample(pos[:, 5:], num_prefix_tokens=0))
    close(lesson.resize_positions(pos[:, 4:], old, new, mode), resample(pos[:, 4:], num_prefix_tokens=1))
    if mode == "bicubic":
        close(lesson.resize_with_extra(pos, old, new, 5), resample(pos, num_prefix_tokens=5))


def test_timm_notices_other_conventions(lesson: ModuleType) -> None:
    """timm's own default is antialiased, which matters where a table shrinks."""
    resample = partial(reference("timm.layers").resample_abs_pos_embed, num_prefix_tokens=0)
    pos = torch.randn(1, 36, 10, generator=generator(5))
    mine = lesson.resize_table(pos, (6, 6), (4, 4))
    for options in ({"interpolation": "bilinear", "antialias": False}, {"antialias": True}):
        assert (mine - resample(pos, new_size=[4, 4], old_size=[6, 6], **options)).abs().max() > 0.05


# Sines and cosines.


@pytest.mark.parametrize("base", [100.0, 10000.0])
def test_sine_cosine_agrees_with_timm_up_to_the_order_of_features(lesson: ModuleType, base: float) -> None:
    build = partial(reference("timm.layers").build_sincos2d_pos_embed, GRID, DIM, temperature=base)
    mine = lesson.sine_cosine_2d(lesson.grid_coordinates(*GRID), DIM, base)
    torch.testing.assert_close(mine, build(interleave_sin_cos=True), atol=1e-6, rtol=0)
    torch.testing.assert_close(reorder(mine, TIMM_QUARTERS), build(), atol=1e-6, rtol=0)
    assert (mine - build()).abs().max() > 0.1


@pytest.mark.parametrize(("count", "base"), [(4, 100.0), (12, 10000.0), (1, 10.0)])
def test_frequencies_agree_with_timm(lesson: ModuleType, count: int, base: float) -> None:
    theirs = reference("timm.layers.pos_embed_sincos").freq_bands(count, temperature=base, step=1)
    torch.testing.assert_close(lesson.frequencies(count, base), theirs, atol=1e-7, rtol=1e-6)
    torch.testing.assert_close(theirs.double(), frequencies(count, base), atol=1e-7, rtol=1e-6)


def test_frequencies_agree_with_dinov3(lesson: ModuleType) -> None:
    """Exercise 2.4 says how DINOv3 pairs; its places, from −1 to 1 on any grid, are not the lesson's."""
    modelling = reference("transformers.models.dinov3_vit.modeling_dinov3_vit")
    config = modelling.DINOv3ViTConfig(hidden_size=48, num_attention_heads=3, rope_theta=100.0)
    theirs = modelling.DINOv3ViTRopePositionEmbedding(config).inv_freq
    torch.testing.assert_close(lesson.frequencies(4, 100.0), theirs, atol=1e-7, rtol=1e-6)


# Indices of pairs.


@pytest.mark.parametrize("grid", GRIDS)
def test_relative_index_agrees(lesson: ModuleType, grid: tuple[int, int]) -> None:
    mine = lesson.relative_index(*grid)
    assert torch.equal(mine, reference("timm.layers.pos_embed_rel").gen_relative_position_index(grid))
    swin = reference("transformers.models.swin.modeling_swin").SwinRelativePositionBias(1, grid)
    assert torch.equal(mine.flatten(), swin.relative_position_index)
    if grid != (1, 1):
        assert not torch.equal(mine.T, mine)


@pytest.mark.parametrize("grid", GRIDS)
def test_relative_index_with_cls_agrees_with_beit(lesson: ModuleType, grid: tuple[int, int]) -> None:
    mine = lesson.index_with_cls(*grid)
    assert torch.equal(mine, reference("timm.layers.pos_embed_rel").gen_relative_position_index(grid, class_token=True))
    if grid != (1, 1):
        assert not torch.equal(mine.T, mine)


# Rotations.


@pytest.mark.parametrize("grid", [(2, 3), (14, 14), (1, 9)])
@pytest.mark.parametrize(("base", "size"), [(100.0, 16), (10000.0, 8)])
def test_axial_rope_agrees_with_timms_module(lesson: ModuleType, grid: tuple, base: float, size: int) -> None:
    layers = reference("timm.layers")
    rope = layers.RotaryEmbeddingCat(size, temperature=base, in_pixels=False, feat_shape=list(grid))
    x = torch.randn(2, 3, grid[0] * grid[1], size, generator=generator(6))
    mine = lesson.AxialRoPE((4, 4), size, base).turn(x, grid)
    torch.testing.assert_close(mine, layers.apply_rot_embed_cat(x, rope.get_embed()), atol=1e-5, rtol=1e-4)


def test_squeezed_places_are_eva_s(lesson: ModuleType) -> None:
    """EVA brings a larger grid's places onto those it was trained on; scores of equal queries and keys agree."""
    layers = reference("timm.layers")
    rope = layers.RotaryEmbeddingCat(
        16, temperature=100.0, in_pixels=False, feat_shape=[6, 9], ref_feat_shape=[4, 3], grid_offset=0.5
    )
    mine = lesson.AxialRoPE((4, 3), 16)
    mine.squeeze = True
    x = torch.randn(16, generator=generator(6)).expand(54, 16)
    got, wanted = mine.turn(x, (6, 9)), layers.apply_rot_embed_cat(x, rope.get_embed())
    torch.testing.assert_close(got @ got.T, wanted @ wanted.T, atol=1e-5, rtol=1e-4)
    mine.squeeze = False
    apart = mine.turn(x, (6, 9))
    assert (apart @ apart.T - wanted @ wanted.T).abs().max() > 0.1


def test_mixed_rope_starts_as_timms_does(lesson: ModuleType) -> None:
    mixed = reference("timm.layers.pos_embed_sincos")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        theirs = mixed.init_random_2d_freqs(HEAD_DIM, 1, HEADS, temperature=10.0)
    mine = lesson.MixedRoPE(GRID, HEADS, HEAD_DIM)
    mine.reset(lesson.rng(5))
    torch.testing.assert_close(mine.omega.data, mixed_names({"freqs": theirs})["omega"], atol=1e-6, rtol=0)
