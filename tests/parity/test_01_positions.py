"""Lesson 1's positions on another grid: by the convention of timm, and by no other."""

from __future__ import annotations

from types import ModuleType

import pytest
import torch
from torch import Tensor, nn

from tests.parity.framework.cases import lesson_and_solutions
from tests.parity.framework.harness import generator, randomise, reference
from tests.parity.lesson_01 import vit


@pytest.fixture(scope="module")
def lesson() -> ModuleType:
    return lesson_and_solutions(vit.LESSON)


GRIDS = [(4, (6, 6)), (4, (3, 5)), (6, (4, 4)), (3, (7, 2)), (4, (4, 4))]


def position_table(side: int) -> Tensor:
    return torch.randn(1, 1 + side**2, 10, generator=generator(5))


@pytest.mark.parametrize(("side", "new"), GRIDS)
def test_interpolated_positions_agree_with_timm(lesson: ModuleType, side: int, new: tuple[int, int]) -> None:
    layers = reference("timm.layers")
    pos = position_table(side)
    mine = lesson.interpolate_positions(pos, *new)
    # timm interpolates in float32 whatever it is given, so that is the precision of the comparison.
    wanted = layers.resample_abs_pos_embed(pos, list(new), [side, side], interpolation="bilinear", antialias=False)
    torch.testing.assert_close(mine, wanted, atol=1e-6, rtol=0)


def test_timm_notices_other_conventions(lesson: ModuleType) -> None:
    """The comparison above tells bicubic and antialiased tables apart; both are usual, too."""
    layers = reference("timm.layers")
    pos = position_table(6)
    mine = lesson.interpolate_positions(pos, 4, 4)
    for options in ({"interpolation": "bicubic", "antialias": False}, {"interpolation": "bilinear", "antialias": True}):
        assert (mine - layers.resample_abs_pos_embed(pos, [4, 4], [6, 6], **options)).abs().max() > 0.05


def test_interpolated_positions_keep_cls_and_a_constant_table(lesson: ModuleType) -> None:
    pos = position_table(4).double()
    pos[:, 1:] = torch.arange(10)
    resized = lesson.interpolate_positions(pos, 7, 5)
    assert resized.shape == (1, 36, 10)
    assert torch.equal(resized[:, :1], pos[:, :1])
    torch.testing.assert_close(resized[:, 1:], pos[:, 1:2].expand(-1, 35, -1), atol=1e-12, rtol=0)


def test_transformers_interpolates_positions_by_another_convention(lesson: ModuleType) -> None:
    """transformers resizes bicubically, the lesson bilinearly: the same positions only where nothing is resized.

    A checkpoint carried to another resolution by one of them is not the same model in the other. This test fails when
    transformers changes its mind.
    """
    config = vit.tiny_config(lesson)
    embeddings = randomise(vit.transformers_vit(config), seed=4).vit.embeddings
    pos = embeddings.position_embeddings.detach()
    side, new = config.image_size // config.patch_size, 6

    def theirs(grid: int) -> Tensor:
        pixels = grid * config.patch_size
        return embeddings.interpolate_pos_encoding(torch.empty(1, 1 + grid**2, config.dim), pixels, pixels).detach()

    table = pos[:, 1:].unflatten(1, (side, side)).permute(0, 3, 1, 2)
    bicubic = nn.functional.interpolate(table, size=(new, new), mode="bicubic").flatten(2).transpose(1, 2)
    torch.testing.assert_close(theirs(new)[:, 1:], bicubic, atol=1e-6, rtol=0)
    torch.testing.assert_close(lesson.interpolate_positions(pos, side, side), theirs(side), atol=1e-6, rtol=0)

    mine = lesson.interpolate_positions(pos, new, new)
    assert torch.equal(mine[:, 0], theirs(new)[:, 0])
    assert (mine - theirs(new)).abs().max() > 0.05


def test_the_authors_own_code_interpolates_from_corner_to_corner(lesson: ModuleType) -> None:
    """`scipy.ndimage.zoom(order=1)`, as in the ViT paper's code, maps the outermost patch centres onto each other.

    The lesson, like timm and transformers, maps the borders of the picture onto each other (`align_corners=False`).
    """
    zoom = reference("scipy.ndimage").zoom
    pos = position_table(4).double()
    zoomed = torch.from_numpy(zoom(pos[0, 1:].unflatten(0, (4, 4)).numpy(), (6 / 4, 6 / 4, 1), order=1))
    table = pos[:, 1:].unflatten(1, (4, 4)).permute(0, 3, 1, 2)
    corners = nn.functional.interpolate(table, size=(6, 6), mode="bilinear", align_corners=True)
    torch.testing.assert_close(zoomed, corners[0].permute(1, 2, 0), atol=1e-12, rtol=0)
    mine = lesson.interpolate_positions(pos, 6, 6)[0, 1:].unflatten(0, (6, 6))
    assert (mine - zoomed).abs().max() > 0.05
