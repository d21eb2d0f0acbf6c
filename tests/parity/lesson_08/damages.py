"""What the comparisons of Lesson 8 have to notice."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor

from tests.parity.framework.damages import (
    GRADIENT_WRONG,
    Damage,
    Damaged,
    given,
    gradient_doubled,
    instead,
    module,
    returned,
    run_as,
    setting,
)
from tests.parity.lesson_04.losses import beside
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
    wrong,
)


def _of(case: str, *damages: tuple[str, Damage, str]) -> list[Damaged]:
    """Several ways to damage one case."""
    return [(case, *damage) for damage in damages]


def _instead(what: str, function: Callable[..., Tensor], **how: Any) -> tuple[str, Damage, str]:
    return what, instead(partial(function, **how)), "outputs"


def _forward(what: str, forward: Callable[..., Tensor], **how: Any) -> tuple[str, Damage, str]:
    return what, run_as(partial(forward, **how)), "outputs"


def _value(what: str, loss: Callable[..., Tensor], **how: Any) -> tuple[str, Damage, str]:
    return what, instead(lambda x: beside(x, loss(x, **how))), "outputs"


def _rolled(x: Tensor) -> Tensor:
    """Another query's answer."""
    return x.roll(1, dims=-2)


def _inverted(x: Tensor) -> Tensor:
    """Where the mask is and where it is not, exchanged."""
    return layers.seen_by_mask2former(-x)


def _closed(masks_: Tensor) -> Tensor:
    """The threshold .5 on logits."""
    return layers.seen_by_mask2former(masks_ - 0.5)


def _heads_mixed(theirs: Any) -> None:
    """Keys of one head for another's queries."""
    weight = theirs.in_proj_weight
    weight[layers.DIM : 2 * layers.DIM] = weight[layers.DIM : 2 * layers.DIM].roll(layers.DIM // layers.HEADS, dims=0)


DAMAGES: list[Damaged] = [
    *_of("IoU and union = transformers", ("rows and columns exchanged", instead(wrong.transposed_union), "outputs"),
         GRADIENT_WRONG),
    *_of("GIoU = torchvision", _instead("IoU", wrong.plain_iou), _instead("no corners", wrong.hull_of_centres),
         GRADIENT_WRONG),
    *_of("NMS = by a table", _instead("another limit", boxes.suppressed_by_table, limit=0.5),
         _instead("the worst first", boxes.suppressed_by_table, descending=False)),
    *_of("matching cost = transformers", _instead("a logarithm", wrong.log_costs),
         _instead("weights exchanged", boxes.cost_of_transformers, weights=(1.0, 2.0, 5.0)),
         _instead("far boxes are cheap", boxes.cost_of_transformers, weights=(1.0, 5.0, -2.0))),
    *_of("matching = transformers", _instead("the dearest", boxes.matched_by_transformers, weights=(-1.0, -5.0, -2.0)),
         _instead("by class alone", boxes.matched_by_transformers, weights=(1.0, 0.0, 0.0))),
    *_of("set loss = transformers", _value("nothing counts alike", losses.loss_of_transformers, nothing=1.0),
         _value("nothing ignored", losses.loss_of_transformers, nothing=1e-9),
         _value("boxes of all queries", wrong.boxes_of_all), GRADIENT_WRONG),
    *_of("loss of three layers = transformers", _value("the last layer alone", wrong.last_layer), GRADIENT_WRONG),
    *_of("one to many = scipy", _instead("one to one", boxes.repeated_by_scipy, times=1),
         ("another query's", returned(lambda x: x.roll(1, dims=1)), "outputs")),
    *_of("varifocal targets = transformers' RT-DETR",
         ("other boxes", given(lambda x: torch.cat([x[..., :-4], _rolled(x[..., -4:])], dim=-1)), "outputs"),
         GRADIENT_WRONG),
    *_of("exercise 8.1 = torchvision", _instead("IoU", wrong.plain_iou), GRADIENT_WRONG),
    *_of("exercise 8.2 = transformers", _instead("usual weights", boxes.cost_of_transformers),
         _instead("a logarithm", wrong.log_costs)),
    *_of("attention = torch", _forward("torch's mask means the opposite", layers.of_torch, mask=~layers.MASK),
         _forward("no mask", layers.of_torch, mask=None), ("heads mixed", module(_heads_mixed), "outputs"),
         GRADIENT_WRONG),
    *_of("encoder layer = torch's parts", _forward("places in values", wrong.with_places_in_values),
         ("eps", setting("eps", 1e-3, "norm1"), "outputs"),
         ("wrong gradient", gradient_doubled("linear1"), "gradient")),
    *_of("decoder layer = torch's parts", _forward("the picture first", wrong.picture_first),
         _forward("keys without places", wrong.places_nowhere),
         ("wrong gradient", gradient_doubled("linear1"), "gradient")),
    *_of("masked decoder layer = transformers' Mask2Former",
         _forward("outside instead of inside", layers.of_mask2former, hidden=_inverted(layers.MASKS)),
         _forward("a threshold of .5", layers.of_mask2former, hidden=_closed(layers.MASKS)),
         ("wrong gradient", gradient_doubled("fc1"), "gradient")),
    *_of("place code = number by number", _instead("rows first", queries.code_by_numbers, rows_first=True),
         _instead("another base", queries.code_by_numbers, base=10_000.0),
         _instead("a longer unit", queries.code_by_numbers, unit=1 / 3)),
    *_of("decoder of boxes = torch's parts", _forward("no references", queries.refined, references=False),
         _forward("no offsets", queries.refined, offsets=False),
         ("a gradient between layers", run_as(partial(queries.refined, cut=False)), "gradients")),
    *_of("decoder of boxes, plain = torch's parts", _forward("references", queries.refined)),
    *_of("decoder of boxes, references alone = torch's parts", _forward("offsets", queries.refined)),
    *_of("stem = window by window", _forward("no statistics of training", stems.flat_stem, trained=False),
         GRADIENT_WRONG),
    *_of("patch stem = torch's parts", _forward("no places", stems.patches_by_parts, placed=0.0),
         _forward("the map filled column by column", stems.patches_by_parts, back=stems.of_columns),
         _forward("places in the first block alone", stems.last_block),
         ("wrong gradient", gradient_doubled("blocks.0.linear1"), "gradient")),
    *_of("DETR = torch's parts", _forward("tokens column by column", stems.detector_by_parts, seen=stems.by_columns),
         _forward("no places", stems.detector_by_parts, placed=0.0),
         _forward("rows and columns of the grid exchanged", stems.detector_by_parts, turned=True),
         ("eps", setting("eps", 1e-3, "norm"), "outputs"),
         ("wrong gradient", gradient_doubled("encoder.linear1"), "gradient")),
    *_of("tokens of pixels = torch's parts",
         _forward("the coarse map filled column by column", stems.pixels_by_parts, back=stems.of_columns),
         _forward("tokens column by column", stems.pixels_by_parts, seen=stems.by_columns),
         _forward("no places", stems.pixels_by_parts, placed=0.0),
         _forward("cells repeated", stems.pixels_by_parts, larger=stems.repeated),
         ("wrong gradient", gradient_doubled("encoder.linear1"), "gradient")),
    *_of("class of each pixel = torch's parts",
         _forward("the map filled column by column", stems.classes_by_parts, back=stems.of_columns),
         _forward("cells repeated", stems.classes_by_parts, larger=stems.repeated),
         ("wrong gradient", gradient_doubled("classify.0"), "gradient")),
    *_of("centres = cell by cell", ("y before x", returned(wrong.exchanged), "outputs")),
    *_of("exercise 8.4 = torch", ("queries exchanged", returned(_rolled), "outputs"), GRADIENT_WRONG),
    *_of("deformable attention = transformers",
         _forward("sides exchanged", maps.of_transformers, exchanged=True),
         _forward("a softmax for each level", wrong.points_apart),
         ("wrong gradient", gradient_doubled("sampling_offsets"), "gradient")),
    *_of("bilinear = scipy", _instead("rows first", maps.by_scipy, rows_first=True),
         _instead("no half pixel", maps.by_scipy, half=0.0),
         _instead("the edge goes on", maps.by_scipy, mode="nearest")),
    *_of("FPN = torchvision", _forward("smoothly enlarged", wrong.linear_pyramid), GRADIENT_WRONG),
    *_of("simple pyramid = cell by cell", _forward("rows for columns", maps.pyramid_by_hand, turned=True),
         GRADIENT_WRONG),
    *_of("pooling pyramid = transformers' UPerNet", _forward("the map left out", wrong.pooled_alone),
         ("corners aligned", setting("align_corners", True, "reads"), "outputs"),
         ("five cells for six", module(wrong.pooled_to_five), "outputs"), GRADIENT_WRONG),
    *_of("exercise 8.3 = transformers' Mask2Former",
         _instead("rows first", maps.sampled_by_transformers, exchanged=True),
         _instead("corners aligned", wrong.corners_aligned), GRADIENT_WRONG),
    *_of("anchors = torchvision", _instead("other sides", points.anchors_of_torchvision, sides=(16.0, 8.0))),
    *_of("anchor labels = torchvision", _instead("limits exchanged", points.labels_of_torchvision, low=0.3, high=0.3),
         _instead("another limit", points.labels_of_torchvision, low=0.5)),
    *_of("boxes from points = torchvision's FCOS", _forward("left for top", points.points_by_torchvision, swapped=True),
         _forward("boxes column by column", points.points_by_torchvision, by_columns=True),
         GRADIENT_WRONG),
    *_of("targets of points = place by place", _instead("the whole box", points.things_of_points, share=0.5)),
    *_of("suppression by class = by a table",
         _instead("all classes together", points.suppressed_by_table, together=True),
         _instead("another limit", points.suppressed_by_table, limit=0.6)),
    *_of("denoising mask = transformers' RT-DETR", ("transposed", returned(lambda x: x.T), "outputs"),
         ("groups exchanged", returned(lambda x: x.roll(2, dims=0)), "outputs")),
    *_of("denoising boxes = number by number", _instead("less noise", points.noised_by_number, size=0.2),
         _instead("noise by the picture", points.noised_by_number, by_box=False), GRADIENT_WRONG),
    *_of("queries chosen = sorted", _instead("the largest sum", points.chosen, add=True)),
    *_of("masks at points = transformers", _instead("rows first", wrong.exchanged_points), GRADIENT_WRONG),
    *_of("cost of masks = transformers", _instead("no factor 2", wrong.one_sided),
         _instead("dice counts less", masks.mask_cost_of_transformers, dice=1.0), GRADIENT_WRONG),
    *_of("loss of masks = transformers' parts", _value("nothing counts alike", masks.loss_by_parts, nothing=1.0),
         _value("other points", masks.loss_by_parts, seed=6),
         _value("the worst class is matched", masks.loss_by_parts, by_class=-2.0),
         _value("stripes and speckle exchanged", masks.loss_by_parts, stuff=(4, 3)),
         ("the last layer alone", instead(lambda x: beside(x, masks.loss_by_parts(x[-1:]))), "outputs"),
         GRADIENT_WRONG),
    *_of("reading of masks = query by query",
         _forward("one mask for all pixels", mask_models.read_apart, whole=True),
         _forward("queries as they are", mask_models.read_apart, plain=True),
         ("wrong gradient", gradient_doubled("embed"), "gradient")),
    *_of("mask transformer = torch's parts", _forward("no masks", mask_models.masks_by_parts, masked=False),
         _forward("the first masks in both layers", mask_models.masks_by_parts, before=lambda found: found[0]),
         _forward("masks of another query", mask_models.masks_by_parts, before=lambda found: _rolled(found[-1])),
         _forward("talk before look", mask_models.masks_by_parts, talk_first=True),
         _forward("pixels without places", mask_models.masks_by_parts, placed=0.0),
         _forward("queries without places", mask_models.masks_by_parts, of_queries=0.0),
         _forward("one mask for all pixels", mask_models.masks_by_parts, whole=True),
         _forward("masks column by column", mask_models.masks_by_parts, back=stems.of_columns),
         ("wrong gradient", gradient_doubled("decoder.0.linear1"), "gradient")),
    *_of("places of mask queries = number by number",
         ("columns first", returned(lambda x: x.unflatten(0, (2, 4)).transpose(0, 1).flatten(0, 1)), "outputs")),
    *_of("true segments = pixel by pixel",
         _instead("stripes and speckle exchanged", segments.segments_by_pixel, stuff=(4, 3)),
         _instead("classes of things first", segments.segments_by_pixel, things_first=True),
         _instead("both grounds are everywhere", segments.of_ground)),
    *_of("judge of masks = torchmetrics and scikit-learn",
         _instead("a mean over pictures", segments.judged_by_libraries, apart=True),
         _instead("pixels without a segment are stripes", segments.judged_by_libraries, void=3),
         _instead("layers exchanged", segments.judged_by_libraries, last_first=True)),
    *_of("semantic map = query by query", _instead("nothing is a class", masks.semantic_by_loop, nothing_too=True)),
    *_of("panoptic map = pixel by pixel", _instead("stuff in pieces", masks.merged, joined=False),
         _instead("pixels of weak masks", masks.merged, half=False)),
    *_of("panoptic quality = torchmetrics", _instead("other classes", masks.quality_of_torchmetrics,
                                                     classes=masks.PANOPTIC[1]),
         ("SQ and RQ exchanged", returned(lambda x: x[:, [0, 2, 1]]), "outputs")),
    *_of("exercise 8.5 = torchmetrics", ("SQ and RQ exchanged", returned(lambda x: x[:, [0, 2, 1]]), "outputs")),
    *_of("IoU of classes = scikit-learn", ("another class's", returned(lambda x: x.roll(1)), "outputs")),
    *_of("classes of patches = numpy", _instead("larger patches", patches.commonest, patch=6)),
    *_of("Segmenter's tokens = torch's layers",
         _forward("classes first", patches.attended_together, classes_first=True),
         _forward("patches see no class", patches.attended_together, blind=True),
         ("wrong gradient", gradient_doubled("blocks.1.linear1"), "gradient")),
    *_of("Segmenter's head = pair by pair", _forward("products, not cosines", patches.scores_by_pair, cosine=False),
         _forward("the first tokens", wrong.class_tokens_first), GRADIENT_WRONG),
    *_of("AP of each class = pycocotools", _instead("more detections", scores.of_coco, most=100),
         _instead("other areas", scores.of_coco, areas=((0.0, 1e10), (0.0, 150.0), (150.0, 1e10))),
         _instead("other thresholds", scores.of_coco, thresholds=(0.35, 0.55, 0.8))),
    *_of("right and counted = pycocotools",
         _instead("every size counts", judges.by_coco, threshold=0.5, area=(0.0, 1e10)),
         _instead("more than one half", judges.by_coco, threshold=0.5 + 1e-9, area=judges.MIDDLE),
         _instead("what finds a thing counts", judges.by_coco, threshold=0.5, area=judges.MIDDLE, right_alone=True),
         ("more of a picture", instead(partial(judges.by_coco, threshold=0.5, area=judges.MIDDLE, most=12)), "shape")),
    *_of("mean AP = pycocotools", ("moved", returned(lambda x: x * 1.001), "outputs")),
    *_of("average precision = pycocotools", _instead("another number of things", scores.curve_of_coco, things=12)),
    *_of("exercise 8.6 = pycocotools", _instead("another number of things", scores.curve_of_coco, things=12)),
]  # fmt: skip
