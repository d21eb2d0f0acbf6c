"""Lesson 8's codes of places and its decoder of boxes, put together anew of torch's layers."""

from __future__ import annotations

from functools import partial
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn

from tests.parity.framework.cases import Build, Case, counting_in, function, tensor
from tests.parity.lesson_08.layers import DECODER, DIM, PLACES, TOKENS, decoder_by_parts, decoder_of_torch


def code_by_numbers(x: Tensor, base: float = 100.0, unit: float = 1 / 6, rows_first: bool = False) -> Tensor:
    """Sines, then cosines, of x; then those of y. Number by number."""
    n = DIM // 4
    places = x.reshape(-1, 2).flip(-1) if rows_first else x.reshape(-1, 2)
    rows = []
    for place in places:
        numbers = []
        for coordinate in place:
            angles = [coordinate / unit / base ** (i / n) for i in range(n)]
            numbers += [a.sin() for a in angles] + [a.cos() for a in angles]
        rows.append(torch.stack(numbers))
    return torch.stack(rows).reshape(*x.shape[:-1], DIM)


def place_code(lesson: ModuleType) -> Case:
    """Of places inside and outside the picture."""
    return function(lambda x: lesson.place_code(x, DIM), code_by_numbers, tensor(2, 5, 2, seed=99))


class Decoder(nn.Module):
    """Two of torch's layers and the heads of the lesson's decoder of boxes."""

    def __init__(self, queries: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(decoder_of_torch() for _ in range(2))
        self.norm, self.classify = nn.LayerNorm(DIM), nn.Linear(DIM, 4)
        self.locate = nn.Sequential(nn.Linear(DIM, DIM), nn.ReLU(), nn.Linear(DIM, 4))
        self.query, self.start = nn.Parameter(torch.zeros(queries, DIM)), nn.Parameter(torch.zeros(queries, 2))


def refined(
    model: Any, x: Tensor, places: Tensor = PLACES, references: bool = True, offsets: bool = True, cut: bool = True
) -> Tensor:
    """Conditional DETR's and DAB-DETR's way: where a query looks is told by the layer before; no gradient between."""
    places, found = places.to(x), []
    content = (model.query if references else torch.zeros_like(model.query)).expand(len(x), -1, -1)
    where = model.start.expand(len(x), -1, -1)
    for layer in model.layers:
        query = code_by_numbers(where.sigmoid()) if references else model.query
        content = decoder_by_parts(layer, content, query, x, places)
        box = model.locate(model.norm(content))
        if offsets:
            box = torch.cat([where + box[..., :2], box[..., 2:]], dim=-1)
            where = box[..., :2].detach() if cut else box[..., :2]
        found.append(torch.cat([model.classify(model.norm(content)), 1 / (1 + (-box).exp())], dim=-1))
    return torch.stack(found)


def box_decoder(lesson: ModuleType, references: bool = True, offsets: bool = True) -> Case:
    """Both layers' answers."""
    how: dict[str, Any] = {"references": references, "offsets": offsets}

    def mine(model: nn.Module, x: Tensor) -> Tensor:
        return torch.cat(model(x, PLACES.to(x)), dim=-1)

    own, inputs = lesson.BoxDecoder(DIM, 2, **how), tensor(2, TOKENS, DIM, seed=100)
    silent = frozenset(() if references else ("start", "layers.0.norm1.weight"))
    return Case(own, Decoder(4), inputs, DECODER, mine, partial(refined, **how), silent)


def centres(lesson: ModuleType) -> Case:
    """Row by row, x before y."""

    def theirs(x: Tensor) -> Tensor:
        return x * torch.tensor([[(c + 0.5) / 5, (r + 0.5) / 3] for r in range(3) for c in range(5)], dtype=x.dtype)

    def mine(x: Tensor) -> Tensor:
        with counting_in(x.dtype):
            return x * lesson.centres(3, 5)

    return function(mine, theirs, tensor(15, 2, seed=101))


CASES: dict[str, Build] = {
    "place code = number by number": place_code,
    "decoder of boxes = torch's parts": box_decoder,
    "decoder of boxes, plain = torch's parts": partial(box_decoder, references=False, offsets=False),
    "decoder of boxes, references alone = torch's parts": partial(box_decoder, offsets=False),
    "centres = cell by cell": centres,
}
