"""Lesson 8's parts beside their references, one case each."""

from __future__ import annotations

from tests.parity.framework.cases import Build
from tests.parity.lesson_08 import (
    boxes,
    judges,
    layers,
    losses,
    maps,
    mask_models,
    masks,
    patches,
    points,
    queries,
    scores,
    segments,
    stems,
)

LESSON = "08_detection_and_segmentation"
CASES: dict[str, Build] = {
    **boxes.CASES,
    **losses.CASES,
    **layers.CASES,
    **queries.CASES,
    **stems.CASES,
    **maps.CASES,
    **points.CASES,
    **masks.CASES,
    **mask_models.CASES,
    **segments.CASES,
    **patches.CASES,
    **scores.CASES,
    **judges.CASES,
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
        "stem of stride 4 = window by window",
        "mask transformer, unmasked = torch's parts",
        "right and counted, all sizes = pycocotools",
    }
)
