"""Mistakes in attention: what the references of Lesson 3 compute when they are damaged."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.parity.framework.cases import DIM, HEAD_DIM, HEADS
from tests.parity.lesson_03 import cheaper, looking
from tests.parity.lesson_03.functions import cut


def by_part(fused: Tensor) -> Tensor:
    """Fused (q k v)(h)(d), cut as if it were (h)(q k v)(d)."""
    return fused.unflatten(-1, (3, HEADS, HEAD_DIM)).transpose(-3, -2).flatten(-3)


def over_all_heads(q: Tensor, _: Tensor) -> Tensor:
    """One norm over D for a norm of each head."""
    return F.layer_norm(q.transpose(1, 2).flatten(2), (DIM,)).unflatten(2, (HEADS, HEAD_DIM)).transpose(1, 2)


def places_matter(swin: nn.Module) -> None:
    network = next(part for name, part in swin.attn.named_children() if name.endswith("mlp"))
    for buffer in network.buffers():
        buffer.copy_(torch.linspace(-1, 1, buffer.numel()).reshape(buffer.shape))


def key_bias_forgotten(swin: nn.Module) -> None:
    (swin.attn.k_bias if hasattr(swin.attn, "k_bias") else swin.attn.key.bias).zero_()


def sum_of_sizes_one(t: Tensor, dim: int) -> Tensor:
    return t / t.abs().sum(dim=dim, keepdim=True)


def keys_forgotten(x: Tensor) -> Tensor:
    """Seven queries, eleven keys; the last, short tile of keys is not seen."""
    q, k, v = cut(x, 7, 11)
    return F.scaled_dot_product_attention(q, k[:8], v[:8])


def mean_of_blocks(x: Tensor) -> Tensor:
    q, k, v = cut(x, 7, 9)
    blocks = zip(k.split([4, 5]), v.split([4, 5]), strict=True)
    answer = sum(F.scaled_dot_product_attention(q, keys, values) for keys, values in blocks) / 2
    return torch.cat([answer, (q @ k.mT / HEAD_DIM**0.5).logsumexp(dim=-1, keepdim=True)], dim=1)


def exponentials_for_elu(x: Tensor) -> Tensor:
    q, k, v = (t.exp() if number < 2 else t for number, t in enumerate(cut(x, 7, 11)))
    similar = q @ k.mT
    return similar / similar.sum(dim=-1, keepdim=True) @ v


def normalised_over_queries(x: Tensor) -> Tensor:
    q, k, v = cut(x, 7, 11)
    similar = (F.elu(q) + 1) @ (F.elu(k) + 1).mT
    return similar / similar.sum(dim=-2, keepdim=True) @ v


def strips(x: Tensor) -> Tensor:
    """Nine patches that follow one another for a window of 3 × 3."""
    return F.scaled_dot_product_attention(*x.unflatten(1, (4, 9))).flatten(0, 1)


def cut_off_after_softmax(x: Tensor) -> Tensor:
    q, k, v = cut(x, 7, 11)
    return (q @ k.mT / HEAD_DIM**0.5).softmax(dim=-1).masked_fill(~cheaper.best_keys(q, k, 4), 0) @ v


def rows_that_leak(x: Tensor) -> Tensor:
    """The minimum over heads, its rows not divided by their sums."""
    weights = looking.maps_of(x).amin(dim=2)
    return looking.sum_over_paths((weights + torch.eye(4).to(x)) / 2)


def any_place(i: Tensor, j: Tensor) -> Tensor:
    return (i - j).abs() <= 4


def in_a_diamond(i: Tensor, j: Tensor) -> Tensor:
    a, b = i - 1, j - 1
    return ((a // 5 - b // 5).abs() + (a % 5 - b % 5).abs() <= 2) | (i * j == 0)
