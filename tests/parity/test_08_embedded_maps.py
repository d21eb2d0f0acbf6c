"""The record of the opening of Lesson 8 is one of its own scene.

What the models answer now is compared with the record in the lesson itself (cell opening-check, at every run), because
that takes the trained models. Here stands what can be said of the record without them: it fits the scene's truth.
"""

from __future__ import annotations

import base64
import copy
import re
import zlib
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

from tests.parity.framework.harness import reference
from tests.parity.lesson_08.cases import LESSON
from tools.lesson.definitions import load_definitions
from tools.lesson.read import cell_id, code_cells, find_lesson, read_lesson

SIDE = 48


@pytest.fixture(scope="module")
def lesson() -> ModuleType:
    return load_definitions(LESSON)


@pytest.fixture(scope="module")
def scene(lesson: ModuleType) -> Any:
    """The scene that the opening draws and that the lesson compares the record with."""
    sources = {cell_id(cell): cell.source for cell in code_cells(read_lesson(find_lesson(LESSON)))}
    drawn = re.search(r"make_scenes\((\d+), 8002\)\.take\(\[(\d+)\]\)", sources["detection-and-segmentation"])
    assert drawn, "the opening draws a scene of the unseen ones"
    count, number = map(int, drawn.groups())
    assert f"unseen.take([{number}])" in sources["opening-check"]
    return lesson.make_scenes(count, 8002).take([number])


def maps(record: dict) -> np.ndarray:
    """Class and segment of each pixel, (2, 48, 48)."""
    return np.frombuffer(zlib.decompress(base64.b85decode(record["maps"])), np.uint8).reshape(2, SIDE, SIDE)


def faults(record: dict, scene: Any) -> list[str]:
    """What of the record cannot be an answer for this scene."""
    real = scene.real[0]
    things, kinds = scene.boxes[0][real].double() * SIDE, scene.kinds[0][real].tolist()
    semantic, segments = maps(record)
    boxes = np.array(record["boxes"])
    ops = reference("torchvision.ops")
    corners = [ops.box_convert(b, "cxcywh", "xyxy") for b in (torch.from_numpy(boxes[:, 1:]), things)]
    iou = ops.box_iou(*corners).numpy()
    right = (iou > 0.5) & (boxes[:, :1] == np.array(kinds))  # as AP50 counts
    found = []
    queries, partners = zip(*record["pairs"], strict=True)
    if len(boxes) != len(kinds) or not right[range(len(kinds)), partners].all():
        found.append("boxes")
    distinct = len(set(queries)) == len(queries) and set(queries) <= set(range(9))
    if not distinct or sorted(partners) != [*range(len(kinds))]:
        found.append("pairs")
    if (semantic == scene.labels[0].numpy()).mean() < 0.8:
        found.append("semantic map")
    names = np.array([*record["kinds"], 255])[np.minimum(segments, len(record["kinds"]))]
    all_there = set(np.unique(names)) - {255} == set(record["kinds"])  # what belongs to none has a number beyond
    if not all_there or (names == scene.labels[0].numpy()).mean() < 0.8:
        found.append("panoptic map")
    named = [re.fullmatch(r"(AP50|mIoU|PQ) (\d\d) %", score) for score in record["scores"]]
    if not all(named) or [match.group(1) for match in named if match] != ["AP50", "mIoU", "PQ"]:
        found.append("scores")
    return found


def test_the_record_fits_the_scene(lesson: ModuleType, scene: Any) -> None:
    assert faults(lesson.OPENING, scene) == []


def _packed(change: Callable[[np.ndarray], np.ndarray]) -> Callable[[dict], dict]:
    def altered(record: dict) -> dict:
        data = np.ascontiguousarray(change(maps(record).copy())).tobytes()
        return record | {"maps": base64.b85encode(zlib.compress(data)).decode()}

    return altered


WRONG = {
    "boxes": lambda record: record | {"boxes": [(k, y, x, w, h) for k, x, y, w, h in record["boxes"]]},
    "pairs": lambda record: record | {"pairs": [(0, thing) for _, thing in record["pairs"]]},
    "semantic map": _packed(lambda both: np.stack([both[0].T[::-1], both[1]])),
    "panoptic map": lambda record: record | {"kinds": record["kinds"][::-1]},
    "scores": lambda record: record | {"scores": record["scores"][::-1]},
}


@pytest.mark.parametrize("part", WRONG)
def test_another_record_would_not(lesson: ModuleType, scene: Any, part: str) -> None:
    assert part in faults(WRONG[part](copy.deepcopy(lesson.OPENING)), scene)
