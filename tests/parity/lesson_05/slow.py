"""CSWin and Focal attention, which no library holds: written token by token, straight from what a token attends to."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from types import ModuleType

import torch
from torch import Tensor, nn

from tests.parity.framework.cases import DIM, HEADS, Case, renamed, tensor
from tests.parity.lesson_05.names import book
from tests.parity.lesson_05.windows import Size

Place = tuple[int, int]
Neighbours = Callable[[Place, Place], bool]  # may the first see the second?


def places_of(x: Tensor) -> list[Place]:
    return list(itertools.product(range(x.shape[1]), range(x.shape[2])))


def same_stripe(stripe: Size) -> Neighbours:
    return lambda a, b: (a[0] // stripe[0], a[1] // stripe[1]) == (b[0] // stripe[0], b[1] // stripe[1])


def attend_to(query: Tensor, keys: list[Tensor], values: list[Tensor], heads: int) -> Tensor:
    """One query (B, D) among a list of keys and values (B, D), head by head."""
    k, v, answers = torch.stack(keys, dim=1), torch.stack(values, dim=1), []
    for head in range(heads):
        some = slice(head * query.shape[-1] // heads, (head + 1) * query.shape[-1] // heads)
        scores = torch.einsum("bd,bjd->bj", query[:, some], k[..., some]) / math.sqrt(query.shape[-1] // heads)
        answers.append(torch.einsum("bj,bjd->bd", scores.softmax(dim=-1), v[..., some]))
    return torch.cat(answers, dim=-1)


def masked_sum(k: Tensor, v: Tensor, lepe: nn.Conv2d, near: Neighbours) -> Tensor:
    """LePE: each value's 3 × 3 neighbours, as far as they lie in the stripe; keys are not asked."""
    rows = []
    for row, column in places_of(v):
        total = lepe.bias
        for a, b in itertools.product(range(3), range(3)):
            beside = row + a - 1, column + b - 1
            if beside in places_of(v) and near((row, column), beside):
                total = total + lepe.weight[:, 0, a, b] * v[:, beside[0], beside[1]]
        rows.append(total)
    return torch.stack(rows, dim=1).unflatten(1, v.shape[1:3])


class SlowStripes(nn.Module):
    def __init__(self, dim: int, heads: int, near: Neighbours):
        super().__init__()
        self.heads, self.near, self.lepe = heads, near, masked_sum
        self.get_v = nn.Conv2d(dim, dim, 3, padding=1, groups=dim)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = x
        answers = []
        for place in places_of(q):
            seen = [(slice(None), *other) for other in places_of(q) if self.near(place, other)]
            query = q[(slice(None), *place)]
            answers.append(attend_to(query, [k[other] for other in seen], [v[other] for other in seen], self.heads))
        mixed = torch.stack(answers, dim=1).unflatten(1, q.shape[1:3])
        return mixed + self.lepe(k, v, self.get_v, self.near)


def stripe_attention(lesson: ModuleType, size: Size = (4, 6), stripe: Size = (2, 3)) -> Case:
    theirs = SlowStripes(DIM, HEADS, same_stripe(stripe))
    return Case(
        lesson.StripeAttention(DIM, HEADS),
        theirs,
        tensor(3, 2, *size, DIM),
        book(("get_v", "lepe")),
        lambda layer, x: layer(*x, stripe),
    )


class SlowCSWin(nn.Module):
    """Vertical stripes for the first half of the channels, as the authors count their branches."""

    def __init__(self, dim: int, heads: int, size: Size, stripe: int):
        super().__init__()
        self.qkv, self.proj = nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)
        nears = same_stripe((size[0], stripe)), same_stripe((stripe, size[1]))
        self.attns = nn.ModuleList(SlowStripes(dim // 2, heads // 2, near) for near in nears)

    def forward(self, x: Tensor) -> Tensor:
        parts = torch.stack(self.qkv(x).chunk(3, dim=-1))
        halves = parts.chunk(2, dim=-1)
        return self.proj(torch.cat([a(half) for a, half in zip(self.attns, halves, strict=True)], dim=-1))


def cswin(lesson: ModuleType, size: Size = (4, 6), stripe: int = 2, heads: int = 4) -> Case:
    rules = (("proj", "out"), (r"attns\.0\.get_v", "columns.lepe"), (r"attns\.1\.get_v", "rows.lepe"))
    mine, theirs = lesson.CSWinAttention(DIM, heads, stripe), SlowCSWin(DIM, heads, size, stripe)
    return Case(mine, theirs, tensor(2, *size, DIM), book(*rules))


# Focal attention, query by query.


def means(x: Tensor, window: int) -> list[Tensor]:
    """The mean token of each square of a map, (B, D)."""
    corners = [place for place in places_of(x) if not any(side % window for side in place)]
    squares = [[p for p in places_of(x) if same_stripe((window, window))(corner, p)] for corner in corners]
    return [sum(x[:, a, b] for a, b in square) / window**2 for square in squares]


class SlowFocal(nn.Module):
    def __init__(self, dim: int, heads: int, window: int, margin: int):
        super().__init__()
        self.heads, self.window, self.margin, self.pooled = heads, window, margin, means
        self.query, self.keys_values, self.proj = nn.Linear(dim, dim), nn.Linear(dim, 2 * dim), nn.Linear(dim, dim)

    def fine(self, query: Place, key: Place) -> bool:
        """At most `margin` tokens beyond the query's window."""
        corner = [side // self.window * self.window for side in query]
        return all(c - self.margin <= k < c + self.window + self.margin for c, k in zip(corner, key, strict=True))

    def forward(self, x: Tensor) -> Tensor:
        coarse, answers = [self.keys_values(square) for square in self.pooled(x, self.window)], []
        for row, column in places_of(x):
            near = [self.keys_values(x[:, a, b]) for a, b in places_of(x) if self.fine((row, column), (a, b))]
            keys, values = zip(*(both.chunk(2, dim=-1) for both in near + coarse), strict=True)
            answers.append(attend_to(self.query(x[:, row, column]), list(keys), list(values), self.heads))
        return self.proj(torch.stack(answers, dim=1).unflatten(1, x.shape[1:3]))


def focal(lesson: ModuleType, size: Size = (6, 9), window: int = 3, margin: int = 1) -> Case:
    mine, theirs = lesson.FocalAttention(DIM, HEADS, window, margin), SlowFocal(DIM, HEADS, window, margin)
    names = renamed(("query", "q"), ("keys_values", "kv"), ("proj", "out"))
    return Case(mine, theirs, tensor(2, *size, DIM), names)
