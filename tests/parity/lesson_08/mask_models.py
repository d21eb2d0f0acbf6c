"""Lesson 8's mask transformer put together anew: Mask2Former's order of things, of torch's layers, mask by mask."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn

from tests.parity.framework.cases import Build, Case, counting_in, function, tensor
from tests.parity.lesson_08 import layers, stems
from tests.parity.lesson_08.layers import DIM, HEADS

QUERIES, KINDS = 8, 6
GRID = (stems.PICTURE[0] // 4, stems.PICTURE[1] // 4)
UNIT = 1 / 12  # four of 48 pixels


class Masks(nn.Module):
    """Pixels, two layers of torch's, and the heads."""

    def __init__(self) -> None:
        super().__init__()
        self.pixels = stems.Pixels()
        self.decoder = nn.ModuleList(layers.decoder_of_torch() for _ in range(2))
        self.norm, self.classify, self.embed = nn.LayerNorm(DIM), nn.Linear(DIM, KINDS), nn.Linear(DIM, DIM)
        self.mask = nn.Sequential(nn.Linear(DIM, DIM), nn.ReLU(), nn.Linear(DIM, DIM))
        self.query, self.from_place = (nn.Parameter(torch.zeros(QUERIES, DIM)) for _ in range(2))


def read_by_query(model: Any, x: Tensor, pixels: Tensor, whole: bool = False, plain: bool = False) -> Tensor:
    """Each query's six scores, then its product with each pixel: (B, Q, 6 + N).

    Mistakes: `whole`, the mean pixel for each; `plain`, queries that were not normalised."""
    shown = model.embed(pixels.mean(dim=1, keepdim=True).expand_as(pixels) if whole else pixels)
    rows = []
    for query in range(x.shape[1]):
        y = x[:, query] if plain else model.norm(x[:, query])
        rows.append(torch.cat([model.classify(y), (model.mask(y)[:, None] * shown).sum(dim=-1)], dim=-1))
    return torch.stack(rows, dim=1)


def read_apart(model: Any, x: Tensor, **how: bool) -> Tensor:
    """Queries and pixels from one input."""
    return read_by_query(model, x[:, :QUERIES], x[:, QUERIES:], **how)


def read(lesson: ModuleType) -> Case:
    """Queries as they are given, for pixels as they are given."""

    def mine(model: Any, x: Tensor) -> Tensor:
        return torch.cat(model.read(x[:, :QUERIES], x[:, QUERIES:]), dim=-1)

    silent = frozenset(name for name, _ in Masks().named_parameters() if name.split(".")[0] not in READ)
    inputs = tensor(2, QUERIES + 15, DIM, seed=170)
    return Case(lesson.MaskTransformer(stems.Two(), DIM), Masks(), inputs, stems.both_names, mine, read_apart, silent)


READ = ("norm", "classify", "embed", "mask")


def open_to(found: Tensor) -> Tensor:
    """Tokens that may not be seen, head by head: sigmoid below .5; a row without any is open."""
    hidden = found[..., KINDS:].detach().sigmoid() < 0.5
    hidden = hidden & ~hidden.all(dim=-1, keepdim=True)
    return hidden.repeat_interleave(HEADS, dim=0)


def masks_by_parts(
    model: Any,
    x: Tensor,
    masked: bool = True,
    before: Callable[[list[Tensor]], Tensor] = lambda found: found[-1],
    talk_first: bool = False,
    placed: float = 1.0,
    of_queries: float = 1.0,
    back: Callable[..., Tensor] = stems.of_rows,
    **how: bool,
) -> Tensor:
    """Read, then twice: look inside the last masks, talk, think, read. All scores, and all masks as maps."""
    pixels = stems.pixels_by_parts(model.pixels, x)
    places = stems.code_of_grid(x, GRID, UNIT) * placed
    content, query = model.query.expand(len(x), -1, -1), model.from_place * of_queries
    found = [read_by_query(model, content, pixels, **how)]
    for layer in model.decoder:
        hidden = open_to(before(found)) if masked else None
        steps = [partial(looked, layer, pixels, places, hidden), partial(talked, layer)]
        for step in reversed(steps) if talk_first else steps:
            content = content + step(content, query)
        content = content + layer.linear2(layer.linear1(layer.norm3(content)).relu())
        found.append(read_by_query(model, content, pixels, **how))
    scores, masks = (torch.cat(parts) for parts in zip(*((f[..., :KINDS], f[..., KINDS:]) for f in found), strict=True))
    return torch.cat([scores.flatten(), back(masks.mT, GRID).flatten()])


def looked(layer: Any, pixels: Tensor, places: Tensor, hidden: Tensor | None, x: Tensor, query: Tensor) -> Tensor:
    """What queries take from the picture, where they may."""
    return layers.attended(layer.multihead_attn, layer.norm2(x) + query, pixels + places, pixels, hidden)


def talked(layer: Any, x: Tensor, query: Tensor) -> Tensor:
    """What they take from one another."""
    y = layer.norm1(x)
    return layers.attended(layer.self_attn, y + query, y + query, y)


def mask_transformer(lesson: ModuleType, masked: bool = True) -> Case:
    """From oblong pictures to three answers."""

    def mine(model: nn.Module, x: Tensor) -> Tensor:
        return torch.cat([part.flatten() for part in model(x)])

    own = lesson.MaskTransformer(stems.Two(), DIM, masked)
    theirs = partial(masks_by_parts, masked=masked)
    return Case(own, Masks(), stems.pictures(171), stems.both_names, stems.fully(mine), theirs)


def start(lesson: ModuleType) -> Case:
    """Where the queries stand before training: the cells of two rows and four columns."""

    def mine(x: Tensor) -> Tensor:
        with counting_in(x.dtype):
            return x * lesson.MaskTransformer(stems.Two(), DIM).from_place.to(x)

    inputs = tensor(QUERIES, DIM, seed=172)
    return function(mine, lambda x: x * stems.code_of_grid(x, (2, 4), UNIT), inputs)


CASES: dict[str, Build] = {
    "reading of masks = query by query": read,
    "mask transformer = torch's parts": mask_transformer,
    "mask transformer, unmasked = torch's parts": partial(mask_transformer, masked=False),
    "places of mask queries = number by number": start,
}
