"""What Lesson 4 leaves out or mixes at random, beside timm and torchvision, which are given the same draws."""

from __future__ import annotations

from types import ModuleType
from unittest import mock

import torch
from torch import Tensor

from tests.parity.framework.cases import Case, function, tensor
from tests.parity.framework.harness import generator, reference

BATCH, DROP, SEED = 7, 0.4, 3
KEPT = torch.rand(BATCH, generator=generator(SEED)) >= DROP
assert 0 < KEPT.sum() < BATCH


def branch(x: Tensor) -> Tensor:
    """Something that depends on the sample."""
    return x.sin() * x


def dropped(library: str, x: Tensor, drop: float = DROP, kept: Tensor = KEPT) -> Tensor:
    """The library's stochastic depth, its draw replaced by a mask."""

    def drawn(empty: Tensor, probability: float) -> Tensor:
        assert abs(probability - (1 - drop)) < 1e-12
        return empty.copy_(kept.reshape(empty.shape))

    with mock.patch.object(Tensor, "bernoulli_", drawn):
        if library == "timm":
            return reference("timm.layers").drop_path(x, drop, training=True)
        return reference("torchvision.ops").stochastic_depth(x, drop, "row", training=True)


def drop_path(lesson: ModuleType, library: str) -> Case:
    """The lesson's function, which is given the mask."""
    return function(
        lambda x: lesson.drop_path(x, 1 - DROP, KEPT.to(x)), lambda x: dropped(library, x), tensor(BATCH, 3, 2, seed=12)
    )


def skip_branch(lesson: ModuleType, library: str, training: bool = True) -> Case:
    """Exercise 4.4, which computes the kept branches alone."""

    def theirs(x: Tensor) -> Tensor:
        return x + (dropped(library, branch(x)) if training else branch(x))

    return function(
        lambda x: lesson.skip_branch(branch, x, DROP, training, generator(SEED)), theirs, tensor(BATCH, 3, 2, seed=12)
    )
