"""Lesson 3's ways to look into attention beside their references."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from functools import partial
from types import ModuleType

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.parity.framework.cases import GRID, HEADS, Case, Nothing, Values, function, renamed, tensor
from tests.parity.framework.harness import reference

N = GRID[0] * GRID[1]


def maps_of(x: Tensor) -> Tensor:
    """Attention weights out of any numbers; blocks first."""
    return x.softmax(dim=-1)


def sum_over_paths(steps: Tensor) -> Tensor:
    """Steps (L, B, N, N), first block first: from every place after the last block to every input, (B, N, N).

    A path is one place before each block and one after the last; it carries the product of its steps.
    """
    depth, _, n, _ = steps.shape
    table = [[0] * n for _ in range(n)]
    for path in itertools.product(range(n), repeat=depth + 1):
        carried = 1
        for block, (before, after) in enumerate(itertools.pairwise(path)):
            carried = carried * steps[block, :, after, before]
        table[path[-1]][path[0]] = table[path[-1]][path[0]] + carried
    return torch.stack([torch.stack(row, dim=-1) for row in table], dim=-2)


def shares(weights: Tensor, residual: float) -> Tensor:
    """Steps of a block with a residual connection, each row's divided by their sum; weights (…, N, N)."""
    mixed = residual * torch.eye(weights.shape[-1]).to(weights) + (1 - residual) * weights
    return mixed / mixed.sum(dim=-1, keepdim=True)


def rollout(lesson: ModuleType, residual: bool = True, smallest: bool = False) -> Case:
    """Three blocks (3, B, h, N, N), heads fused by their mean or their minimum."""

    def mine(x: Tensor) -> Tensor:
        fuse = (lambda w: w.amin(dim=1)) if smallest else None
        return lesson.rollout(list(maps_of(x)), residual, fuse)

    def theirs(x: Tensor) -> Tensor:
        weights = maps_of(x)
        fused = weights.min(dim=2).values if smallest else weights.sum(dim=2) / HEADS
        return sum_over_paths(shares(fused, residual / 2))

    return function(mine, theirs, 2 * tensor(3, 2, HEADS, 4, 4))


def rollout_by_block(lesson: ModuleType, share: float = 0.5) -> Case:
    """Exercise 3.4: one table after each block."""

    def theirs(x: Tensor) -> Tensor:
        steps = shares(maps_of(x), share)[:, None]
        return torch.cat([sum_over_paths(steps[:depth]) for depth in (1, 2, 3)])

    return function(lambda x: lesson.rollout_by_block(maps_of(x), share), theirs, 2 * tensor(3, 4, 4))


class PatchesFirst(nn.Module):
    """A norm of tokens (B, 1 + N, D) whose patches pass `here` as features of places (B, D, N), as captum wants."""

    def __init__(self, norm: nn.Module):
        super().__init__()
        self.norm, self.here, self.cls = norm, nn.Identity(), 1

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm(x)
        return torch.cat([y[:, : self.cls], self.here(y[:, self.cls :].mT).mT], dim=1)


LABELS = torch.tensor([2, 0, 3])
PROBABILITIES = partial(F.softmax, dim=-1)


def grad_cam(
    lesson: ModuleType,
    labels: Tensor = LABELS,
    relu: bool = True,
    cls: int = 1,
    of: Callable[[Tensor], Tensor] = lambda y: y,
) -> Case:
    """captum at the norm of the Finder's last block. [CLS] is no place: its gradient does not count.

    `labels`, `relu`, `cls` (how many tokens are no place) and `of`, a function of the logits, are the reference's.
    """
    captum = reference("captum.attr")
    theirs = lesson.Finder()
    theirs.layers[-1].norm1 = PatchesFirst(theirs.layers[-1].norm1)

    def theirs_forward(model: nn.Module, images: Tensor) -> Tensor:
        norm = model.layers[-1].norm1
        norm.cls = cls  # the model is the harness's own copy
        cam = captum.LayerGradCam(lambda x: of(model(x)), norm.here)
        with torch.enable_grad():
            return cam.attribute(images, target=labels, relu_attributions=relu)[:, 0, 1 - cls :].detach()

    def mine_forward(model: nn.Module, images: Tensor) -> Tensor:
        with torch.enable_grad():
            return lesson.grad_cam(model, model.layers[-1].norm1, images, LABELS)

    names = renamed(("norm1.norm", "norm1"))
    return Values(lesson.Finder(), theirs, tensor(3, 1, 20, 20), names, mine_forward, theirs_forward)


def erasing(
    lesson: ModuleType,
    labels: Tensor = LABELS,
    grey: float = 0.5,
    of: Callable[[Tensor], Tensor] = PROBABILITIES,
) -> Case:
    """captum's ablation of one group of pixels at a time; every pixel of a patch is given what the patch is worth.

    `labels`, `grey` and `of`, a function of the logits, are the reference's.
    """
    captum = reference("captum.attr")
    patches = torch.arange(25).unflatten(0, (5, 5)).repeat_interleave(4, 0).repeat_interleave(4, 1)

    def theirs(model: nn.Module, images: Tensor) -> Tensor:
        ablation = captum.FeatureAblation(lambda x: of(model(x)))
        worth = ablation.attribute(images, baselines=grey, target=labels, feature_mask=patches[None, None])
        return worth[:, 0, ::4, ::4].flatten(1)

    def mine(model: nn.Module, images: Tensor) -> Tensor:
        return lesson.erasing(model, images, LABELS)

    return Values(lesson.Finder(), lesson.Finder(), tensor(3, 1, 20, 20), mine_forward=mine, theirs_forward=theirs)


def distance(lesson: ModuleType) -> Case:
    """Pair by pair, on an oblong grid."""
    places = list(itertools.product(range(GRID[0]), range(GRID[1])))

    def theirs(x: Tensor) -> Tensor:
        weights = maps_of(x)
        pairs = itertools.product(enumerate(places), repeat=2)
        return sum(weights[..., i, j] * math.dist(a, b) for (i, a), (j, b) in pairs) / N

    def mine(x: Tensor) -> Tensor:
        return lesson.attention_distance(maps_of(x), torch.tensor(places).to(x))

    return function(mine, theirs, 2 * tensor(2, HEADS, N, N))


def entropy(lesson: ModuleType) -> Case:
    return function(
        lambda x: lesson.entropy(maps_of(x)),
        lambda x: torch.distributions.Categorical(logits=x).entropy(),
        2 * tensor(5, 9),
    )


def pixel_scores(lesson: ModuleType) -> Case:
    """torch unfolds the patches; each is standardised by hand, with the eps of LayerNorm."""

    def theirs(x: Tensor) -> Tensor:
        patches = F.unfold(x, 4, stride=4)[0].T
        spread = (patches.var(dim=1, correction=0, keepdim=True) + 1e-5).sqrt()
        patches = (patches - patches.mean(dim=1, keepdim=True)) / spread
        return torch.einsum("nf,f->n", patches, patches[7]) / math.sqrt(48)

    return function(lambda x: lesson.pixel_scores(x, 4, 7), theirs, tensor(1, 3, 12, 20))


def sight(lesson: ModuleType) -> Case:
    """A layer x -> A x W, whose derivatives are known: Aᵢⱼ times the sums of W's rows, whatever x is."""
    x, w = tensor(1, 7, 6, seed=8), tensor(6, 4, seed=9)

    def mine(a: Tensor) -> Tensor:
        return lesson.sight(lambda t: a @ t @ w.to(a), x.to(a))

    def theirs(a: Tensor) -> Tensor:
        return a.abs() * w.to(a).sum(dim=1).norm()

    forwards = {"mine_forward": lambda _, a: mine(a), "theirs_forward": lambda _, a: theirs(a)}
    return Values(Nothing(), Nothing(), tensor(7, 7), **forwards)
