"""Lesson 8's judge of one class in one picture beside pycocotools: what is right, and what counts at all."""

from __future__ import annotations

import contextlib
import io
from functools import partial
from types import ModuleType
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tests.parity.framework.cases import Build, Case, Values, function, tensor
from tests.parity.framework.harness import reference

FOUND, MOST = 14, 11
MIDDLE = (90.0, 260.0)  # things smaller or larger than that do not count
# Corners in pixels. The first two overlap: what lies between them finds both. Three are too small or too large.
THINGS = torch.tensor(
    [[2, 2, 16, 16], [5, 2, 19, 16], [24, 4, 32, 12], [25, 5, 37, 17], [4, 22, 34, 44], [38, 30, 44, 38.0]],
    dtype=torch.float64,
)
# Half of the one, and twice the other: IoU is .5 to the last digit.
HALVES = torch.tensor([[2, 2, 16, 9], [24, 4, 32, 20], [4, 22, 19, 44.0]], dtype=torch.float64)


def detections(x: Tensor) -> tuple[Tensor, Tensor]:
    """Scores and corners: three exact halves, then boxes near things, and what is near none."""
    near = THINGS.repeat(2, 1)[: FOUND - len(HALVES)]
    moved = near + 1.5 * x[:, len(HALVES) :, :4].double()
    return x[..., 4].double(), torch.cat([HALVES.expand(len(x), -1, -1), moved], dim=1)


def by_lesson(lesson: ModuleType, x: Tensor, threshold: float, area: tuple[float, float]) -> Tensor:
    """Score, right or not, and whether it counts, of each; the number of things in a row of its own."""
    rows = []
    for scores, found in zip(*detections(x), strict=True):
        rules = {"threshold": threshold, "area": area, "most": MOST}
        *columns, things = lesson.judged_boxes(scores.numpy(), found.numpy(), THINGS.numpy(), **rules)
        rows.append(np.concatenate([np.stack(columns, axis=1), np.full((1, 3), things)]))
    return torch.from_numpy(np.stack(rows)).to(x)


def by_coco(
    x: Tensor, threshold: float, area: tuple[float, float], most: int = MOST, right_alone: bool = False
) -> Tensor:
    """What COCO's evaluation of one picture says. Mistake: `right_alone`, only what is wrong may not count."""
    rows = []
    for scores, found in zip(*detections(x), strict=True):
        coco = reference("pycocotools.coco").COCO()
        one = {"image_id": 0, "category_id": 0}
        things = [one | {"id": n + 1, "iscrowd": 0} | spanned(box) for n, box in enumerate(THINGS)]
        coco.dataset = {"images": [{"id": 0}], "categories": [{"id": 0}], "annotations": things}
        answers = [one | {"score": float(s)} | spanned(box) for s, box in zip(scores, found, strict=True)]
        with contextlib.redirect_stdout(io.StringIO()):
            coco.createIndex()
            judge = reference("pycocotools.cocoeval").COCOeval(coco, coco.loadRes(answers), "bbox")
            judge.params.iouThrs, judge.params.maxDets = np.array([threshold]), [most]
            judge.params.areaRng, judge.params.areaRngLbl = [list(area)], ["one"]
            judge.evaluate()
        (seen,) = judge.evalImgs
        right, left_out = seen["dtMatches"][0] > 0, seen["dtIgnore"][0] > 0
        counts = ~left_out | right if right_alone else ~left_out
        columns = np.stack([seen["dtScores"], right, counts], axis=1)
        rows.append(np.concatenate([columns, np.full((1, 3), (1 - seen["gtIgnore"]).sum())]))
    return torch.from_numpy(np.stack(rows)).to(x)


def spanned(box: Tensor) -> dict:
    """A box as COCO has it."""
    x0, y0, x1, y1 = box.tolist()
    return {"bbox": [x0, y0, x1 - x0, y1 - y0], "area": (x1 - x0) * (y1 - y0)}


def judged(lesson: ModuleType, threshold: float = 0.5, area: tuple[float, float] = MIDDLE) -> Case:
    """Three pictures with the same things."""
    rules: dict[str, Any] = {"threshold": threshold, "area": area}
    inputs = tensor(3, FOUND, 5, seed=190).float().double()
    return function(partial(by_lesson, lesson, **rules), partial(by_coco, **rules), inputs, Values)


CASES: dict[str, Build] = {
    "right and counted = pycocotools": judged,
    "right and counted, all sizes = pycocotools": partial(judged, threshold=0.35, area=(0.0, 1e10)),
}
