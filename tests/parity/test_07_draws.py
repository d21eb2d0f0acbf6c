"""What Lesson 7 draws or finds step by step: blocks as BEiT hides them, codes as k-means finds them, views, judges."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.parity.framework.cases import lesson_and_solutions, tensor
from tests.parity.framework.harness import generator, reference
from tests.parity.lesson_07.cases import LESSON


@pytest.fixture(scope="module")
def lesson() -> ModuleType:
    return lesson_and_solutions(LESSON)


def rectangles(mask: Tensor) -> int:
    """The fewest rows of neighbours that a mask is made of, counted row by row."""
    left = torch.nn.functional.pad(mask, (1, 0))[:, :-1]
    return int((mask & ~left).sum())


def test_blocks_hide_about_as_many_as_wanted_and_hang_together(lesson: ModuleType) -> None:
    found = [lesson.block_mask(14, 75, generator(seed)) for seed in range(60)]
    hidden = [int(mask.sum()) for mask in found]
    assert max(hidden) <= 75 and np.mean(hidden) > 66
    scattered = [torch.rand(196, generator=generator(seed)).argsort().reshape(14, 14) < 75 for seed in range(60)]
    runs, alone = (np.mean([rectangles(mask) for mask in masks]) for masks in (found, scattered))
    assert runs < 0.55 * alone
    assert len({tuple(mask.flatten().tolist()) for mask in found}) == 60, "each draw is another"
    share = torch.stack(found).float().mean(dim=0)
    assert share.min() > 0 and share.max() < 1, "no place is always spared, none always hidden"


def test_codes_are_those_of_k_means(lesson: ModuleType) -> None:
    """scikit-learn's from the same start, by the same number of rounds; then, further on, hardly better."""
    draws = generator(9)
    crops, _ = lesson.Crops("train").draw(2000, draws)
    patches = crops.unfold(2, 4, 4).unfold(3, 4, 4).reshape(-1, 16)
    patches = (patches - patches.mean(dim=1, keepdim=True)).numpy()
    start = patches[torch.randperm(len(patches), generator=draws)[:64].numpy()]
    k_means = reference("sklearn.cluster").KMeans
    theirs = k_means(64, init=start, n_init=1, max_iter=16, tol=0, algorithm="lloyd").fit(patches)
    book = lesson.patch_codebook()
    np.testing.assert_allclose(book.numpy(), theirs.cluster_centers_, atol=0.05)
    codes = lesson.nearest_code(torch.from_numpy(patches)[None], book)[0].numpy()
    lost = ((patches - book.numpy()[codes]) ** 2).sum()
    assert lost == pytest.approx(theirs.inertia_, rel=0.005)
    before = torch.cdist(torch.from_numpy(patches), torch.from_numpy(start)).amin(dim=1).square().sum()
    assert lost < 0.9 * before, "k-means has moved"


def test_smaller_pictures_take_the_middle_positions(lesson: ModuleType) -> None:
    table = tensor(1, 36, 5, seed=61)
    for rows, columns, wanted in [
        (2, 2, [14, 15, 20, 21]),
        (2, 6, [*range(12, 24)]),
        (3, 3, [7, 8, 9, 13, 14, 15, 19, 20, 21]),
    ]:
        assert torch.equal(lesson.middle(table, rows, columns), table[:, wanted])


def test_crops_are_cut_out_of_their_own_photograph(lesson: ModuleType) -> None:
    crops = lesson.Crops("train")
    labels = torch.arange(10).repeat_interleave(5)
    places = crops.places(labels, generator(3))
    cut = crops.cut(labels, places, 24)
    for label, (top, left), crop in zip(labels.tolist(), places.tolist(), cut, strict=True):
        whole = lesson.material_parts("train")[label]
        assert torch.equal(crop, whole[top : top + 24, left : left + 24])


def test_halves_share_no_pixel(lesson: ModuleType) -> None:
    for name, (_, _, train, test) in lesson.MATERIALS.items():
        apart = train[1] <= test[0] or test[1] <= train[0] or train[3] <= test[2] or test[3] <= train[2]
        assert apart, name


def test_a_queue_keeps_the_newest(lesson: ModuleType) -> None:
    queue, kept = torch.arange(6.0)[:, None], list(range(6))
    for batch in ([10, 11], [12], [13, 14, 15]):
        keys = torch.tensor(batch, dtype=torch.float32)[:, None].requires_grad_()
        queue, kept = lesson.enqueue(queue, keys), [*batch, *kept][:6]
        assert queue[:, 0].tolist() == kept and not queue.requires_grad


def test_balanced_takes_turns(lesson: ModuleType) -> None:
    clusters = torch.tensor([0] * 20 + [1] * 3 + [2] * 5)
    for amount, wanted in [(3, [1, 1, 1]), (9, [3, 3, 3]), (14, [6, 3, 5]), (28, [20, 3, 5])]:
        chosen = lesson.balanced(clusters, amount, generator(4))
        assert len(set(chosen.tolist())) == amount
        assert clusters[chosen].bincount(minlength=3).tolist() == wanted


def test_clusters_are_those_of_k_means(lesson: ModuleType) -> None:
    points, labels, _, _ = lesson.long_tailed(3, classes=5)
    found = lesson.k_means(10 * tensor(5, 16, seed=62)[labels].float() + points, 5, generator(1), rounds=30)
    adjusted = reference("sklearn.metrics").adjusted_rand_score(labels.numpy(), found.numpy())
    assert adjusted > 0.6, "five clusters far apart; a start may put two centres into one"
