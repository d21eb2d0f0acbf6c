"""What Lesson 4 leaves out or mixes at random, beside timm and torchvision, which are given the same draws."""

from __future__ import annotations

from functools import partial
from types import ModuleType
from typing import Any
from unittest import mock

import torch
from torch import Tensor, nn

from tests.parity.framework.cases import Case, function, tensor
from tests.parity.framework.harness import generator, reference
from tests.parity.lesson_01 import vit

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


def thinned_vit(lesson: ModuleType, depth_drop: float = 0.5) -> Case:
    """A whole model in training, whose branches are dropped; timm draws from the same generator."""
    config = vit.tiny_config(lesson)
    theirs = vit.timm_vit(config, drop_path_rate=depth_drop)

    def forward(model: nn.Module, x: Tensor) -> Tensor:
        draws = generator(SEED)

        def drawn(empty: Tensor, probability: float) -> Tensor:
            return empty.copy_((torch.rand(len(empty), generator=draws) < probability).reshape(empty.shape))

        with mock.patch.object(Tensor, "bernoulli_", drawn):
            return model.train()(x)

    return Case(
        lesson.RegularisedViT(config, depth_drop),
        theirs,
        tensor(BATCH, 3, 32, 32, seed=15),
        vit.from_timm,
        mine_forward=lambda model, x: model(x, generator(SEED)),
        theirs_forward=forward,
        silent=vit.biases_of_keys(theirs),
    )


SIDE = 8
PICTURE_LABELS = torch.tensor([3, 0, 2, 1, 4, 4])


def mixed_as(lesson: ModuleType, share: float, kind: float, corner: tuple[int, int], x: Tensor) -> Tensor:
    """The lesson's batch, its draws replaced: the partners in reverse, as timm takes them."""
    draws = iter([torch.tensor(kind), (torch.tensor(corner) / SIDE).double()])
    patches: dict[str, Any] = {
        "randperm": lambda n, generator: torch.arange(n).flip(0),
        "rand": lambda shape, generator: next(draws),
    }
    drawn = mock.patch.object(lesson, "beta_share", return_value=share)
    with mock.patch.multiple(torch, **patches), drawn:
        images, targets = lesson.mixed_batch(x, PICTURE_LABELS, 5, generator(0))
    return torch.cat([images.flatten(1), targets.to(x)], dim=1)


def mixed_by_timm(share: float, kind: float, corner: tuple[int, int], x: Tensor, exact: bool = True) -> Tensor:
    """timm's Mixup or CutMix of a batch; `exact` counts the window's pixels for the label."""
    mixup = reference("timm.data.mixup")
    mixer = mixup.Mixup(0.8, 1.0, correct_lam=exact, label_smoothing=0.0, num_classes=5)
    numpy = mixup.np.random
    with (
        mock.patch.object(numpy, "rand", return_value=0.0 if kind >= 0.5 else 0.9),
        mock.patch.object(numpy, "beta", return_value=share),
        mock.patch.object(numpy, "randint", side_effect=corner),
    ):
        images, targets = mixer(x.clone(), PICTURE_LABELS)
    return torch.cat([images.flatten(1), targets.to(x)], dim=1)


def mixed(lesson: ModuleType, share: float, kind: float, corner: tuple[int, int] = (3, 5)) -> Case:
    """A batch of six, mixed by the same share; CutMix around the same centre."""
    return function(
        partial(mixed_as, lesson, share, kind, corner),
        partial(mixed_by_timm, share, kind, corner),
        tensor(6, 2, SIDE, SIDE, seed=16),
    )
