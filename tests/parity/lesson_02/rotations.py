"""Lesson 2's rotations of queries and keys beside their references."""

from __future__ import annotations

from types import ModuleType

import torch
from torch import Tensor, nn

from tests.parity.framework.cases import DIM, GRID, HEAD_DIM, HEADS, Case, Named, Nothing, tensor
from tests.parity.framework.harness import reference
from tests.parity.lesson_02.places import frequencies


def rotate(lesson: ModuleType) -> Case:
    """timm turns pairs (0, 1), (2, 3), … too, and wants every sine and cosine twice."""
    turn, angles = reference("timm.layers").apply_rot_embed, 3 * tensor(HEADS, 15, HEAD_DIM // 2, seed=8)

    def theirs(_: nn.Module, x: Tensor) -> Tensor:
        each = angles.to(x).repeat_interleave(2, dim=-1)
        return turn(x, each.sin(), each.cos())

    return Case(
        Nothing(),
        Nothing(),
        tensor(2, HEADS, 15, HEAD_DIM),
        mine_forward=lambda _, x: lesson.rotate(x, angles.to(x)),
        theirs_forward=theirs,
    )


def timm_rope(x: Tensor, base: float, half: bool = False) -> Tensor:
    """Sines and cosines of timm's axial RoPE on GRID, side by side, (N, 2·d), at x's precision."""
    build = reference("timm.layers").build_rotary_pos_embed
    bands = frequencies(HEAD_DIM // 4, base).to(x)
    return torch.cat(build(GRID, bands=bands, in_pixels=False, rotate_half=half, dtype=x.dtype), dim=-1)


def axial_rope(lesson: ModuleType, base: float = 100.0) -> Case:
    turn = reference("timm.layers").apply_rot_embed_cat

    return Case(
        lesson.AxialRoPE((2, 2), HEAD_DIM, base),
        Nothing(),
        tensor(2, HEADS, 15, HEAD_DIM),
        mine_forward=lambda part, x: part.turn(x, GRID),
        theirs_forward=lambda _, x: turn(x, timm_rope(x, base)),
    )


def mixed_names(parameters: Named) -> dict[str, Tensor]:
    """timm: (2, depth, h, d/2), the column's share first. Ours: (h, d/2, 2), the row's share first."""
    return {"omega": parameters["freqs"][:, 0].flip(0).permute(1, 2, 0)}


def mixed_rope_embedding(part: nn.Module, x: Tensor) -> Tensor:
    """What RotaryEmbeddingMixed gives for GRID, at x's precision; timm itself stops at float32."""
    mixed = reference("timm.layers.pos_embed_sincos")
    if x.dtype == torch.float32:
        return part.get_embed(GRID)[0]
    columns, rows = mixed.get_mixed_grid(GRID, part.grid_indexing, dtype=x.dtype)
    each = part.freqs[0, 0, :, None] * columns[:, None] + part.freqs[1, 0, :, None] * rows[:, None]
    return torch.cat([each.sin().repeat_interleave(2, -1), each.cos().repeat_interleave(2, -1)], dim=-1)


def mixed_rope(lesson: ModuleType) -> Case:
    """Multiplied by what was turned: lengths alone would not show the frequencies."""
    mixed = reference("timm.layers.pos_embed_sincos")

    return Case(
        lesson.MixedRoPE((2, 2), HEADS, HEAD_DIM),
        mixed.RotaryEmbeddingMixed(DIM, 1, HEADS),
        tensor(2, HEADS, 15, HEAD_DIM),
        mixed_names,
        lambda part, x: x * part.turn(x, GRID),
        theirs_forward=lambda part, x: x * mixed.apply_rot_embed_cat(x, mixed_rope_embedding(part, x)),
    )


def rope_by_halves(lesson: ModuleType) -> Case:
    """Exercise 2.4 beside DINOv3 of transformers, which turns all but the first tokens by halves."""
    turn = reference("transformers.models.dinov3_vit.modeling_dinov3_vit").apply_rotary_pos_emb

    def theirs(_: nn.Module, x: Tensor) -> Tensor:
        sin, cos = timm_rope(x, 100.0, half=True).chunk(2, dim=-1)
        queries, keys = turn(x, x, cos, sin)
        assert torch.equal(queries, keys)
        return queries

    return Case(
        Nothing(),
        Nothing(),
        tensor(2, HEADS, 16, HEAD_DIM),
        mine_forward=lambda _, x: lesson.rope_by_halves(x, *GRID, 100.0),
        theirs_forward=theirs,
    )
