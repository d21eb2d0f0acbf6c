"""What the comparisons of Lesson 2 have to notice."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn

from tests.parity.framework import damages
from tests.parity.framework.cases import DIM, GRID, HEAD_DIM, HEADS
from tests.parity.framework.damages import (
    GRADIENT_WRONG,
    Damage,
    Damaged,
    by_columns,
    first_input,
    given,
    gradient_doubled,
    heads_rolled,
    index_transposed,
    module,
    output_of,
    returned,
    setting,
    swapped,
)
from tests.parity.framework.swin_v2 import log_offsets
from tests.parity.lesson_02.cases import CASES, LESSON

like = partial(damages.like, LESSON)


def kernel_ordered_pqc(conv: nn.Module) -> None:
    conv.weight.copy_(conv.weight.permute(0, 2, 3, 1).reshape(conv.weight.shape))


def channels_last(patches: Tensor) -> Tensor:
    return patches.unflatten(-1, (3, 16)).mT.flatten(-2)


def features(order: list[int]) -> Callable[[Tensor], Tensor]:
    return lambda x: x[..., order]


def mirrored(x: Tensor) -> Tensor:
    """Every second feature negated: a turn between two of these goes the other way."""
    return x * torch.tensor([1, -1]).repeat(x.shape[-1] // 2)


def second_half_negated(x: Tensor) -> Tensor:
    """The same for features paired by halves."""
    return torch.cat([x.chunk(2, dim=-1)[0], -x.chunk(2, dim=-1)[1]], dim=-1)


def other_halves(x: Tensor) -> Tensor:
    return x.roll(x.shape[-1] // 2, dims=-1)


def exchanged(theirs: nn.Module) -> None:
    """CaiT's keys for its values."""
    k, v = theirs.attn.k, theirs.attn.v
    theirs.attn.k, theirs.attn.v = v, k


def cls_moved(x: Tensor) -> Tensor:
    """Something added to [CLS]; a constant would not do, LayerNorm takes it off."""
    return torch.cat([x[:, :1] + torch.linspace(-1, 1, DIM).to(x), x[:, 1:]], dim=1)


def pretrained_window_forgotten(offsets: Tensor) -> Tensor:
    return log_offsets((4, 6), (4, 6)).to(offsets)


def halves(size: int) -> list[int]:
    """The order that brings feature 2i to i and 2i + 1 to i + size/2."""
    return [*range(0, size, 2), *range(1, size, 2)]


def inverse(order: list[int]) -> list[int]:
    return [order.index(i) for i in range(len(order))]


def paired(size: int) -> Damage:
    """Features paired by halves instead of neighbours."""
    return given(features(halves(size)), features(inverse(halves(size))))


CORNERS, BILINEAR = setting("corners", True), setting("mode", "bilinear")
SIDES_SWAPPED = setting("old", GRID[::-1])
PQC, COLUMNS_FIRST = "pixels ordered (p q c)", "patches by columns"
KEY_MINUS_QUERY = ("key minus query", module(index_transposed), "outputs")
HEADS_ROLLED = ("heads in another order", module(heads_rolled), "outputs")
OTHER_WAY = ("turned the other way round", given(mirrored, mirrored), "outputs")
AXES_SWAPPED = ("columns before rows", given(other_halves, other_halves), "outputs")
BY_HALVES = ("pairs by halves", paired(HEAD_DIM), "outputs")

DAMAGES: list[Damaged] = [
    ("patch embedding = convolution", PQC, module(kernel_ordered_pqc), "outputs"),
    ("patch embedding = convolution", COLUMNS_FIRST, given(lambda x: x.mT), "outputs"),
    ("patch embedding = convolution", *GRADIENT_WRONG),
    ("patchify = unfold", PQC, returned(channels_last), "outputs"),
    ("patchify = unfold", COLUMNS_FIRST, returned(by_columns), "outputs"),
    ("patchify = unfold", *GRADIENT_WRONG),
    ("unpatchify = fold", PQC, given(channels_last), "outputs"),
    ("unpatchify = fold", COLUMNS_FIRST, given(by_columns), "outputs"),
    ("exercise 2.1 = fold, then cut", COLUMNS_FIRST, given(by_columns), "outputs"),
    ("bilinear table = kernel matrices", "corners on corners", CORNERS, "outputs"),
    ("bilinear table = kernel matrices", "bicubic", setting("mode", "bicubic"), "outputs"),
    ("bicubic table = kernel matrices", "corners on corners", CORNERS, "outputs"),
    ("bicubic table = kernel matrices", "bilinear", BILINEAR, "outputs"),
    ("bicubic table = kernel matrices", "a = −1/2, as Keys and PIL", setting("a", -0.5), "outputs"),
    ("bicubic table = kernel matrices", "height and width swapped", SIDES_SWAPPED, "outputs"),
    ("smaller bicubic table = kernel matrices", "a = −1/2, as Keys and PIL", setting("a", -0.5), "outputs"),
    ("learned positions on another grid", "bilinear", BILINEAR, "outputs"),
    ("learned positions on another grid", "corners on corners", CORNERS, "outputs"),
    ("learned positions on another grid", "height and width swapped", SIDES_SWAPPED, "outputs"),
    ("exercise 2.3 = kernel matrices", "bilinear", BILINEAR, "outputs"),
    ("exercise 2.3 = kernel matrices", "height and width swapped", SIDES_SWAPPED, "outputs"),
    ("sine-cosine = MAE", *AXES_SWAPPED),
    ("sine-cosine = MAE", "sines and cosines alternate", paired(DIM), "outputs"),
    ("sine-cosine = MAE", "base 100", like(CASES["sine-cosine, base 100 = MAE"]), "outputs"),
    ("relative bias = timm", *KEY_MINUS_QUERY),
    ("relative bias = timm", *HEADS_ROLLED),
    ("relative bias = timm", *GRADIENT_WRONG),
    ("relative bias = Swin", *KEY_MINUS_QUERY),
    ("relative bias = Swin", *HEADS_ROLLED),
    ("stretched relative bias = timm", *HEADS_ROLLED),
    ("rotate = timm", *OTHER_WAY),
    ("rotate = timm", *BY_HALVES),
    ("rotate = timm", *GRADIENT_WRONG),
    ("axial RoPE = timm", *OTHER_WAY),
    ("axial RoPE = timm", *AXES_SWAPPED),
    ("axial RoPE = timm", *BY_HALVES),
    ("axial RoPE = timm", "base 10000", like(CASES["axial RoPE, base 10000 = timm"]), "outputs"),
    ("mixed RoPE = timm", "rows for columns", setting("grid_indexing", "ij"), "outputs"),
    ("mixed RoPE = timm", "the pairs in another order", given(other_halves, other_halves), "outputs"),
    ("mixed RoPE = timm", *OTHER_WAY),
    ("exercise 2.4 = DINOv3", "turned the other way round", given(second_half_negated, second_half_negated), "outputs"),
    ("exercise 2.4 = DINOv3", "neighbours paired",
     given(features(inverse(halves(HEAD_DIM))), features(halves(HEAD_DIM))), "outputs"),
    ("attention with a bias = torch", "key minus query", module(lambda m: m.table.copy_(m.table.flip(0))), "outputs"),
    ("attention with a bias = torch", "k and v swapped", swapped("in_proj"), "outputs"),
    ("attention with a bias = Swin of timm", *KEY_MINUS_QUERY),
    ("attention with a bias = Swin of timm", "scores scaled by D", setting("scale", DIM**-0.5), "outputs"),
    ("attention with a bias = Swin of timm", "k and v swapped", swapped("qkv"), "outputs"),
    ("attention with a bias = Swin of timm", "wrong gradient in qkv", gradient_doubled("qkv"), "input gradients"),
    ("attention with axial RoPE = timm", "k and v swapped", swapped("qkv"), "outputs"),
    ("attention with axial RoPE = timm", "pairs by halves", setting("rotate_half", True), "outputs"),
    ("attention with axial RoPE = timm", "scores scaled by D", output_of("q_norm", lambda x, y: y / HEADS**0.5),
     "outputs"),
    ("attention with mixed RoPE = timm", "rows for columns", setting("grid_indexing", "ij", "rope"), "outputs"),
    ("cross-attention = torch", "k and v swapped", swapped("in_proj"), "outputs"),
    ("cross-attention = torch", *GRADIENT_WRONG),
    ("attention pooling = timm", "eps 1e-5, 1e-6 is right", setting("eps", 1e-5, "norm"), "outputs"),
    ("attention pooling = timm", "no norm, timm's default", output_of("norm", lambda x, y: x), "outputs"),
    ("attention pooling = timm", "tanh GELU", setting("act", nn.GELU("tanh"), "mlp"), "outputs"),
    ("attention pooling = timm", "k and v swapped", swapped("kv"), "outputs"),
    ("attention pooling = timm", "wrong gradient in k and v", gradient_doubled("kv"), "input gradients"),
    ("attention pooling = timm", "wrong gradient in q alone", gradient_doubled("q"), "gradients of"),
    ("class-attention layer = CaiT", "LayerScale of 1e-4", module(lambda m: m.gamma_1.fill_(1e-4)), "outputs"),
    ("class-attention layer = CaiT", "eps 1e-5 before the MLP", setting("eps", 1e-5, "norm2"), "outputs"),
    ("class-attention layer = CaiT", "k and v swapped", module(exchanged), "outputs"),
    ("class-attention layer = CaiT", "[CLS] is not normalised",
     output_of("norm1", lambda x, y: torch.cat([x[:, :1], y[:, 1:]], dim=1)), "outputs"),
    ("class attention = CaiT", "wrong gradient in the second layer", gradient_doubled("layers.1.attn.v"), "gradients"),
    ("ViT with [CLS] = timm", "eps 1e-5 in the final norm", setting("eps", 1e-5, "norm"), "outputs"),
    ("ViT with [CLS] = timm", "mean of the patches", setting("global_pool", "avg"), "outputs"),
    ("ViT with [CLS] = timm", "patches by columns", output_of("patch_embed", lambda x, y: by_columns(y)), "outputs"),
    ("ViT with [CLS] = timm", "[CLS] has a position, too",
     first_input(cls_moved, "blocks"), "outputs"),
    ("ViT, mean = timm", "maximum", setting("global_pool", "max"), "outputs"),
    ("ViT, max = timm", "mean", setting("global_pool", "avg"), "outputs"),
    ("ViT, class attention = CaiT", "no norm behind class attention", output_of("norm", lambda x, y: x), "outputs"),
    ("ViT, MAP = timm", "eps 1e-5 in the head", setting("eps", 1e-5, "attn_pool.norm"), "outputs"),
]  # fmt: skip


def _bias_network(library: str, network: str) -> list[Damaged]:
    """What can be wrong with a continuous bias, in either library."""
    same, larger = f"continuous bias = {library}", f"continuous bias, larger window = {library}"
    return [
        (same, *KEY_MINUS_QUERY),
        (same, "GELU for ReLU", setting("1", nn.GELU(), network), "outputs"),
        (same, "not divided by log₂ 8", first_input(lambda x: 3 * x, network), "outputs"),
        (same, "twice the bound", returned(lambda y: 2 * y), "outputs"),
        (same, "wrong gradient in the first layer", gradient_doubled(f"{network}.0"), "gradients of fc1"),
        (larger, "trained window forgotten", first_input(pretrained_window_forgotten, network), "outputs"),
    ]


DAMAGES += _bias_network("timm", "cpb_mlp") + _bias_network("transformers", "continuous_position_bias_mlp")
