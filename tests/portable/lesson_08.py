"""Lesson 8's boxes, layers, models and masks as a reader would carry them away."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn

from tests.portable.check import Calls, Case, random

DIM, HEADS, QUERIES, TOKENS = 24, 4, 5, 6
NO_BATCH = ()
LOOKS = "looks at the values: "
MATCHES = {
    "meta": LOOKS + "scipy matches them",
    "exported": LOOKS + "scipy matches them",
    "compiled": LOOKS + "scipy matches them",
    "pretend_cuda": LOOKS + "scipy matches them",
}
DRAWS = dict.fromkeys(("exported", "compiled"), "draws from a generator, which neither keeps in its graph")
TAKEN_APART = {"pretend_cuda": "torch takes it apart there into steps that the pretended device lacks"}
HALVES = dict.fromkeys(("float16", "bfloat16"), "at a border between two classes rounding decides which is larger")
NUMBERS = dict.fromkeys(
    ("float64", "float16", "bfloat16"), "is given whole numbers, and answers in torch's default precision"
)


def function(name: str, arguments: Callable, **more: Any) -> Case:
    """A function of the lesson."""
    return Case(lambda lesson: getattr(lesson, name), arguments, **more)


def boxes(*shape: int, seed: int = 0) -> Tensor:
    """Centre form, in parts of a side."""
    return random(*shape, 4, seed=seed).sigmoid() / 2 + 0.1


def edges(*shape: int, seed: int = 0) -> Tensor:
    """Corners."""
    found = boxes(*shape, seed=seed)
    return torch.cat([found[..., :2], found[..., :2] + found[..., 2:]], dim=-1)


def kinds(batch: int = 3, things: int = 2) -> Tensor:
    return torch.arange(batch * things).reshape(batch, things) % 3


REAL = torch.tensor([[True, True], [True, False], [False, True]])
MASK = torch.rand(3, QUERIES, TOKENS, generator=torch.Generator().manual_seed(1)) < 0.6
MASK[..., 0] = True


def images(side: int = 48) -> tuple[Tensor]:
    return (random(3, 3, side, side),)


def attended() -> tuple[Tensor, ...]:
    """Queries, keys, values."""
    return random(3, QUERIES, DIM), random(3, TOKENS, DIM, seed=1), random(3, TOKENS, DIM, seed=2)


def looked() -> tuple[Tensor, ...]:
    """Queries and their places, tokens and theirs."""
    places = random(QUERIES, DIM, seed=3), random(TOKENS, DIM, seed=4)
    return random(3, QUERIES, DIM), places[0], random(3, TOKENS, DIM, seed=1), places[1]


def layers_of(lesson: ModuleType) -> nn.Module:
    return lesson.DecoderLayer(DIM, HEADS, picture_first=True)


def maps() -> tuple[Tensor, ...]:
    return random(3, 8, 6, 5), random(3, 8, 3, 4, seed=1)


def several(make: Callable[[ModuleType], nn.Module], ask: Callable[..., Any], arguments: Callable, **more: Any) -> Case:
    """A module that takes a list."""
    return Case(lambda lesson: Calls(make(lesson), ask), arguments, **more)


def sampling() -> tuple[Tensor, ...]:
    """Values of two levels, places, weights."""
    values = random(3, 2, 4, 6, 5), random(3, 2, 4, 3, 4, seed=1)
    return *values, random(3, 2, QUERIES, 2, 3, 2, seed=2).sigmoid(), random(3, 2, QUERIES, 2, 3, seed=3).softmax(-1)


def table(*shape: int) -> Tensor:
    """IoU of anchors and things, none alike."""
    count = torch.Size(shape).numel()
    return (torch.randperm(count, generator=torch.Generator().manual_seed(5)) / count).reshape(shape)


CASES = {
    "corners": function("corners", lambda: (boxes(3, 4),)),
    "box_iou": function("box_iou", lambda: (edges(3, 4), edges(3, 4, seed=1))),
    "giou": function("giou", lambda: (edges(3, 4), edges(3, 4, seed=1))),
    "matching_cost": function(
        "matching_cost", lambda: (random(3, QUERIES, 4), boxes(3, QUERIES), kinds(), boxes(3, 2, seed=1))
    ),
    "match": function("match", lambda: (random(3, QUERIES, 2), REAL), cannot=MATCHES),
    "class_loss": function(
        "class_loss",
        lambda: (random(3, QUERIES, 4), kinds(), torch.tensor([[0, 1, 2], [1, 0, 4], [1, 0, 1]]), 0.2),
        batched=NO_BATCH,
        cannot=TAKEN_APART,
    ),
    "set_loss": function(
        "set_loss",
        lambda: (random(3, QUERIES, 4), boxes(3, QUERIES), kinds(), boxes(3, 2, seed=1), REAL),
        cannot=MATCHES,
    ),
    "QueryAttention": Case(lambda lesson: lesson.QueryAttention(DIM, HEADS), attended),
    "QueryAttention/masked": Case(lambda lesson: lesson.QueryAttention(DIM, HEADS), lambda: (*attended(), MASK)),
    "ConvStem": Case(lambda lesson: lesson.ConvStem(DIM), images),
    "ConvStem/stride 4": Case(lambda lesson: lesson.ConvStem(DIM, 4), images),
    "place_code": function("place_code", lambda: (random(3, 5, 2).sigmoid(), DIM)),
    "two_layers": Case(lambda lesson: lesson.two_layers(DIM, 10, 7), lambda: (random(3, DIM),)),
    "EncoderLayer": Case(
        lambda lesson: lesson.EncoderLayer(DIM, HEADS),
        lambda: (random(3, TOKENS, DIM), random(TOKENS, DIM, seed=1)),
    ),
    "DecoderLayer": Case(lambda lesson: lesson.DecoderLayer(DIM, HEADS), looked),
    "DecoderLayer/masked, the picture first": Case(layers_of, lambda: (*looked(), MASK)),
    "DecoderLayer/alone": Case(lambda lesson: lesson.DecoderLayer(DIM, HEADS, alone=True), looked),
    "BoxDecoder": Case(
        lambda lesson: lesson.BoxDecoder(DIM, 2), lambda: (random(3, TOKENS, DIM), random(TOKENS, DIM, seed=1))
    ),
    "BoxDecoder/plain": Case(
        lambda lesson: lesson.BoxDecoder(DIM, 2, references=False, offsets=False),
        lambda: (random(3, TOKENS, DIM), random(TOKENS, DIM, seed=1)),
    ),
    "DETR": Case(lambda lesson: lesson.DETR(lesson.ConvStem(DIM), DIM, side=2), images),
    "every_layer": Case(lambda lesson: lambda x: lesson.every_layer(2, x), lambda: (random(3, 2, 4),)),
    "sampled": Case(
        lambda lesson: lambda a, b, at, weights: lesson.sampled([a, b], at, weights), sampling, TAKEN_APART
    ),
    "DeformableAttention": several(
        lambda lesson: lesson.DeformableAttention(8, 2, 2, 3),
        lambda layer, q, at, fine, coarse: layer(q, at, [fine, coarse]),
        lambda: (random(3, QUERIES, 8), random(3, QUERIES, 2, seed=1).sigmoid(), *maps()),
        cannot=TAKEN_APART,
    ),
    "selected": function("selected", lambda: (table(3, 9, 4), 4)),
    "varifocal_targets": function(
        "varifocal_targets", lambda: (torch.tensor([2, 0, 1]), random(3).sigmoid(), 4), batched=(0, 1)
    ),
    "SimplePyramid": Case(lambda lesson: lesson.SimplePyramid(8, 4), lambda: maps()[:1]),
    "FPN": several(
        lambda lesson: lesson.FPN([8, 8], 4), lambda layer, fine, coarse: layer([fine, coarse]), lambda: maps()
    ),
    "box_at": function("box_at", lambda: (random(4, 2), boxes(3, 4)), batched=(1,)),
    "PointDetector": Case(lambda lesson: lesson.PointDetector(lesson.ConvStem(DIM), DIM), images),
    "anchor_labels": function("anchor_labels", lambda: (table(12, 3), 0.3, 0.7), batched=NO_BATCH),
    "PatchStem": Case(lambda lesson: lesson.PatchStem(DIM), images),
    "PixelTokens": Case(lambda lesson: lesson.PixelTokens(lesson.ConvStem(DIM), DIM), images),
    "PerPixel": Case(lambda lesson: lesson.PerPixel(lesson.ConvStem(64)), images),
    "semantic": function(
        "semantic", lambda: (random(3, QUERIES, 6), random(3, QUERIES, 12, 12, seed=1)), cannot=HALVES
    ),
    "SegmenterHead": Case(lambda lesson: lesson.SegmenterHead(DIM, 5), lambda: (random(3, TOKENS, DIM),)),
    "class_shares": function("class_shares", lambda: (torch.arange(3 * 64).reshape(3, 8, 8) % 5, 4), cannot=NUMBERS),
    "patch_answers": function("patch_answers", lambda: (torch.arange(3 * 64).reshape(3, 8, 8) ** 2 % 5, 4)),
    "PoolingPyramid": Case(lambda lesson: lesson.PoolingPyramid(8, 4), lambda: (random(3, 8, 7, 9),)),
    "allowed": function("allowed", lambda: (random(3, QUERIES, TOKENS),)),
    "at_points": function(
        "at_points", lambda: (random(3, 2, 5, 7), random(3, 9, 2, seed=1).sigmoid()), cannot=TAKEN_APART
    ),
    "mask_cost": function("mask_cost", lambda: (random(3, QUERIES, 12), random(3, 2, 12, seed=1).sigmoid().round())),
    "MaskTransformer": Case(lambda lesson: lesson.MaskTransformer(lesson.ConvStem(64)), images),
    "MaskTransformer/unmasked": Case(lambda lesson: lesson.MaskTransformer(lesson.ConvStem(64), masked=False), images),
    "denoising_queries": Case(
        lambda lesson: lambda given, real: lesson.denoising_queries(given, real, 2, 0.4, lesson.rng(3)),
        lambda: (boxes(3, 2), REAL),
        DRAWS,
    ),
}

SCENES = "asks for this lesson's scenes"
DRAWING = "draws scenes, from a generator alone"
EXPERIMENT = "runs an experiment of this lesson"
INTEGERS = "plain arithmetic on whole numbers"
NUMPY = "counts in numpy"
EXEMPT = {
    "SceneSet": "holds this lesson's scenes",
    "ground": DRAWING,
    "inside": DRAWING,
    "make_scenes": DRAWING,
    "packed": DRAWING,
    "nms": LOOKS + "each box that stays decides about the next",
    "suppressed": LOOKS + "each box that stays decides about the next",
    "centres": "is given two whole numbers",
    "anchors": "is given whole numbers and sides",
    "seeded": "makes a module",
    "detection_loss": SCENES,
    "train_on_scenes": EXPERIMENT,
    "trained_detector": EXPERIMENT,
    "detections": SCENES,
    "judged_boxes": NUMPY,
    "average_precision": NUMPY,
    "judged_class": NUMPY,
    "mean_ap": NUMPY,
    "bilinear": LOOKS + "a place is two Python numbers",
    "point_targets": SCENES,
    "point_loss": SCENES,
    "denoising_mask": INTEGERS,
    "one_to_many": LOOKS + "scipy matches them",
    "pixel_loss": SCENES,
    "label_iou": LOOKS + "gives Python numbers",
    "true_segments": SCENES,
    "mask_loss": SCENES,
    "trained_masks": EXPERIMENT,
    "panoptic": LOOKS + "each segment that stays changes the map",
    "segment_counts": NUMPY,
    "quality": NUMPY,
    "judged_masks": SCENES,
    "require_row": "reads published rows",
    "alike": "reads published rows",
    "called": "serves the tests of exercises",
}
