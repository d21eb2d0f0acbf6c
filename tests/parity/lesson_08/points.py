"""Lesson 8's anchors, points and denoising beside torchvision and transformers."""

from __future__ import annotations

from functools import partial
from itertools import product
from types import ModuleType
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.parity.framework.cases import Build, Case, Values, counting_in, function, tensor
from tests.parity.framework.harness import generator, reference
from tests.parity.lesson_08 import boxes, losses

SIDES, RATIOS = (8.0, 16.0), (0.25, 1.0, 4.0)  # whole numbers: torchvision rounds


def anchors_of_torchvision(x: Tensor, sides: tuple = SIDES) -> Tensor:
    """Its anchors lie at the corners of cells, ratio by ratio."""
    make = reference("torchvision.models.detection.anchor_utils").AnchorGenerator((sides,), (RATIOS,))
    shapes = make.generate_anchors(sides, RATIOS).unflatten(0, (len(RATIOS), -1)).transpose(0, 1).flatten(0, 1)
    make.cell_anchors = [shapes.to(x)]
    (found,) = make.grid_anchors([[3, 5]], [[torch.tensor(8), torch.tensor(6)]])
    found = reference("torchvision.ops").box_convert(found.to(x), "xyxy", "cxcywh")
    found[:, :2] += torch.tensor([3, 4]).to(x)
    return x * found


def anchors(lesson: ModuleType) -> Case:
    """A map of 3 × 5 cells of 8 × 6 pixels."""

    def mine(x: Tensor) -> Tensor:
        with counting_in(x.dtype):
            found = lesson.anchors(3, 5, SIDES, RATIOS).to(x)
        return x * found * torch.tensor([30, 24, 1, 1]).to(x)

    return function(mine, anchors_of_torchvision, tensor(90, 4, seed=116), Values)


def labels_of_torchvision(x: Tensor, low: float = 0.3, high: float = 0.7) -> Tensor:
    """Its matcher, which gives every thing an anchor."""
    matcher = reference("torchvision.models.detection._utils").Matcher(high, low, allow_low_quality_matches=True)
    return matcher(x.sigmoid().T).to(x)


def anchor_labels(lesson: ModuleType) -> Case:
    """Anchors and things, as a table of IoU; the best anchor of each thing likes that thing best."""
    table = tensor(30, 4, seed=117)
    table[:, 1] = table[:, 1].clamp(max=-1.5)
    table[:4] -= 6
    table[torch.arange(4), torch.arange(4)] = torch.tensor([4.0, -0.9, 4.0, 4.0]).double()  # one is low, and the best
    mine = lambda x: lesson.anchor_labels(x.sigmoid(), 0.3, 0.7).to(x)  # noqa: E731
    return function(mine, labels_of_torchvision, table, Values)


class Map(nn.Module):
    """A backbone that has its map already."""

    def forward(self, x: Tensor) -> list[Tensor]:
        return [x]


def points_by_torchvision(model: Any, x: Tensor, swapped: bool = False, by_columns: bool = False) -> Tensor:
    """FCOS's coder of boxes, from points; the heads are the lesson's."""
    features = F.conv2d(x, model.read.weight, model.read.bias, padding=1).relu()
    far = (1 + F.conv2d(features, model.locate.weight, model.locate.bias).exp()).log() / 8
    coder = reference("torchvision.models.detection._utils").BoxLinearCoder(normalize_by_size=False)
    rows, columns = x.shape[-2:]
    at = [[(c + 0.5) / columns, (r + 0.5) / rows] for r in range(rows) for c in range(columns)]
    at = torch.tensor(at, dtype=x.dtype)
    far = (far.mT if by_columns else far).flatten(2).transpose(1, 2)
    far = far[..., [1, 0, 3, 2]] if swapped else far
    found = torch.stack([coder.decode(one, torch.cat([at, at], dim=-1)) for one in far])
    found = reference("torchvision.ops").box_convert(found, "xyxy", "cxcywh")
    logits = F.conv2d(features, model.classify.weight, model.classify.bias).flatten(2).transpose(1, 2)
    return torch.cat([logits, found], dim=-1)[None]


def point_detector(lesson: ModuleType) -> Case:
    """A token a box."""

    def mine(model: nn.Module, x: Tensor) -> Tensor:
        with counting_in(x.dtype):
            return torch.cat(model(x), dim=-1)

    parts = [lesson.PointDetector(Map(), 6) for _ in range(2)]
    inputs = tensor(2, 6, 3, 4, seed=118)
    return Case(*parts, inputs, mine_forward=mine, theirs_forward=points_by_torchvision)


def things_of_points(x: Tensor, share: float = 0.25) -> Tensor:
    """Place by place: the first thing whose middle half holds it; a small one's holds half a cell at least."""
    side, found = 6, -torch.ones(2, 36)
    for picture, place in product(range(2), range(36)):
        at = ((place % side + 0.5) / side, (place // side + 0.5) / side)
        for thing in reversed(range(4)):
            box = boxes.WANTED[picture, thing].tolist()
            reach = [max(share * extent, 0.5 / side) for extent in box[2:]]
            near = all(abs(a - c) <= r for a, c, r in zip(at, box[:2], reach, strict=True))
            if near and boxes.REAL[picture, thing]:
                found[picture, place] = thing
    return x * found.to(x)


def point_targets(lesson: ModuleType) -> Case:
    """Which thing each of 36 tokens is to find."""

    def mine(x: Tensor) -> Tensor:
        return x * lesson.point_targets(lesson.centres(6, 6).to(x), losses.scenes(x)).to(x)

    return function(mine, things_of_points, tensor(2, 36, seed=119), Values)


def suppressed_by_table(x: Tensor, limit: float = 0.3, together: bool = False) -> Tensor:
    """Class by class, picture by picture; what scores less than .05 is left alone."""
    scores, kinds, found = scored(x)
    result = scores.clone()
    corners = boxes.as_corners(found).double().numpy()
    for picture, kind in product(range(len(x)), range(1 if together else 3)):
        mine = ((kinds[picture] == kind) | torch.tensor(together)) & (scores[picture] > 0.05)
        stays = boxes.kept_by_table(corners[picture][mine], scores[picture][mine].numpy(), limit)
        result[picture, mine.nonzero()[:, 0][torch.from_numpy(~stays)]] = 0
    return result


def scored(x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Scores, classes and boxes of an input."""
    return x[..., 0].sigmoid() ** 2, torch.arange(x.shape[1]).expand(len(x), -1) % 3, boxes.small(x[..., 1:])


def suppressed(lesson: ModuleType) -> Case:
    """Thirty boxes in each of two pictures."""
    mine = lambda x: lesson.suppressed(scored(x), 0.3)[0]  # noqa: E731
    return function(mine, suppressed_by_table, tensor(2, 30, 5, seed=120), Values)


GROUPS, NOISED = 3, 2


def mask_of_transformers(x: Tensor, groups: int = GROUPS) -> Tensor:
    """RT-DETR's mask; its groups hold each thing twice, with little and with much noise."""
    make = reference("transformers.models.rt_detr.modeling_rt_detr").get_contrastive_denoising_training_group
    target = {"class_labels": torch.zeros(NOISED, dtype=torch.long), "boxes": torch.full((NOISED, 4), 0.5)}
    queries = len(x) - 2 * groups * NOISED
    _, _, mask, _ = make([target], 5, queries, nn.Embedding(6, 4), groups * NOISED)
    return x * (mask == 0).to(x)


def denoising_mask(lesson: ModuleType, groups: int = GROUPS) -> Case:
    """Who may see whom."""
    size = 2 * groups * NOISED + 4

    def mine(x: Tensor) -> Tensor:
        return x * lesson.denoising_mask(groups, 2 * NOISED, 4).to(x)

    return function(mine, partial(mask_of_transformers, groups=groups), tensor(size, size, seed=121))


def noised_by_number(x: Tensor, size: float = 0.4, by_box: bool = True) -> Tensor:
    """DN-DETR, box by box: centres move by half an extent at most, extents change by their share."""
    noise = 2 * torch.rand(2, 12, 4, generator=generator(6), dtype=x.dtype) - 1
    rows = []
    for picture, place in product(range(2), range(12)):
        (cx, cy, w, h), n = boxes.small(x)[picture, place % 4], noise[picture, place]
        reach = (w / 2, h / 2) if by_box else (1.0, 1.0)
        moved = [cx + size * n[0] * reach[0], cy + size * n[1] * reach[1], w * (1 + size * n[2]), h * (1 + size * n[3])]
        rows.append(torch.stack(moved))
    real = boxes.REAL.repeat(1, 3).flatten().to(x)
    return torch.cat([torch.stack(rows), real[:, None]], dim=1)


def denoising_queries(lesson: ModuleType) -> Case:
    """Three groups of noised boxes, from the same draws."""

    def mine(x: Tensor) -> Tensor:
        given = boxes.small(x)
        with counting_in(x.dtype):
            noised, real = lesson.denoising_queries(given, boxes.REAL, 3, 0.4, generator(6))
        return torch.cat([noised, real[..., None].to(x)], dim=-1).flatten(0, 1)

    return function(mine, noised_by_number, tensor(2, 4, 4, seed=122))


def chosen(x: Tensor, count: int = 4, add: bool = False) -> Tensor:
    """RT-DETR's choice, sorted by hand."""
    rows = []
    for tokens in x.tolist():
        ranked = sorted(range(len(tokens)), key=lambda i, of=tokens: -(sum(of[i]) if add else max(of[i])))
        rows.append(ranked[:count])
    return torch.tensor(rows).to(x)


def selected(lesson: ModuleType) -> Case:
    """The tokens that become queries."""
    return function(lambda x: lesson.selected(x, 4).to(x), chosen, tensor(2, 9, 3, seed=123), Values)


CASES: dict[str, Build] = {
    "anchors = torchvision": anchors,
    "anchor labels = torchvision": anchor_labels,
    "boxes from points = torchvision's FCOS": point_detector,
    "targets of points = place by place": point_targets,
    "suppression by class = by a table": suppressed,
    "denoising mask = transformers' RT-DETR": denoising_mask,
    "denoising mask, one group = transformers' RT-DETR": partial(denoising_mask, groups=1),
    "denoising boxes = number by number": denoising_queries,
    "queries chosen = sorted": selected,
}
