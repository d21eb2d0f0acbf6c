"""Wrong ways to do what Lesson 8 does: for the damages."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.parity.lesson_08 import boxes, layers, losses, maps, masks, patches


def plain_iou(x: Tensor) -> Tensor:
    """IoU for GIoU."""
    return boxes.iou_and_union(x)[0]


def hull_of_centres(x: Tensor) -> Tensor:
    """GIoU of boxes in centre form, taken for corners."""
    ordered = [torch.cat([part[:, :2], part[:, :2] + part[:, 2:]], dim=1) for part in map(boxes.small, x)]
    return boxes.torchvision().generalized_box_iou(*ordered)


def transposed_union(x: Tensor) -> Tensor:
    """Rows for the second set."""
    return boxes.iou_and_union(x.flip(0))


def log_costs(x: Tensor) -> Tensor:
    """The logarithm of the probability."""
    logits = boxes.pieces(x)[0]
    chance = torch.stack([row[:, kinds] for row, kinds in zip(logits.log_softmax(-1), boxes.KINDS, strict=True)])
    return boxes.cost_of_transformers(x, (0.0, 5.0, 2.0)) - chance


def boxes_of_all(x: Tensor) -> Tensor:
    """The loss whose boxes are averaged over all queries."""
    unmatched = losses.loss_of_transformers(x, weights=(0.0, 0.0, 1e-6))
    return losses.loss_of_transformers(x) * boxes.REAL.sum() / (boxes.QUERIES * len(x)) + 0 * unmatched


def last_layer(x: Tensor) -> Tensor:
    """No auxiliary losses."""
    return losses.loss_of_transformers(x[-1])


def with_places_in_values(layer: Any, x: Tensor) -> Tensor:
    """Places reach the values, too."""
    y = layer.norm1(x) + layers.PLACES.to(x)
    x = x + layers.attended(layer.self_attn, y, y, y)
    return x + layer.linear2(layer.linear1(layer.norm2(x)).relu())


def picture_first(layer: Any, x: Tensor) -> Tensor:
    """Queries look before they talk."""
    q, tokens = layers.queries_and_tokens(x)
    query, places = layers.QUERY_PLACES.to(x), layers.PLACES.to(x)
    q = q + layers.attended(layer.multihead_attn, layer.norm2(q) + query, tokens + places, tokens)
    y = layer.norm1(q)
    q = q + layers.attended(layer.self_attn, y + query, y + query, y)
    return q + layer.linear2(layer.linear1(layer.norm3(q)).relu())


def places_nowhere(layer: Any, x: Tensor) -> Tensor:
    """Keys without places."""
    q, tokens = layers.queries_and_tokens(x)
    query, none = layers.QUERY_PLACES.to(x), torch.zeros(()).to(x)
    return layers.decoder_by_parts(layer, q, query, tokens, none)


def exchanged(value: Tensor) -> Tensor:
    """Places with y before x."""
    return value.flip(-1)


def points_apart(model: Any, x: Tensor) -> Tensor:
    """A softmax over the points of each level, not over all."""
    whole = model.attention_weights

    class Weights(nn.Module):
        """Scores whose softmax over everything is one over each level."""

        def forward(self, y: Tensor) -> Tensor:
            scores = whole(y).unflatten(-1, (maps.HEADS, len(maps.SIZES), maps.POINTS))
            return scores.log_softmax(dim=-1).flatten(-3)

    model.attention_weights = Weights()
    found = maps.of_transformers(model, x)
    model.attention_weights = whole
    return found


def corners_aligned(x: Tensor) -> Tensor:
    """0 and 1 taken for the centres of the outer pixels."""
    image, places = maps.image_and_places(x)
    return F.grid_sample(image[None], 2 * places[None, None] - 1, align_corners=True)[0, :, 0].T


def linear_pyramid(model: nn.Module, x: Tensor) -> Tensor:
    """Coarse maps enlarged smoothly, not by repetition."""
    parts = maps.three_maps(x)
    inner = [block(part) for block, part in zip(model.inner_blocks, parts, strict=True)]
    for i in (1, 0):
        inner[i] = inner[i] + F.interpolate(inner[i + 1], inner[i].shape[-2:], mode="bilinear")
    return maps.flat(block(part) for block, part in zip(model.layer_blocks, inner, strict=True))


def pooled_alone(model: Any, x: Tensor) -> Tensor:
    """The map itself left out."""
    return model.join(torch.cat([torch.zeros_like(x), *model.reads(x)], dim=1))


def one_sided(x: Tensor) -> Tensor:
    """Dice without the factor 2."""
    parts, truth = x.sigmoid(), masks.TRUTH.to(x)
    both = parts @ truth.transpose(1, 2)
    sizes = parts.sum(-1)[..., None] + truth.sum(-1)[:, None]
    return masks.mask_cost_of_transformers(x) + 5 * both / (sizes + 1)


def exchanged_points(x: Tensor) -> Tensor:
    """Points with rows before columns."""
    return masks.mask2former().sample_point(x, masks.SPOTS.to(x).flip(-1), align_corners=False)


def pooled_to_five(theirs: nn.Module) -> None:
    """Five cells a side for six."""
    pools = [part for part in theirs.modules() if isinstance(part, nn.AdaptiveAvgPool2d) and part.output_size == 6]
    assert pools, "no such pooling: this would damage nothing"
    for part in pools:
        part.output_size = 5


def class_tokens_first(model: Any, x: Tensor) -> Tensor:
    """The first tokens taken for those of classes."""
    return patches.scores_by_pair(model, x).flip(-1)
