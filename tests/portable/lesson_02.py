"""How Lesson 2's definitions are called by whoever carries them away."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

import torch
from torch import Tensor, nn

from tests.portable.check import Calls, Case, random

GRID, DIM, HEADS = (3, 5), 24, 3
HEAD_DIM, N = DIM // HEADS, GRID[0] * GRID[1]
OTHER = (4, 6)  # a grid the encodings were not made for
Make = Callable[[ModuleType], nn.Module]


def adds(make: Make, grid: tuple[int, int] = OTHER, **settings: object) -> Case:
    """An encoding that joins the tokens."""
    return _part(make, lambda part, x: x + part.add(grid), lambda: (random(2, grid[0] * grid[1], DIM),), settings)


def biases(make: Make, grid: tuple[int, int] = OTHER, **settings: object) -> Case:
    """An encoding that joins the scores."""
    n = grid[0] * grid[1]
    return _part(make, lambda part, x: x + part.bias(grid), lambda: (random(2, HEADS, n, n),), settings)


def turns(make: Make, grid: tuple[int, int] = OTHER, **settings: object) -> Case:
    """An encoding that turns queries and keys."""
    n = grid[0] * grid[1]
    return _part(make, lambda part, x: part.turn(x, grid), lambda: (random(2, HEADS, n, HEAD_DIM),), settings)


def _part(make: Make, ask: Callable[..., Tensor], arguments: Callable[[], tuple], settings: dict) -> Case:
    def made(lesson: ModuleType) -> nn.Module:
        part = make(lesson)
        part.reset(lesson.rng(0))
        for name, value in settings.items():
            setattr(part, name, value)
        return Calls(part, ask)

    return Case(made, arguments)


def tokens(n: int = N) -> tuple[Tensor]:
    return (random(2, n, DIM),)


def whole(positions: Make, inside: Make, pooling: Make) -> Case:
    """A small ViT with these parts, for oblong pictures of a size it was not made for."""

    def made(lesson: ModuleType) -> nn.Module:
        config = lesson.ViTConfig(DIM, 2, HEADS, 2 * DIM, patch_size=4, image_size=16, classes=7)
        return lesson.GridViT(positions(lesson), lambda: inside(lesson), pooling(lesson), config)

    return Case(made, lambda: (random(2, 3, 4 * OTHER[0], 4 * OTHER[1]),))


def permutation(n: int) -> Tensor:
    return torch.randperm(n, generator=torch.Generator().manual_seed(3))


SATURATED = "scores so large hang on bits that bfloat16 does not have"
FRESH = "draws weights of its own at every call"
COUNTS = "moves the layer that it is given to a device without memory and gives an integer"
CASES = {
    # Patches.
    "unpatchify": Case(lambda L: L.unpatchify, lambda: (random(2, 15, 48), 4, 12, 20)),
    "pad_to_multiple": Case(lambda L: L.pad_to_multiple, lambda: (random(2, 3, 10, 17), 4)),
    "recovered": Case(
        lambda L: L.recovered,
        lambda: (random(2, 3, 32, 48), 24),
        cannot={"exported": FRESH, "compiled": FRESH, "pretend_cuda": FRESH + ", and moves them"},
    ),
    "permute_patches": Case(lambda L: L.permute_patches, lambda: (random(2, 3, 8, 12), permutation(6), 4)),
    "permute_patches/each": Case(
        lambda L: L.permute_patches,
        lambda: (random(2, 3, 8, 12), torch.stack([permutation(6), permutation(6).flip(0)]), 4),
    ),
    "shuffled": Case(
        lambda L: L.shuffled,
        lambda: (random(2, 3, 8, 12), 4, 5),
        cannot={"exported": "draws an order for each picture", "compiled": "makes a random generator of its own"},
    ),
    # From many tokens to one vector.
    "Pooling": Case(lambda L: Calls(L.Pooling(), lambda part, x: part.begin(x)), tokens),
    "MeanPooling": Case(lambda L: L.MeanPooling(), tokens),
    "MaxPooling": Case(lambda L: L.MaxPooling(), tokens),
    "ClassToken": Case(lambda L: L.ClassToken(DIM), tokens),
    "ClassToken/begin": Case(lambda L: Calls(L.ClassToken(DIM), lambda part, x: part.begin(x)), tokens),
    "CrossAttention": Case(lambda L: L.CrossAttention(DIM, HEADS), lambda: (random(2, 4, DIM), random(2, N, DIM))),
    "CrossAttention/large": Case(
        lambda L: L.CrossAttention(DIM, HEADS),
        lambda: (130 * random(2, 4, DIM), 130 * random(2, N, DIM, seed=1)),
        cannot={"bfloat16": SATURATED},
    ),
    "AttentionPooling": Case(lambda L: L.AttentionPooling(DIM, HEADS), tokens),
    "ClassAttentionLayer": Case(
        lambda L: L.ClassAttentionLayer(DIM, HEADS), lambda: (random(2, 1, DIM), random(2, N, DIM, seed=1))
    ),
    "ClassAttention": Case(lambda L: L.ClassAttention(DIM, HEADS), tokens),
    # Positions.
    "grid_coordinates": Case(lambda L: lambda x: L.grid_coordinates(3, 5, x.device, x.dtype), tokens),
    "Positions": turns(lambda L: L.Positions(GRID)),
    "Positions/added": adds(lambda L: L.Positions(GRID)),
    "Positions/coordinates": _part(
        lambda L: L.Positions(GRID),
        lambda part, x: x[0] + part.coordinates(OTHER).to(x.dtype),
        lambda: (random(1, OTHER[0] * OTHER[1], 2),),
        {"squeeze": True},
    ),
    "resize_table": Case(lambda L: L.resize_table, lambda: (random(2, N, DIM), GRID, OTHER)),
    "resize_table/bilinear": Case(lambda L: L.resize_table, lambda: (random(2, N, DIM), GRID, (2, 2), "bilinear")),
    "resize_positions": Case(lambda L: L.resize_positions, lambda: (random(2, 1 + N, DIM), GRID, OTHER)),
    "stretch": Case(lambda L: L.stretch, lambda: (random(1, 196, DIM), "bicubic"), batched=()),
    "Learned": adds(lambda L: L.Learned(GRID, DIM)),
    "Factorised": adds(lambda L: L.Factorised(GRID, DIM)),
    "SineCosine": adds(lambda L: L.SineCosine(GRID, DIM)),
    "SineCosine/squeezed": adds(lambda L: L.SineCosine(GRID, DIM), squeeze=True),
    "sine_cosine": Case(lambda L: L.sine_cosine, lambda: (torch.arange(9.0), DIM), batched=()),
    "sine_cosine/whole numbers": Case(
        lambda L: lambda places: L.sine_cosine(places, DIM) / L.sine_cosine(places.float(), DIM),
        lambda: (torch.arange(1, 9),),
        batched=(),
        cannot={"float64": "whole numbers", "float16": "whole numbers", "bfloat16": "whole numbers"},
    ),
    "sine_cosine_2d": Case(
        lambda L: L.sine_cosine_2d, lambda: (torch.cartesian_prod(torch.arange(3.0), torch.arange(5.0)), DIM)
    ),
    "relative_index": Case(lambda L: lambda x: L.relative_index(*GRID, x.device), tokens),
    "RelativeBias": biases(lambda L: L.RelativeBias(GRID, HEADS)),
    "RelativeBias/own grid": biases(lambda L: L.RelativeBias(GRID, HEADS), GRID),
    "log_spaced": Case(lambda L: L.log_spaced, lambda: (8 * random(2, 5),)),
    "ContinuousBias": biases(lambda L: L.ContinuousBias(GRID, HEADS, 16)),
    "ContinuousBias/one row": biases(lambda L: L.ContinuousBias((1, 5), HEADS, 16), (1, 5)),
    "rotate": Case(lambda L: L.rotate, lambda: (random(2, HEADS, N, HEAD_DIM), random(N, HEAD_DIM // 2)), batched=(0,)),
    "AxialRoPE": turns(lambda L: L.AxialRoPE(GRID, HEAD_DIM)),
    "AxialRoPE/squeezed": turns(lambda L: L.AxialRoPE(GRID, HEAD_DIM), squeeze=True),
    "MixedRoPE": turns(lambda L: L.MixedRoPE(GRID, HEADS, HEAD_DIM)),
    "Hidden": _part(
        lambda L: L.Hidden(L.RelativeBias(GRID, HEADS), torch.arange(24) > 19, HEADS),
        lambda part, x: (x + part.bias(OTHER)).softmax(dim=-1),
        lambda: (random(2, HEADS, 24, 24),),
        {},
    ),
    "MeanOfSome": Case(lambda L: L.MeanOfSome(torch.arange(N) < 4), tokens),
    "without": Case(
        lambda L: L.without(
            L.GridViT(L.Learned(GRID, DIM), config=L.ViTConfig(DIM, 2, HEADS, 48, 4, 16, classes=7)),
            torch.arange(24) > 19,
        ),
        lambda: (random(2, 3, 16, 24),),
    ),
    "repeated": Case(lambda L: L.repeated, lambda: (random(2, 3, 8, 12), 4, 2)),
    # Models.
    "GridAttention": Case(
        lambda L: Calls(L.GridAttention(DIM, HEADS, L.RelativeBias(GRID, HEADS)), lambda part, x: part(x, GRID)), tokens
    ),
    "GridAttention/large": Case(
        lambda L: Calls(L.GridAttention(DIM, HEADS, L.AxialRoPE(GRID, HEAD_DIM)), lambda part, x: part(x, GRID)),
        lambda: (100 * random(2, N, DIM),),
    ),
    "GridBlock": Case(
        lambda L: Calls(
            L.GridBlock(DIM, HEADS, 2 * DIM, L.MixedRoPE(GRID, HEADS, HEAD_DIM)), lambda part, x: part(x, GRID)
        ),
        tokens,
    ),
    "GridViT": whole(lambda L: L.Learned(GRID, DIM), lambda L: L.Positions(), lambda L: L.ClassToken(DIM)),
    "GridViT/computed": whole(
        lambda L: L.SineCosine(GRID, DIM), lambda L: L.AxialRoPE(GRID, HEAD_DIM), lambda L: L.MeanPooling()
    ),
    "GridViT/biased": whole(
        lambda L: L.Factorised(GRID, DIM),
        lambda L: L.ContinuousBias(GRID, HEADS, 16),
        lambda L: L.AttentionPooling(DIM, HEADS),
    ),
    "GridViT/late": whole(
        lambda L: L.Positions(), lambda L: L.RelativeBias(GRID, HEADS), lambda L: L.ClassAttention(DIM, HEADS)
    ),
    "Filler": Case(lambda L: L.Filler(DIM), lambda: (random(2, 1, 32, 32), random(2, 64, seed=1) > 0)),
    "similarity": Case(lambda L: L.similarity, lambda: (random(N, DIM),), batched=()),
    "by_distance": Case(lambda L: lambda x: L.by_distance(x, 4), lambda: (random(16, 16),), batched=()),
    # Looking at parts.
    "pair_map": Case(
        lambda L: Calls(L.ContinuousBias(GRID, HEADS, 16), lambda part, x: x + L.pair_map(part, OTHER)),
        lambda: (random(24, 24),),
        batched=(),
    ),
}
EXEMPT = {
    "precise": "gives a device and a type, no tensor",
    "frequencies": "has no input; the device and the type are arguments, and sine_cosine and AxialRoPE give them",
    "layer_macs": COUNTS,
    "fresh": "draws starting values",
    "trained": "runs an experiment",
    "trained_filler": "runs an experiment",
    "pooling_run": "runs an experiment",
    "digit_run": "runs an experiment",
    "part_of": "chooses one of a model's encodings",
    "acts_on": "answers with words",
    "spread": "writes numbers as text",
    "digit_model": "builds one of eight models, each of them a case of GridViT",
    "photo_crops": "cuts photographs that it reads itself",
    "depends_on": "answers with a word, which depends on the numbers",
}
