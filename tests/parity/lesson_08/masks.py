"""Lesson 8's masks beside transformers' Mask2Former and torchmetrics; merging and Segmenter pixel by pixel."""

from __future__ import annotations

from functools import partial
from itertools import product
from types import ModuleType
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from tests.parity.framework.cases import Build, Case, Values, function, tensor
from tests.parity.framework.harness import generator, reference
from tests.parity.lesson_04.losses import one_of
from tests.parity.lesson_08 import boxes, losses

QUERIES, SIDE, MAP, DRAWN = 5, 48, 6, 40


def mask2former() -> Any:
    """transformers' module."""
    return reference("transformers.models.mask2former.modeling_mask2former")


SPOTS = torch.rand(2, 9, 2, generator=generator(130), dtype=torch.float64)


def points_of_transformers(x: Tensor) -> Tensor:
    """Values at places."""
    return mask2former().sample_point(x, SPOTS.to(x), align_corners=False)


def at_points(lesson: ModuleType) -> Case:
    """On oblong maps."""
    inputs = tensor(2, 3, 5, 7, seed=131)
    return function(lambda x: lesson.at_points(x, SPOTS.to(x)), points_of_transformers, inputs)


TRUTH = torch.rand(2, 4, 12, generator=generator(132), dtype=torch.float64).round()


def mask_cost_of_transformers(x: Tensor, dice: float = 5.0, truth: Tensor = TRUTH) -> Tensor:
    """Cross-entropy and dice of each pair."""
    rows = zip(x, truth.to(x), strict=True)
    pairs = mask2former().pair_wise_sigmoid_cross_entropy_loss, mask2former().pair_wise_dice_loss
    return torch.stack([5 * pairs[0](ours, true) + dice * pairs[1](ours, true) for ours, true in rows])


def mask_cost(lesson: ModuleType) -> Case:
    """Logits and truth at twelve points."""
    inputs = 2 * tensor(2, QUERIES, 12, seed=133)
    return function(lambda x: lesson.mask_cost(x, TRUTH.to(x)), mask_cost_of_transformers, inputs)


SEGMENTS = torch.randint(6, (2, SIDE, SIDE), generator=generator(134), dtype=torch.uint8)
SEGMENTS[0][SEGMENTS[0] == 1] = 0  # the first picture has no speckle
SEGMENTS[0][SEGMENTS[0] == 3] = 0  # nor its second thing
SEGMENTS[1][SEGMENTS[1] > 3] = 1  # the second picture has two things


def said(x: Tensor) -> tuple[Tensor, Tensor]:
    """Logits of six classes and masks of each query; there are two layers of them."""
    return x[..., :6], x[..., 6:].unflatten(-1, (MAP, MAP))


def answers(seed: int, batch: int = 2) -> Tensor:
    """Two layers' answers."""
    return 2 * tensor(2, batch, QUERIES, 6 + MAP**2, seed=seed)


def loss_by_parts(
    x: Tensor, nothing: float = 0.2, seed: int = 5, by_class: float = 2.0, stuff: tuple[int, int] = (3, 4)
) -> Tensor:
    """Layer by layer, picture by picture: transformers' two losses for cost and loss, scipy, cross-entropy."""
    points = torch.rand(2, DRAWN, 2, generator=generator(seed)).to(x)
    weight, total = torch.tensor([1.0] * 5 + [nothing], dtype=x.dtype), torch.zeros(()).to(x)
    for layer in x:
        logits, masks = said(layer)
        ours = mask2former().sample_point(masks, points, align_corners=False)
        target, pairs = torch.full(logits.shape[:2], 5), []
        for picture in range(2):
            there = [int(s) for s in SEGMENTS[picture].unique()]
            kinds = torch.cat([torch.tensor(stuff), boxes.KINDS[picture]])[there]
            true = torch.stack([SEGMENTS[picture] == s for s in there]).to(x)
            true = mask2former().sample_point(true[None], points[picture : picture + 1], align_corners=False)[0]
            cost = mask_cost_of_transformers(ours[picture, None], truth=true[None])[0]
            chance = logits[picture].softmax(dim=-1)[:, kinds]
            table = cost - by_class * chance
            queries, things = reference("scipy.optimize").linear_sum_assignment(table.detach().numpy())
            target[picture, queries] = kinds[things]
            pairs.append(cost[queries, things])
        total = total + 4 * F.cross_entropy(logits.transpose(1, 2), target, weight) + torch.cat(pairs).mean()
    return total


def mask_scenes(x: Tensor) -> losses.Scenes:
    """What the loss of masks asks of scenes."""
    scenes = losses.scenes(x)
    scenes.segments = SEGMENTS
    return scenes


def mask_loss(lesson: ModuleType) -> Case:
    """Of a model that answers what it is given."""

    def mine(x: Tensor) -> Tensor:
        return lesson.mask_loss(said, mask_scenes(x), generator(5), DRAWN)

    return one_of(answers(135), mine, loss_by_parts)


def semantic_by_loop(x: Tensor, nothing_too: bool = False) -> Tensor:
    """Query by query and class by class."""
    logits, masks = said(x)
    chances = logits.exp() / logits.exp().sum(dim=-1, keepdim=True)
    parts = 1 / (1 + (-F.interpolate(masks, (SIDE, SIDE), mode="bilinear", align_corners=False)).exp())
    rows = []
    for kind in range(5 + nothing_too):
        rows.append(sum(chances[:, q, kind, None, None] * parts[:, q] for q in range(logits.shape[1])))
    return torch.stack(rows).max(dim=0).indices.to(x)


def semantic(lesson: ModuleType) -> Case:
    """Class of each pixel; many queries say nothing."""
    inputs = answers(136)[0]
    inputs[..., 5] += 3
    return function(lambda x: lesson.semantic(*said(x)).to(x), semantic_by_loop, inputs, Values)


def merged(x: Tensor, overlap: float = 0.5, half: bool = True, joined: bool = True) -> Tensor:
    """Mask2Former's merging, pixel by pixel; what stays of a segment, and its class at each of its pixels."""
    logits, masks = said(x[0])
    chances = logits.softmax(dim=-1).double().numpy()
    parts = F.interpolate(masks[None], (SIDE, SIDE), mode="bilinear")[0].sigmoid().double().numpy()
    keep = [q for q in range(len(chances)) if chances[q].argmax() < 5 and chances[q].max() > 0.5]
    owner, weighed = np.full((SIDE, SIDE), -1), (chances.max(axis=1)[:, None, None] * parts).tolist()
    for r, c in product(range(SIDE), repeat=2):
        owner[r, c] = max(keep, key=lambda q: weighed[q][r][c])
    image, numbers, kinds = np.full((SIDE, SIDE), -1), {}, []
    for query in keep:
        kind = int(chances[query].argmax())
        mine = (owner == query) & (parts[query] > 0.5) if half else owner == query
        if not mine.any() or mine.sum() < overlap * (parts[query] > 0.5).sum():
            continue
        if joined and kind >= 3 and kind in numbers:
            image[mine] = numbers[kind]
            continue
        numbers[kind] = len(kinds)
        image[mine] = len(kinds)
        kinds.append(kind)
    return both(torch.from_numpy(image), kinds, x)


def both(image: Tensor, kinds: list[int], x: Tensor) -> Tensor:
    """The segment of each pixel and its class."""
    classes = torch.tensor([*kinds, -1])[image]
    return torch.stack([image, classes]).to(x)


def merging() -> Tensor:
    """Answers sure of their classes: two of the queries say stripes, three a circle."""
    x = answers(137, batch=1)[0]
    x[0, torch.arange(QUERIES), torch.tensor([3, 0, 3, 0, 0])] += 14
    x[0, :, 6:] -= 1
    x[0, 0, 6:18] += 6  # the upper third
    x[0, 2, 30:] += 9  # below
    return x


def panoptic(lesson: ModuleType) -> Case:
    """Segments of one picture."""

    def mine(x: Tensor) -> Tensor:
        kinds, image = lesson.panoptic(*(part[0] for part in said(x)))
        return both(image, kinds, x)

    return function(mine, merged, merging(), Values)


PANOPTIC = [([3, 0, 0, 1, 4, 2], [4, 0, 0, 1, 2, 3]), ([3, 1, 1, 2, 0, 0], [3, 1, 2, 1, 0, 0])]


def label_maps(x: Tensor) -> tuple[Tensor, Tensor]:
    """Ours and the truth, which agree in many places; and each has all six segments."""
    truth = (x[0] * 2).round().long().clamp(-3, 2) + 3
    ours = torch.where(x[1] > 0.3, (x[1] * 3).round().long().clamp(-3, 2) + 3, truth)
    return ours, truth


def quality_of_torchmetrics(x: Tensor, classes: tuple = PANOPTIC[0]) -> Tensor:
    """PQ, SQ and RQ, class by class."""
    measure = reference("torchmetrics.functional.detection").panoptic_quality
    pictures = []
    for labels, kinds in zip(label_maps(x), classes, strict=True):
        # stuff has no instances there; the lesson's lists have one segment a class of it
        pictures.append(torch.stack([torch.tensor(kinds)[labels], labels], dim=-1)[None])
    found = measure(*pictures, {0, 1, 2}, {3, 4}, return_sq_and_rq=True, return_per_class=True)
    return found.reshape(5, 3).to(x)


def panoptic_quality(lesson: ModuleType, classes: tuple = PANOPTIC[0]) -> Case:
    """The lesson's counts and their quotients."""

    def mine(x: Tensor) -> Tensor:
        ours, truth = label_maps(x)
        return torch.from_numpy(lesson.quality(lesson.segment_counts(classes[0], ours, classes[1], truth))).to(x)

    inputs = tensor(2, 9, 11, seed=138)
    return function(mine, partial(quality_of_torchmetrics, classes=classes), inputs, Values)


def panoptic_exercise(lesson: ModuleType) -> Case:
    """Exercise 8.5."""

    def mine(x: Tensor) -> Tensor:
        pairs = zip(label_maps(x), PANOPTIC[1], strict=True)
        lists = [[(kind, labels == n) for n, kind in enumerate(kinds)] for labels, kinds in pairs]
        found = lesson.panoptic_quality(*lists)
        return torch.tensor([found.get(kind, (0, 0, 0)) for kind in range(5)]).to(x)

    return function(mine, partial(quality_of_torchmetrics, classes=PANOPTIC[1]), tensor(2, 9, 11, seed=139), Values)


CASES: dict[str, Build] = {
    "masks at points = transformers": at_points,
    "cost of masks = transformers": mask_cost,
    "loss of masks = transformers' parts": mask_loss,
    "semantic map = query by query": semantic,
    "panoptic map = pixel by pixel": panoptic,
    "panoptic quality = torchmetrics": panoptic_quality,
    "panoptic quality, others = torchmetrics": partial(panoptic_quality, classes=PANOPTIC[1]),
    "exercise 8.5 = torchmetrics": panoptic_exercise,
}
