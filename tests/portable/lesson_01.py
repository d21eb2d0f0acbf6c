"""How Lesson 1's definitions are called by whoever carries them away."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn

from tests.portable.check import Calls, Case, random

DIM, HEADS, HIDDEN = 24, 3, 40
SIZES = {"dim": DIM, "depth": 2, "heads": HEADS, "mlp_dim": HIDDEN, "patch_size": 4, "image_size": 16, "classes": 5}
DRAWS = dict.fromkeys(("exported", "compiled"), "draws from a generator, which neither keeps in its graph")
GRADIENT = {
    "exported": "takes a gradient inside",
    "compiled": "takes a gradient inside",
    "pretend_cuda": "takes a gradient inside, for which torch asks the device itself",
}
BUILDS = dict.fromkeys(("exported", "compiled"), "builds torch's layer at each call, to be compared once") | {
    "pretend_cuda": "torch's own layer asks for the device's driver"
}
NO_BATCH = ()
KEPT = torch.tensor([0, 0, 1])  # of three samples, the branch of the last


def asks(
    model: Callable[[ModuleType], nn.Module],
    function: Callable[[ModuleType], Callable[..., Any]],
    arguments: Callable[[], tuple],
    **cannot: str,
) -> Case:
    """A function whose first argument is a model."""
    return Case(lambda lesson: Calls(model(lesson), function(lesson)), arguments, cannot)


def draws(model: Callable[[ModuleType], nn.Module], function: str) -> Case:
    """A function that fills a model with random numbers."""

    def drawn(lesson: ModuleType) -> Callable[..., list[Tensor]]:
        return lambda model: [p.clone() for p in getattr(lesson, function)(model, 0).parameters()]

    return asks(model, drawn, tuple, **DRAWS)


def tokens(n: int = 9) -> tuple[Tensor]:
    return (random(2, n, DIM),)


def images() -> tuple[Tensor]:
    return (random(2, 3, 16, 16),)


def two_images() -> tuple[Tensor, Tensor]:
    return random(3, 16, 16), random(3, 16, 16, seed=1)


def vit(lesson: ModuleType) -> nn.Module:
    return lesson.ViT(lesson.ViTConfig(**SIZES))


def block(lesson: ModuleType) -> nn.Module:
    return lesson.Block(DIM, HEADS, HIDDEN)


CASES = {
    "patchify": Case(lambda lesson: lesson.patchify, lambda: (random(2, 3, 8, 12), 4)),
    "PatchEmbedding": Case(lambda lesson: lesson.PatchEmbedding(3, 4, DIM), images),
    "fill": Case(
        lambda lesson: lambda table: [lesson.fill(table, nn.init.normal_, lesson.rng(0)), table.clone()][1],
        lambda: (random(4, 5),),
        DRAWS,
    ),
    "initialise": draws(vit, "initialise"),
    "initialise/unknown parameters": draws(
        lambda lesson: nn.ModuleList([lesson.Attention(DIM, HEADS), nn.RMSNorm(DIM), nn.Conv2d(3, 4, 2, bias=False)]),
        "initialise",
    ),
    "jitter": draws(block, "jitter"),
    "initialise_convolutions": draws(lambda lesson: lesson.ConvBlock(DIM), "initialise_convolutions"),
    "Attention": Case(lambda lesson: lesson.Attention(DIM, HEADS), tokens),
    "MLP": Case(lambda lesson: lesson.MLP(DIM, HIDDEN), tokens),
    "gelu_exact": Case(lambda lesson: lesson.gelu_exact, tokens),
    "gelu_exact/large": Case(lambda lesson: lesson.gelu_exact, lambda: (100 * random(2, 9),)),
    "gelu_tanh": Case(lambda lesson: lesson.gelu_tanh, tokens),
    "gelu_tanh/large": Case(lambda lesson: lesson.gelu_tanh, lambda: (100 * random(2, 9),)),
    "gelu_quick": Case(lambda lesson: lesson.gelu_quick, tokens),
    "Block": Case(block, tokens),
    "PostBlock": Case(lambda lesson: lesson.PostBlock(DIM, HEADS, HIDDEN), tokens),
    "ConvBlock": Case(lambda lesson: lesson.ConvBlock(DIM), tokens),
    "torch_layer": asks(block, lambda lesson: lambda block, x: lesson.torch_layer(block)(x), tokens, **BUILDS),
    "ViT": Case(vit, images),
    "torch_vit": asks(vit, lambda lesson: lesson.torch_vit, images, **BUILDS),
    "pooled": asks(vit, lambda lesson: lesson.pooled, images),
    "interpolate_positions": Case(
        lambda lesson: lesson.interpolate_positions, lambda: (random(1, 1 + 9, DIM), 5, 4), batched=NO_BATCH
    ),
    "attention_weights": asks(
        lambda lesson: lesson.Attention(DIM, HEADS), lambda lesson: lesson.attention_weights, tokens
    ),
    "influence": asks(
        lambda lesson: nn.ModuleList([block(lesson), lesson.ConvBlock(DIM)]),
        lambda lesson: lambda blocks, x: lesson.influence(list(blocks), x, 2),
        tokens,
        **GRADIENT,
    ),
    "influence_by_depth": Case(
        lambda lesson: lesson.influence_by_depth,
        lambda: (random(1, 3, 48, 48), 4, 2),
        GRADIENT,
    ),
    "digit_cnn": Case(lambda lesson: lesson.digit_cnn(4), lambda: (random(2, 1, 8, 8),)),
    "drop_path": Case(
        lambda lesson: lesson.drop_path, lambda: (random(3, 5, DIM), 0.8, torch.tensor([1, 0, 1])), batched=(0, 2)
    ),
    "drop_path/nothing is kept": Case(
        lambda lesson: lesson.drop_path,
        lambda: (random(2, 5, 4, 4), 0, torch.zeros(2, dtype=torch.float64)),
        batched=(0, 2),
    ),
    "mixup": Case(lambda lesson: lesson.mixup, lambda: (*two_images(), 0.7), batched=NO_BATCH),
    "cutmix": Case(lambda lesson: lesson.cutmix, lambda: (*two_images(), -2, 12, 6), batched=NO_BATCH),
    "erase": Case(lambda lesson: lesson.erase, lambda: (two_images()[0], -2, 12, 6, 7), DRAWS, NO_BATCH),
}
INTEGERS = "plain arithmetic on sizes"
EXPERIMENT = "runs an experiment of this lesson"
EXEMPT = {
    "require_multiple": INTEGERS,
    "ViTConfig": INTEGERS,
    "vit_config": INTEGERS,
    "parameter_formula": INTEGERS,
    "macs_formula": INTEGERS,
    "grid_side": INTEGERS,
    "clipped": INTEGERS,
    "all_masks": "a table of float64, from two numbers",
    "build_on_meta": "its model is on meta, whatever it is given",
    "counted_macs": "counts on meta",
    "count_parameters": "counts, and touches no number",
    "counted_by_component": "counts, and touches no number",
    "to_image": "reads a photograph, bytes of numpy",
    "show_image": "draws",
    "print_table": "prints",
    "progress": "prints",
    "digits": "loads a data set",
    "train": EXPERIMENT,
    "accuracy": EXPERIMENT,
    "three_runs": EXPERIMENT,
    "percent": EXPERIMENT,
    "last_gradient": EXPERIMENT,
}
