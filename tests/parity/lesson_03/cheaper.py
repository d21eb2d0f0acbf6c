"""Lesson 3's cheaper attention, tile by tile, in windows or with fewer keys, beside its references."""

from __future__ import annotations

from types import ModuleType

import torch
import torch.nn.functional as F
from torch import Tensor

from tests.parity.framework.cases import HEAD_DIM, Case, function, tensor
from tests.parity.framework.harness import reference
from tests.parity.lesson_03.functions import cut, side_by_side


def flash(lesson: ModuleType, tile: int, keys: int = 11) -> Case:
    """Tiles that divide the numbers of queries and keys or do not."""
    return function(
        lambda x: lesson.flash_attend(*cut(x, 7, keys), tile),
        lambda x: F.scaled_dot_product_attention(*cut(x, 7, keys)),
        tensor(7 + 2 * keys, HEAD_DIM),
    )


def merged_blocks(lesson: ModuleType) -> Case:
    """Exercise 3.3: four and five keys apart, then nine at once; the answer and the log-sum-exp."""

    def mine(x: Tensor) -> Tensor:
        q, k, v = cut(x, 7, 9)
        parts = []
        for keys, values in zip(k.split([4, 5]), v.split([4, 5]), strict=True):
            scores = q @ keys.mT / HEAD_DIM**0.5
            parts += [scores.softmax(dim=-1) @ values, scores.logsumexp(dim=-1)]
        answer, lse = lesson.merge_blocks(*parts)
        return side_by_side(answer, lse[:, None])

    def theirs(x: Tensor) -> Tensor:
        q, k, v = cut(x, 7, 9)
        exponentials = torch.einsum("id,jd->ij", q, k).div(HEAD_DIM**0.5).exp()
        return side_by_side(F.scaled_dot_product_attention(q, k, v), exponentials.sum(dim=-1, keepdim=True).log())

    return function(mine, theirs, tensor(25, HEAD_DIM))


def linear(lesson: ModuleType) -> Case:
    """All N × M similarities at once, and elu(t) + 1 by its definition."""

    def positive(t: Tensor) -> Tensor:
        return torch.where(t > 0, t + 1, t.exp())

    def theirs(x: Tensor) -> Tensor:
        q, k, v = cut(x, 7, 11)
        similar = torch.einsum("if,jf->ij", positive(q), positive(k))
        return torch.einsum("ij,jd,i->id", similar, v, 1 / similar.sum(dim=1))

    def mine(x: Tensor) -> Tensor:
        q, k, v = cut(x, 7, 11)
        return lesson.linear_attend(lesson.phi(q), lesson.phi(k), v)

    return function(mine, theirs, tensor(29, HEAD_DIM))


def windows(lesson: ModuleType, side: int = 6, window: int = 3) -> Case:
    """timm cuts the windows and joins them again; torch attends in each."""
    swin = reference("timm.models.swin_transformer")

    def theirs(x: Tensor) -> Tensor:
        size = (window, window)
        parts = (swin.window_partition(t.unflatten(0, (1, side, side)), size).flatten(1, 2) for t in x)
        mixed = F.scaled_dot_product_attention(*parts).unflatten(1, size)
        return swin.window_reverse(mixed, size, side, side).flatten(0, 2)

    return function(lambda x: lesson.window_attend(*x, side, window), theirs, tensor(3, side * side, HEAD_DIM))


def best_keys(q: Tensor, k: Tensor, keep: int) -> Tensor:
    """True for a key that fewer than `keep` others beat."""
    scores = q @ k.mT
    return (scores[:, None] > scores[:, :, None]).sum(dim=-1) < keep


def top_k(lesson: ModuleType, keep: int = 4) -> Case:
    def theirs(x: Tensor) -> Tensor:
        q, k, v = cut(x, 7, 11)
        return F.scaled_dot_product_attention(q, k, v, attn_mask=best_keys(q, k, keep))

    return function(lambda x: lesson.top_k_attend(*cut(x, 7, 11), keep), theirs, tensor(29, HEAD_DIM))
