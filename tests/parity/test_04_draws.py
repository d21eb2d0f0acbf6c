"""What Lesson 4 draws at random follows the laws that timm and numpy follow; LoRA is what its formula says."""

from __future__ import annotations

import math
from types import ModuleType

import numpy as np
import pytest
import torch
from scipy import stats
from torch import nn

from tests.parity.framework.cases import lesson_and_solutions, tensor
from tests.parity.framework.harness import generator, randomise, reference
from tests.parity.lesson_04.cases import LESSON

DRAWS, SIDE = 3000, 64


@pytest.fixture(scope="module")
def lesson() -> ModuleType:
    return lesson_and_solutions(LESSON)


@pytest.fixture(scope="module")
def batches(lesson: ModuleType) -> tuple[list[float], list[float]]:
    """The shares that a picture of eight keeps in many batches: by Mixup, and by CutMix where its window fits."""
    draws, images = generator(1), torch.arange(8.0)[:, None, None, None].expand(8, 1, SIDE, SIDE)
    mixed: list[float] = []
    pasted: list[float] = []
    for _ in range(DRAWS):
        pictures, targets = lesson.mixed_batch(images, torch.arange(8), 8, draws)
        kept = targets.diagonal()[targets.diagonal() < 1]  # a picture may be its own partner
        whole = all(len(picture.unique()) == 1 for picture in pictures)
        if len(kept):
            (mixed if whole else pasted).append(kept[0].item())
    return mixed, pasted


@pytest.mark.parametrize("alpha", [0.8, 1.0, 3.0])
def test_shares_follow_beta(lesson: ModuleType, alpha: float) -> None:
    draws = generator(2)
    found = [lesson.beta_share(alpha, draws) for _ in range(DRAWS)]
    assert stats.kstest(found, stats.beta(alpha, alpha).cdf).pvalue > 0.01
    assert stats.kstest(found, stats.beta(2 * alpha, 2 * alpha).cdf).pvalue < 0.01, "the test can tell laws apart"


def test_mixup_keeps_what_timm_keeps(batches: tuple[list[float], list[float]]) -> None:
    mixer, np_state = reference("timm.data.mixup").Mixup(0.8, 0.0), np.random.get_state()
    np.random.seed(3)
    try:
        theirs = [mixer._params_per_batch()[0] for _ in range(DRAWS)]
    finally:
        np.random.set_state(np_state)
    assert stats.ks_2samp(batches[0], theirs).pvalue > 0.01


def test_cutmix_keeps_what_timm_keeps(batches: tuple[list[float], list[float]]) -> None:
    """Windows may hang over the border, and the label counts what is seen: more is kept than was drawn.

    timm cuts fractions of pixels off, the lesson rounds: half a pixel on each side.
    """
    mixup, np_state = reference("timm.data.mixup"), np.random.get_state()
    np.random.seed(4)
    try:
        drawn = np.random.beta(1, 1, DRAWS)
        theirs = np.array([mixup.cutmix_bbox_and_lam((8, 1, SIDE, SIDE), share)[1] for share in drawn])
    finally:
        np.random.set_state(np_state)
    # A window that covers nothing or all is indistinguishable from Mixup above.
    theirs = theirs[(theirs > 0) & (theirs < 1)]
    found = np.array(batches[1])
    assert abs(found.mean() - theirs.mean()) < 0.03
    assert theirs.mean() > drawn.mean() + 0.05, "the border matters"
    assert abs(found.std() - theirs.std()) < 0.03


def test_half_of_the_batches_are_mixup(batches: tuple[list[float], list[float]]) -> None:
    share = len(batches[0]) / (len(batches[0]) + len(batches[1]))
    assert abs(share - 0.5) < 0.05


def test_an_epoch_repeats_and_leaves_out(lesson: ModuleType) -> None:
    epoch = lesson.repeated_epoch(30, 3, generator(5)).tolist()
    assert len(epoch) == 30
    assert all(epoch[i] == epoch[i + 1] == epoch[i + 2] for i in range(0, 30, 3))
    assert len(set(epoch)) == 10 and max(epoch) > 9, "ten of thirty, not always the first"


def test_lora_adds_a_product_of_narrow_matrices(lesson: ModuleType) -> None:
    dim, rank = 8, 2
    plain = randomise(nn.Linear(dim, 3 * dim), seed=1).double()
    layer = lesson.LoRA(plain, rank).double()
    x = tensor(2, 5, dim, seed=3)
    torch.testing.assert_close(layer(x), plain(x))
    randomise(layer, seed=2)
    bias, weight = layer.qkv.bias, layer.qkv.weight
    for number, part in enumerate("qkv"):
        rows = slice(number * dim, (number + 1) * dim)
        matrix = weight[rows].clone()
        if part != "k":
            down, up = layer.down["qv".index(part)], layer.up["qv".index(part)]
            for i in range(dim):
                for j in range(dim):
                    matrix[i, j] += sum(up[i, r] * down[r, j] for r in range(rank))
        torch.testing.assert_close(layer(x)[..., rows], x @ matrix.T + bias[rows])
        torch.testing.assert_close(layer.merged().weight[rows], matrix)


def test_half_life() -> None:
    """A formula that the lesson and its quick reference share: 0.9999 forgets half in 6,931 steps, DeiT's in 17,328."""
    for keep, steps in [(0.9999, 6_931), (0.99996, 17_328)]:
        assert keep**steps > 0.5 > keep ** (steps + 1)
        assert math.floor(math.log(0.5) / math.log(keep)) == steps
