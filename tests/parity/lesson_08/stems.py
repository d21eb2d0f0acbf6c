"""Lesson 8's ways from a picture to tokens: convolutions, patches, DETR's encoder, pixels; patch by patch."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from types import ModuleType
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.parity.framework.cases import Build, Case, Named, counting_in, tensor
from tests.parity.framework.harness import Forward, generator
from tests.parity.lesson_08 import layers, queries
from tests.parity.lesson_08.layers import DIM

FINE, PICTURE = 32, (24, 40)  # the width of stride 4; a grid of 3 × 5 at stride 8


def fully(forward: Forward) -> Forward:
    """Places are counted in the precision of the input."""

    def run(model: nn.Module, x: Tensor) -> Tensor:
        with counting_in(x.dtype):
            return forward(model, x)

    return run


def code_of_grid(x: Tensor, grid: tuple[int, int], unit: float = 1 / 6) -> Tensor:
    """Places of a grid's cells, row by row: (H · W, D)."""
    rows, columns = grid
    at = [[(c + 0.5) / columns, (r + 0.5) / rows] for r in range(rows) for c in range(columns)]
    return queries.code_by_numbers(torch.tensor(at, dtype=x.dtype), unit=unit)


def by_rows(x: Tensor) -> Tensor:
    """Cells of maps (B, D, H, W), one after the other: (B, H · W, D)."""
    return torch.stack([x[:, :, r, c] for r in range(x.shape[2]) for c in range(x.shape[3])], dim=1)


def by_columns(x: Tensor) -> Tensor:
    """The same down the columns: a mistake."""
    return by_rows(x.mT)


def of_rows(x: Tensor, grid: tuple[int, int]) -> Tensor:
    """Back to a map."""
    rows = [x[:, r * grid[1] : (r + 1) * grid[1]] for r in range(grid[0])]
    return torch.stack(rows, dim=1).permute(0, 3, 1, 2)


def of_columns(x: Tensor, grid: tuple[int, int]) -> Tensor:
    """Back to a map whose columns are filled first: a mistake."""
    return of_rows(x, grid[::-1]).mT


def grid_of(x: Tensor) -> tuple[int, int]:
    """Rows and columns of maps."""
    return x.shape[-2], x.shape[-1]


def convolved(x: Tensor, layer: nn.Conv2d) -> Tensor:
    """Window by window, a product with each kernel."""
    step, pad, size = (pair[0] for pair in (layer.stride, layer.padding, layer.kernel_size) if isinstance(pair, tuple))
    x = F.pad(x, [pad] * 4)
    rows = []
    for top in range(0, x.shape[2] - size + 1, step):
        windows = [x[:, :, top : top + size, c : c + size] for c in range(0, x.shape[3] - size + 1, step)]
        rows.append(torch.stack([torch.einsum("bdij,edij->be", w, layer.weight) for w in windows], dim=-1))
    found = torch.stack(rows, dim=-2)
    return found if layer.bias is None else found + layer.bias[:, None, None]


def unsettled(model: nn.Module) -> nn.Module:
    """Means and variances as after training, the same for all models."""
    draws = generator(160)
    for part in model.modules():
        if isinstance(part, nn.BatchNorm2d):
            part.running_mean = torch.randn(part.num_features, generator=draws) / 4
            part.running_var = 0.5 + torch.rand(part.num_features, generator=draws)
    return model


def normed(x: Tensor, norm: Any, trained: bool = True) -> Tensor:
    """A batch norm that goes by what it saw in training."""
    mean, variance = (norm.running_mean, norm.running_var) if trained else (torch.zeros(1), torch.ones(1))
    shown = (x - mean.to(x)[:, None, None]) / (variance.to(x)[:, None, None] + norm.eps).sqrt()
    return shown * norm.weight[:, None, None] + norm.bias[:, None, None]


def stem_by_windows(model: Any, x: Tensor, trained: bool = True) -> tuple[Tensor, Tensor]:
    """Maps of stride 4 and 8."""
    to_4 = x
    for step in (model.to_2, model.to_4):
        to_4 = normed(convolved(to_4, step[0]), step[1], trained).relu()
    return to_4, normed(convolved(to_4, model.to_8[0]), model.to_8[1], trained).relu()


def flat_stem(model: Any, x: Tensor, trained: bool = True) -> Tensor:
    """All numbers of both maps."""
    return torch.cat([part.flatten(1) for part in stem_by_windows(model, x, trained)], dim=1)


def stem(lesson: ModuleType, stride: int = 8) -> Case:
    """Of oblong pictures; stride 4 keeps the size of the second map."""

    def mine(model: nn.Module, x: Tensor) -> Tensor:
        return torch.cat([part.flatten(1) for part in model(x)], dim=1)

    own, same = (unsettled(lesson.ConvStem(DIM, stride)) for _ in range(2))
    return Case(own, same, tensor(2, 3, 16, 24, seed=161), mine_forward=mine, theirs_forward=flat_stem)


class Patches(nn.Module):
    """A convolution of patches and torch's layers."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Conv2d(3, DIM, 8, 8)
        self.blocks = nn.ModuleList(layers.encoder_of_torch() for _ in range(2))


def patches_by_parts(model: Any, x: Tensor, placed: float = 1.0, back: Callable[..., Tensor] = of_rows) -> Tensor:
    """ViT blocks with places in queries and keys of each; `back`: from tokens to a map."""
    cells = convolved(x, model.embed)
    tokens, places = by_rows(cells), code_of_grid(x, grid_of(cells))
    for block in model.blocks:
        tokens = layers.encoder_by_parts(block, tokens, placed * places)
    return back(tokens, grid_of(cells))


def last_block(model: Any, x: Tensor) -> Tensor:
    """Places in the first block alone, as in a ViT: a mistake."""
    cells = convolved(x, model.embed)
    first, second = model.blocks
    places = code_of_grid(x, grid_of(cells))
    tokens = layers.encoder_by_parts(first, by_rows(cells), places)
    return of_rows(layers.encoder_by_parts(second, tokens, 0 * places), grid_of(cells))


def patch_stem(lesson: ModuleType) -> Case:
    """The one map of a ViT."""
    inputs = tensor(2, 3, *PICTURE, seed=162)
    mine = fully(lambda m, x: m(x)[0])
    return Case(lesson.PatchStem(DIM), Patches(), inputs, layers.ENCODER, mine, patches_by_parts)


class Map(nn.Module):
    """A backbone that has its map already, and a finer one that nobody asked for."""

    def forward(self, x: Tensor) -> list[Tensor]:
        return [torch.zeros_like(x), x]


class Detector(nn.Module):
    """DETR of torch's layers."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder, self.norm = layers.encoder_of_torch(), nn.LayerNorm(DIM)
        self.decoder = queries.Decoder(4)


def both_names(parameters: Named) -> dict[str, Tensor]:
    """Of an encoder's and a decoder's layers."""
    of_decoder = {name: p for name, p in parameters.items() if name.startswith("decoder.")}
    others = {name: p for name, p in parameters.items() if name not in of_decoder}
    return layers.ENCODER(others) | layers.DECODER(of_decoder)


def detector_by_parts(
    model: Any, x: Tensor, seen: Callable[[Tensor], Tensor] = by_rows, placed: float = 1.0, turned: bool = False
) -> Tensor:
    """Tokens, their places, and what two decoder layers answer: all numbers."""
    places = code_of_grid(x, grid_of(x)[::-1] if turned else grid_of(x)) * placed
    tokens = model.norm(layers.encoder_by_parts(model.encoder, seen(x), places))
    found = queries.refined(model.decoder, tokens, places)
    return torch.cat([tokens.flatten(), places.flatten(), found.flatten()])


def detector(lesson: ModuleType) -> Case:
    """From an oblong map to boxes."""

    def mine(model: Any, x: Tensor) -> Tensor:
        return torch.cat([part.flatten() for part in (*model.tokens(x), torch.cat(model(x), dim=-1))])

    own, inputs = lesson.DETR(Map(), DIM, side=2), tensor(2, DIM, 3, 5, seed=163)
    return Case(own, Detector(), inputs, both_names, fully(mine), detector_by_parts)


class Two(nn.Module):
    """A backbone whose maps of stride 4 and 8 are means of the picture."""

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return F.avg_pool2d(x[:, :FINE], 4), F.avg_pool2d(x[:, FINE:], 8)


class Pixels(nn.Module):
    """Two maps joined: torch's layer for the coarse one."""

    def __init__(self) -> None:
        super().__init__()
        self.lateral = nn.Conv2d(FINE, DIM, 1)
        self.encoder, self.norm = layers.encoder_of_torch(), nn.LayerNorm(DIM)


def shares(size: int, wanted: int) -> Tensor:
    """Linear interpolation as a table (wanted, size): pixel centres lie at .5, the edge goes on."""
    table = torch.zeros(wanted, size, dtype=torch.float64)
    for row in range(wanted):
        at = min(max((row + 0.5) * size / wanted - 0.5, 0.0), size - 1.0)
        left = min(int(at), size - 2)
        table[row, left], table[row, left + 1] = 1 - (at - left), at - left
    return table


def enlarged(x: Tensor, size: tuple[int, int]) -> Tensor:
    """Maps of this size: rows by one table, columns by another."""
    tall, wide = (shares(n, wanted).to(x) for n, wanted in zip(x.shape[-2:], size, strict=True))
    return torch.einsum("yh,bdhw,xw->bdyx", tall, x, wide)


def repeated(x: Tensor, size: tuple[int, int]) -> Tensor:
    """The nearest cell, not a mean: a mistake."""
    return x.repeat_interleave(size[0] // x.shape[2], dim=2).repeat_interleave(size[1] // x.shape[3], dim=3)


def pixels_by_parts(
    model: Any,
    x: Tensor,
    back: Callable[..., Tensor] = of_rows,
    seen: Callable[[Tensor], Tensor] = by_rows,
    placed: float = 1.0,
    larger: Callable[..., Tensor] = enlarged,
) -> Tensor:
    """An FPN of two levels, cell by cell: the coarse map's tokens, back in their places, join the fine map."""
    fine, coarse = Two()(x)
    tokens = layers.encoder_by_parts(model.encoder, by_rows(coarse), placed * code_of_grid(x, grid_of(coarse)))
    joined = larger(back(tokens, grid_of(coarse)), grid_of(fine)) + convolved(fine, model.lateral)
    return model.norm(seen(joined))


def pixel_tokens(lesson: ModuleType) -> Case:
    """Tokens of stride 4."""
    own, inputs = lesson.PixelTokens(Two(), DIM), pictures()
    return Case(own, Pixels(), inputs, layers.ENCODER, fully(lambda m, x: m(x)), pixels_by_parts)


def pictures(seed: int = 164) -> Tensor:
    """What a mean of 4 × 4 or 8 × 8 pixels leaves is of the order of 1."""
    return 6 * tensor(2, FINE + DIM, *PICTURE, seed=seed)


class Classes(nn.Module):
    """A class for each pixel."""

    def __init__(self) -> None:
        super().__init__()
        self.pixels = Pixels()
        self.classify = nn.Sequential(nn.Linear(DIM, DIM), nn.ReLU(), nn.Linear(DIM, 5))


def classes_by_parts(
    model: Any, x: Tensor, back: Callable[..., Tensor] = of_rows, larger: Callable[..., Tensor] = enlarged
) -> Tensor:
    """Scores of the tokens, as a map, enlarged four times."""
    scores = model.classify(pixels_by_parts(model.pixels, x))
    return larger(back(scores, (PICTURE[0] // 4, PICTURE[1] // 4)), PICTURE)


def per_pixel(lesson: ModuleType) -> Case:
    """Scores of pixels."""
    own, mine = lesson.PerPixel(Two(), DIM), fully(lambda m, x: m(x))
    return Case(own, Classes(), pictures(165), layers.ENCODER, mine, classes_by_parts)


CASES: dict[str, Build] = {
    "stem = window by window": stem,
    "stem of stride 4 = window by window": partial(stem, stride=4),
    "patch stem = torch's parts": patch_stem,
    "DETR = torch's parts": detector,
    "tokens of pixels = torch's parts": pixel_tokens,
    "class of each pixel = torch's parts": per_pixel,
}
