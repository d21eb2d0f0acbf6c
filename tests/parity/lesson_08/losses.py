"""Lesson 8's losses beside transformers' DETR and RT-DETR."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from types import ModuleType, SimpleNamespace

import torch
from torch import Tensor, nn

from tests.parity.framework.cases import Build, Case, counting_in
from tests.parity.framework.harness import reference
from tests.parity.lesson_04.losses import one_of
from tests.parity.lesson_08.boxes import (
    CLASSES,
    KINDS,
    NOTHING,
    REAL,
    WANTED,
    WEIGHTS,
    answers,
    detection_losses,
    matcher,
    pieces,
    truth_of,
)


def loss_of_transformers(x: Tensor, nothing: float = NOTHING, weights: Sequence[float] = WEIGHTS) -> Tensor:
    """Class and box losses of the last layer and of those before."""
    losses = detection_losses()
    criterion = losses.ImageLoss(matcher(weights), CLASSES, nothing, ["labels", "boxes"])
    criterion.empty_weight = torch.tensor([1.0] * CLASSES + [nothing], dtype=x.dtype)
    layers = [dict(zip(("logits", "pred_boxes"), pieces(layer), strict=True)) for layer in x.unflatten(0, (-1, 2))]
    found = criterion(layers[-1] | {"auxiliary_outputs": layers[:-1]}, truth_of(WANTED.to(x)))
    scale = {"loss_ce": 2, "loss_bbox": 5, "loss_giou": 2}
    return sum(weight * value for part, weight in scale.items() for name, value in found.items() if part in name)


def set_loss(lesson: ModuleType, nothing: float = NOTHING) -> Case:
    """The loss of one layer."""

    def mine(x: Tensor) -> Tensor:
        return lesson.set_loss(*pieces(x), KINDS, WANTED.to(x), REAL, nothing)

    return one_of(answers(), mine, partial(loss_of_transformers, nothing=nothing))


class Scenes(SimpleNamespace):
    """What a loss asks of the lesson's scenes."""

    def __len__(self) -> int:
        return len(self.kinds)


def scenes(x: Tensor) -> Scenes:
    """Two pictures with their truth; the picture is what a stand-in model answers."""
    return Scenes(images=x, boxes=WANTED.to(x), kinds=KINDS, real=REAL)


def detection_loss(lesson: ModuleType) -> Case:
    """The loss of three layers, of a model that answers what it is given."""
    return one_of(
        answers(seed=87, layers=3),
        lambda x: lesson.detection_loss(pieces, scenes(x)),
        lambda x: loss_of_transformers(x.flatten(0, 1)),
    )


def varifocal(lesson: ModuleType) -> Case:
    """RT-DETR's class loss with the lesson's targets."""
    pairs = torch.tensor([[0, 1, 0], [0, 4, 2], [1, 3, 1], [1, 0, 0]]).T

    def mine(x: Tensor) -> Tensor:
        logits, boxes = pieces(x)
        picture, query, thing = pairs
        ours, theirs = boxes[picture, query], WANTED.to(x)[picture, thing]
        iou, _ = lesson.box_iou(lesson.corners(ours), lesson.corners(theirs))
        target = torch.zeros_like(logits)
        target[picture, query] = lesson.varifocal_targets(KINDS[picture, thing], iou.detach(), CLASSES + 1)
        own = torch.zeros_like(logits)
        own[picture, query, KINDS[picture, thing]] = 1
        weight = 0.75 * logits.detach().sigmoid() ** 2 * (1 - own) + target
        return nn.functional.binary_cross_entropy_with_logits(logits, target, weight, reduction="sum") / 4

    return one_of(answers(seed=89), mine, partial(varifocal_of_transformers, pairs=pairs))


def varifocal_of_transformers(x: Tensor, pairs: Tensor) -> Tensor:
    """transformers' RT-DETR; the matching is given."""
    sizes = {"num_labels": CLASSES + 1, "eos_coefficient": 0.1, "focal_loss_alpha": 0.75, "focal_loss_gamma": 2.0}
    weights = dict.fromkeys(("weight_loss_vfl", "weight_loss_bbox", "weight_loss_giou"), 1.0)
    matching = dict.fromkeys(("matcher_class_cost", "matcher_bbox_cost", "matcher_giou_cost"), 1.0)
    more = {"use_focal_loss": True, "matcher_alpha": 0.25, "matcher_gamma": 2.0}
    config = SimpleNamespace(**sizes, **weights, **matching, **more)
    criterion = reference("transformers.loss.loss_rt_detr").RTDetrLoss(config)
    logits, boxes = pieces(x)
    indices = [(pairs[1][pairs[0] == picture], pairs[2][pairs[0] == picture]) for picture in range(2)]
    targets = [{"class_labels": k, "boxes": b} for k, b in zip(KINDS, WANTED.to(x), strict=True)]
    with counting_in(x.dtype):
        found = criterion.loss_labels_vfl({"logits": logits, "pred_boxes": boxes}, targets, indices, pairs.shape[1])
    return found["loss_vfl"]


CASES: dict[str, Build] = {
    "set loss = transformers": set_loss,
    "set loss, nothing 1 = transformers": partial(set_loss, nothing=1.0),
    "loss of three layers = transformers": detection_loss,
    "varifocal targets = transformers' RT-DETR": varifocal,
}
