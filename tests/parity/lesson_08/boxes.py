"""Lesson 8's boxes, matching and losses beside torchvision and transformers; suppression by a table."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from types import ModuleType
from typing import Any
from unittest import mock

import numpy as np
import torch
from torch import Tensor

from tests.parity.framework.cases import Build, Case, Values, function, tensor
from tests.parity.framework.harness import reference

QUERIES, CLASSES = 7, 3
WEIGHTS = (1.0, 5.0, 2.0)
NOTHING = 0.2
KINDS = torch.tensor([[0, 2, 1, 1], [2, 0, 0, 1]])
REAL = torch.tensor([[True, False, True, True], [True, True, False, False]])
WANTED = tensor(2, 4, 4, seed=81).sigmoid() * torch.tensor([1, 1, 0.6, 0.6])


def small(x: Tensor) -> Tensor:
    """Boxes in centre form, inside the picture or a little over its edge."""
    return x.sigmoid() * torch.tensor([1, 1, 0.6, 0.6]).to(x)


def torchvision() -> Any:
    """Its operators on boxes."""
    return reference("torchvision.ops")


def as_corners(x: Tensor) -> Tensor:
    """torchvision's own conversion."""
    return torchvision().box_convert(x, "cxcywh", "xyxy")


def detection_losses() -> Any:
    """transformers' DETR losses."""
    return reference("transformers.loss.loss_for_object_detection")


def iou_and_union(x: Tensor) -> Tensor:
    """transformers' pair of tables."""
    return torch.stack(detection_losses().box_iou(as_corners(small(x[0])), as_corners(small(x[1]))))


def two_sets(seed: int = 82) -> Tensor:
    """Boxes of which many do not touch."""
    return 2 * tensor(2, 6, 4, seed=seed)


def iou(lesson: ModuleType) -> Case:
    """IoU and union, each box with each."""

    def mine(x: Tensor) -> Tensor:
        a, b = (lesson.corners(small(part)) for part in x)
        return torch.stack(lesson.box_iou(a[:, None], b))

    return function(mine, iou_and_union, two_sets())


def giou_of_torchvision(x: Tensor) -> Tensor:
    """Each box with each."""
    return torchvision().generalized_box_iou(as_corners(small(x[0])), as_corners(small(x[1])))


def giou(lesson: ModuleType) -> Case:
    """The lesson's, by broadcasting."""

    def mine(x: Tensor) -> Tensor:
        a, b = (lesson.corners(small(part)) for part in x)
        return lesson.giou(a[:, None], b)

    return function(mine, giou_of_torchvision, two_sets())


def pair_giou(lesson: ModuleType) -> Case:
    """Exercise 8.1."""

    def mine(x: Tensor) -> Tensor:
        return lesson.pair_giou(*(as_corners(small(part)) for part in x))

    return function(mine, giou_of_torchvision, two_sets(seed=83))


def kept_by_table(boxes: np.ndarray, scores: np.ndarray, limit: float = 0.3, descending: bool = True) -> np.ndarray:
    """Which boxes stay, from a table of all overlaps: a box goes if a better one that stays overlaps it too much."""
    x0, y0, x1, y1 = boxes.T[:, :, None]
    wide = np.minimum(x1, x1.T) - np.maximum(x0, x0.T)
    high = np.minimum(y1, y1.T) - np.maximum(y0, y0.T)
    common = np.maximum(wide, 0) * np.maximum(high, 0)
    area = (x1 - x0) * (y1 - y0)
    overlaps = common / (area + area.T - common) > limit
    stays = np.full(len(boxes), False)
    for i in np.argsort(-scores if descending else scores):
        stays[i] = not (overlaps[i] & stays).any()
    return stays


def suppressed_by_table(x: Tensor, limit: float = 0.3, descending: bool = True) -> Tensor:
    """1 for each box that stays."""
    boxes = as_corners(small(x[:, :4])).double().numpy()
    return torch.from_numpy(kept_by_table(boxes, x[:, 4].numpy(), limit, descending)).to(x)


def nms(lesson: ModuleType, limit: float = 0.3) -> Case:
    """Greedy suppression of forty boxes."""

    def mine(x: Tensor) -> Tensor:
        kept = lesson.nms(lesson.corners(small(x[:, :4])), x[:, 4], limit)
        return torch.zeros_like(x[:, 0]).index_fill(0, torch.tensor(kept), 1)

    return function(mine, partial(suppressed_by_table, limit=limit), tensor(40, 5, seed=84), Values)


def pieces(x: Tensor) -> tuple[Tensor, Tensor]:
    """Logits and boxes of queries."""
    return x[..., :-4], small(x[..., -4:])


def answers(seed: int = 85, layers: int = 1) -> Tensor:
    """Of one or more decoder layers, for two pictures."""
    return tensor(*[layers] * (layers > 1), 2, QUERIES, CLASSES + 1 + 4, seed=seed)


def truth_of(wanted: Tensor) -> list[dict[str, Tensor]]:
    """As transformers takes it: only what there is."""
    rows = zip(KINDS, wanted, REAL, strict=True)
    return [{"class_labels": kinds[real], "boxes": boxes[real]} for kinds, boxes, real in rows]


def matcher(weights: Sequence[float] = WEIGHTS) -> Any:
    """transformers' matcher."""
    return detection_losses().HungarianMatcher(*weights)


def cost_of_transformers(x: Tensor, weights: Sequence[float] = WEIGHTS) -> Tensor:
    """The table that it hands to scipy, picture by picture; all things count."""
    tables: list[Tensor] = []
    logits, boxes = pieces(x)

    def seen(table: Tensor) -> tuple[list, list]:
        tables.append(table)
        return [], []

    with mock.patch.object(detection_losses(), "linear_sum_assignment", seen):
        rows = zip(KINDS, WANTED.to(x), strict=True)
        targets = [{"class_labels": kinds, "boxes": wanted} for kinds, wanted in rows]
        matcher(weights)({"logits": logits, "pred_boxes": boxes}, targets)
    return torch.stack(tables)


def cost(lesson: ModuleType) -> Case:
    """The lesson's table of costs."""
    return function(
        lambda x: lesson.matching_cost(*pieces(x), KINDS, WANTED.to(x)), cost_of_transformers, answers(), Values
    )


def costs(lesson: ModuleType, weights: Sequence[float] = (0.5, 3.0, 1.5)) -> Case:
    """Exercise 8.2."""

    def mine(x: Tensor) -> Tensor:
        rows = zip(*pieces(x), KINDS, WANTED.to(x), strict=True)
        return torch.stack([lesson.costs(*row, weights=weights) for row in rows])

    return function(mine, partial(cost_of_transformers, weights=weights), answers(seed=86), Values)


def assigned(x: Tensor, pairs: Sequence[tuple[int, int, int]]) -> Tensor:
    """The thing of each query; -1 for none."""
    table = torch.full((2, QUERIES), -1.0).to(x)
    for picture, query, thing in pairs:
        table[picture, query] = thing
    return table


def matched_by_transformers(x: Tensor, weights: Sequence[float] = WEIGHTS) -> Tensor:
    """Its pairs; a thing's number is its place among all columns."""
    logits, boxes = pieces(x)
    found = matcher(weights)({"logits": logits, "pred_boxes": boxes}, truth_of(WANTED.to(x)))
    pairs = []
    for picture, (queries, things) in enumerate(found):
        columns = REAL[picture].nonzero()[:, 0]
        pairs += [(picture, int(q), int(columns[t])) for q, t in zip(queries, things, strict=True)]
    return assigned(x, pairs)


def match(lesson: ModuleType) -> Case:
    """Cost and assignment."""

    def mine(x: Tensor) -> Tensor:
        pairs = lesson.match(lesson.matching_cost(*pieces(x), KINDS, WANTED.to(x)), REAL)
        return assigned(x, torch.stack(pairs).T.tolist())

    return function(mine, matched_by_transformers, answers(), Values)


def one_to_many(lesson: ModuleType, times: int = 2) -> Case:
    """Each thing's column repeated, and scipy."""

    def mine(x: Tensor) -> Tensor:
        return assigned(x, torch.stack(lesson.one_to_many(x, REAL, times)).T.tolist())

    return function(mine, partial(repeated_by_scipy, times=times), tensor(2, QUERIES, 4, seed=88), Values)


def repeated_by_scipy(x: Tensor, times: int = 2) -> Tensor:
    """Every real thing as many times as said."""
    pairs = []
    for picture, table in enumerate(x.double().numpy()):
        columns = np.repeat(REAL[picture].numpy().nonzero()[0], times)
        queries, places = reference("scipy.optimize").linear_sum_assignment(table[:, columns])
        pairs += [(picture, q, columns[p]) for q, p in zip(queries, places, strict=True)]
    return assigned(x, pairs)


CASES: dict[str, Build] = {
    "IoU and union = transformers": iou,
    "GIoU = torchvision": giou,
    "NMS = by a table": nms,
    "NMS, limit .5 = by a table": partial(nms, limit=0.5),
    "matching cost = transformers": cost,
    "matching = transformers": match,
    "one to many = scipy": one_to_many,
    "one to many, three times = scipy": partial(one_to_many, times=3),
    "exercise 8.1 = torchvision": pair_giou,
    "exercise 8.2 = transformers": costs,
}
