"""Lesson 8's parts beside their references, one case each."""

from __future__ import annotations

from tests.parity.framework.cases import Build
from tests.parity.lesson_08 import boxes, layers, losses, maps, masks, patches, points, queries, scores

LESSON = "08_detection_and_segmentation"
CASES: dict[str, Build] = {
    **boxes.CASES,
    **losses.CASES,
    **layers.CASES,
    **queries.CASES,
    **maps.CASES,
    **points.CASES,
    **masks.CASES,
    **patches.CASES,
    **scores.CASES,
}
SPARED = frozenset(
    {
        "NMS, limit .5 = by a table",
        "set loss, nothing 1 = transformers",
        "one to many, three times = scipy",
        "attention without a mask = torch",
        "encoder layer, no places = torch",
        "decoder layer, no places = torch",
        "denoising mask, one group = transformers' RT-DETR",
        "panoptic quality, others = torchmetrics",
    }
)
