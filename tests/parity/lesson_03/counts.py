"""Lesson 3's multiply-accumulates, and those of published layers and models."""

from __future__ import annotations

from types import ModuleType

import torch
from torch import nn

from tests.parity.framework.counts import Count, macs_of, on_meta
from tests.parity.framework.harness import reference


def attention_macs(n: int, dim: int, heads: int) -> Count:
    """One layer on n tokens: by the formula, as the lesson counts it, as torch's layer and timm's have it."""
    batch = torch.zeros(1, n, dim, device="meta")

    def torchs(_: ModuleType) -> int:
        layer = on_meta(lambda: nn.MultiheadAttention(dim, heads, batch_first=True))
        return macs_of(lambda t: layer(t, t, t), batch)

    def timms(_: ModuleType) -> int:
        layer = on_meta(lambda: reference("timm.layers").Attention(dim, heads))
        layer.fused_attn = False
        return macs_of(layer, batch)

    def counted(lesson: ModuleType) -> int:
        return lesson.counted(lesson.MultiHeadAttention(dim, heads), torch.zeros(1, n, dim))

    return Count(
        {"its formula": lambda lesson: sum(lesson.attention_macs(n, dim).values()), "its layer, counted": counted},
        {"torch": torchs, "timm": timms},
        unlike=(lambda lesson: macs_of(lesson.MultiHeadAttention(dim, heads), torch.zeros(1, n + 1, dim)),),
    )


def macs_by_step(n: int, dim: int, heads: int) -> Count:
    """The same, step by step, written apart."""
    x, mapped = torch.zeros(n, dim), torch.zeros(heads, n, dim // heads)
    steps = {
        "q, k, v": sum(macs_of(nn.Linear(dim, dim), x) for _ in range(3)),
        "scores": macs_of(torch.matmul, mapped, mapped.mT),
        "mixing": macs_of(torch.matmul, torch.zeros(heads, n, n), mapped),
        "out": macs_of(nn.Linear(dim, dim), x),
    }
    return Count({"its formula": lambda lesson: lesson.attention_macs(n, dim)}, {"written apart": lambda _: steps})


def vitdet_flops(height: int, width: int, dim: int, depth: int, everywhere: int, window: int) -> Count:
    """Exercise 3.5 beside transformers' ViTDet, as large as it is published: on the meta device it costs nothing."""

    def theirs(everywhere: int, window: int) -> int:
        vitdet = reference("transformers.models.vitdet.modeling_vitdet")
        config = vitdet.VitDetConfig(
            hidden_size=dim, num_attention_heads=dim // 8, num_hidden_layers=depth, image_size=(height, width),
            window_block_indices=list(range(everywhere, depth)), window_size=window,
        )  # fmt: skip
        model = on_meta(lambda: vitdet.VitDetModel(config))
        return 2 * macs_of(model, torch.zeros(1, 3, height, width, device="meta"))

    others = (lambda _: theirs(everywhere + 1, window), lambda _: theirs(everywhere, 2 * window))
    return Count(
        {"exercise 3.5": lambda lesson: lesson.vit_flops(height, width, dim, depth, everywhere, window)},
        {"ViTDet": lambda _: theirs(everywhere, window)},
        unlike=others if everywhere < depth else (),
    )


LAYERS = [(197, 192, 3), (50, 64, 1), (9, 24, 4)]
VITDETS = [(64, 96, 24, 3, 1, 2), (128, 64, 32, 2, 0, 4), (1024, 1024, 768, 12, 4, 16), (64, 64, 24, 2, 2, 1)]
COUNTS = {
    **{f"attention, n = {n}, D = {dim}, h = {heads}": attention_macs(n, dim, heads) for n, dim, heads in LAYERS},
    **{f"by step, n = {n}, D = {dim}, h = {heads}": macs_by_step(n, dim, heads) for n, dim, heads in LAYERS},
    **{f"ViTDet {sizes}": vitdet_flops(*sizes) for sizes in VITDETS},
}
