"""Lesson 8's average precision beside pycocotools; the exercise, too."""

from __future__ import annotations

import contextlib
import io
from functools import partial
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tests.parity.framework.cases import Build, Case, Values, function, tensor
from tests.parity.framework.harness import reference
from tests.parity.lesson_08 import boxes

PICTURES, FOUND, THINGS, SIDE, KINDS = 12, 9, 4, 48, 3
THRESHOLDS = (0.3, 0.5, 0.75)
AREAS = ((0.0, 1e10), (0.0, 300.0), (300.0, 1e10))
MOST = 5


def truth() -> Any:
    """Things of a few pictures, boxes in parts of a side."""
    draws = tensor(PICTURES, THINGS, 4, seed=150)
    real = torch.arange(THINGS) <= torch.arange(PICTURES)[:, None] % THINGS
    kinds = (torch.arange(PICTURES)[:, None] + torch.arange(THINGS)) % KINDS
    return SimpleNamespace(boxes=boxes.small(draws), kinds=kinds, real=real)


def found(x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Detections near the things, some of another class; two far away. No two scores are equal."""
    scenes = truth()
    near = scenes.boxes.repeat(1, 3, 1)[:, :FOUND].double()
    moved = (torch.special.logit(near, 1e-4) + 0.35 * x[..., :4].double()).sigmoid()
    kinds = scenes.kinds.repeat(1, 3)[:, :FOUND]
    kinds = torch.where(x[..., 5] > 1, (kinds + 1) % KINDS, kinds)
    return x[..., 4].double().sigmoid(), kinds, moved


def dataset(scenes: Any) -> Any:
    """The truth as COCO keeps it."""
    coco = reference("pycocotools.coco").COCO()
    rows: list[dict] = []
    corners = SIDE * boxes.as_corners(scenes.boxes.double())
    for picture, thing in scenes.real.nonzero().tolist():
        x0, y0, x1, y1 = corners[picture, thing].tolist()
        rows.append(
            {
                "id": len(rows) + 1,
                "image_id": picture,
                "category_id": int(scenes.kinds[picture, thing]),
                "bbox": [x0, y0, x1 - x0, y1 - y0],
                "area": (x1 - x0) * (y1 - y0),
                "iscrowd": 0,
            }
        )
    coco.dataset = {
        "images": [{"id": picture} for picture in range(PICTURES)],
        "categories": [{"id": kind} for kind in range(KINDS)],
        "annotations": rows,
    }
    coco.createIndex()
    return coco


def of_coco(x: Tensor, thresholds: tuple = THRESHOLDS, areas: tuple = AREAS, most: int = MOST) -> Tensor:
    """Precision at 101 recalls, averaged, for each threshold, class and range of areas."""
    scores, kinds, moved = found(x)
    corners, rows = SIDE * boxes.as_corners(moved), []
    for picture, query in np.ndindex(PICTURES, FOUND):
        x0, y0, x1, y1 = corners[picture, query].tolist()
        box = {"image_id": picture, "category_id": int(kinds[picture, query]), "bbox": [x0, y0, x1 - x0, y1 - y0]}
        rows.append(box | {"score": float(scores[picture, query])})
    with contextlib.redirect_stdout(io.StringIO()):
        coco = dataset(truth())
        judge = reference("pycocotools.cocoeval").COCOeval(coco, coco.loadRes(rows), "bbox")
        judge.params.iouThrs, judge.params.maxDets = np.array(thresholds), [1, 3, most]
        judge.params.areaRng, judge.params.areaRngLbl = [list(a) for a in areas], [str(a) for a in areas]
        judge.evaluate()
        judge.accumulate()
    return torch.from_numpy(judge.eval["precision"][..., -1].mean(axis=1)).to(x)


def class_ap(lesson: ModuleType) -> Case:
    """Threshold by threshold, class by class, size by size."""

    def mine(x: Tensor) -> Tensor:
        scenes = truth()
        table = torch.zeros(len(THRESHOLDS), KINDS, len(AREAS), dtype=torch.float64)
        for (t, threshold), kind, (a, area) in (
            (t, kind, a) for t in enumerate(THRESHOLDS) for kind in range(KINDS) for a in enumerate(AREAS)
        ):
            rules = {"threshold": threshold, "area": area, "most": MOST}
            table[t, kind, a] = lesson.average_precision(*lesson.judged_class(found(x), scenes, kind, **rules))
        return table.to(x)

    return function(mine, of_coco, tensor(PICTURES, FOUND, 6, seed=151).float().double(), Values)


def mean_ap(lesson: ModuleType) -> Case:
    """Over classes and thresholds; beside a few numbers, for it is one."""

    def mine(x: Tensor) -> Tensor:
        return torch.cat([x.new_tensor([lesson.mean_ap(found(x), truth(), THRESHOLDS)]), x[0, 0]])

    def theirs(x: Tensor) -> Tensor:
        return torch.cat([of_coco(x, areas=AREAS[:1], most=100).mean()[None], x[0, 0]])

    return function(mine, theirs, tensor(PICTURES, FOUND, 6, seed=152).float().double(), Values)


def curve(lesson: ModuleType, name: str) -> Case:
    """From scores and which are right to one number: the lesson's function, or exercise 8.6."""

    def mine(x: Tensor) -> Tensor:
        rows = []
        for row in x:
            scores, right = row.double(), row.roll(3) > 0
            if name == "average_precision":
                rows.append(lesson.average_precision(scores.numpy(), right.numpy(), 11))
            else:
                rows.append(float(lesson.average_precision_of(scores, right, 11)))
        return torch.tensor(rows, dtype=torch.float64).to(x)

    return function(mine, curve_of_coco, tensor(6, 14, seed=153).float().double(), Values)


def curve_of_coco(x: Tensor, things: int = 11) -> Tensor:
    """Each row a data set of one class, one picture a thing: what is right covers the thing, what is wrong does not."""
    rows = []
    for row in x:
        right = (row.roll(3) > 0).tolist()
        coco = reference("pycocotools.coco").COCO()
        box = {"category_id": 0, "bbox": [0, 0, 9, 9]}
        annotations = [box | {"id": i + 1, "image_id": i, "area": 81, "iscrowd": 0} for i in range(things)]
        images = [{"id": i} for i in range(max(things, len(right)))]
        coco.dataset = {"images": images, "categories": [{"id": 0}], "annotations": annotations}
        places = iter(range(things))
        answers = []
        for score, hit in zip(row.tolist(), right, strict=True):
            where = {"image_id": next(places)} if hit else {"image_id": 0, "bbox": [20, 20, 9, 9]}
            answers.append(box | where | {"score": score})
        with contextlib.redirect_stdout(io.StringIO()):
            coco.createIndex()
            judge = reference("pycocotools.cocoeval").COCOeval(coco, coco.loadRes(answers), "bbox")
            judge.params.iouThrs = np.array([0.5])
            judge.evaluate()
            judge.accumulate()
        rows.append(judge.eval["precision"][0, :, 0, 0, -1].mean())
    return torch.tensor(rows, dtype=torch.float64).to(x)


CASES: dict[str, Build] = {
    "AP of each class = pycocotools": class_ap,
    "mean AP = pycocotools": mean_ap,
    "average precision = pycocotools": partial(curve, name="average_precision"),
    "exercise 8.6 = pycocotools": partial(curve, name="average_precision_of"),
}
