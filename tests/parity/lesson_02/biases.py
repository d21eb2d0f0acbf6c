"""Lesson 2's biases on the scores beside their references."""

from __future__ import annotations

from types import ModuleType
from typing import Any
from unittest import mock

import torch
from torch import Tensor, nn

from tests.parity.framework.cases import DIM, GRID, HEADS, Case, Named, renamed, tensor
from tests.parity.framework.harness import reference
from tests.parity.framework.swin_v2 import log_offsets, only_the_bias

BIAS_TABLE = ("relative_position_bias_table", "table")


def bias_names(parameters: Named) -> dict[str, Tensor]:
    """The references' tables are ((2H−1)(2W−1), h); ours has a leading 1, as every table has."""
    return {n: t[None] if n.endswith("table") else t for n, t in renamed(BIAS_TABLE)(parameters).items()}


def relative_bias(lesson: ModuleType) -> Case:
    return Case(
        lesson.RelativeBias(GRID, HEADS),
        reference("timm.layers").RelPosBias(GRID, HEADS),
        tensor(HEADS, 15, 15),
        bias_names,
        mine_forward=lambda part, x: x * part.bias(GRID),
        theirs_forward=lambda part, x: x * part.get_bias()[0],
    )


def relative_bias_of_transformers(lesson: ModuleType) -> Case:
    bias = reference("transformers.models.swin.modeling_swin").SwinRelativePositionBias
    return Case(
        lesson.RelativeBias(GRID, HEADS),
        bias(HEADS, GRID),
        tensor(HEADS, 15, 15),
        bias_names,
        mine_forward=lambda part, x: x * part.bias(GRID),
        theirs_forward=lambda part, x: x * part()[0],
    )


def stretched_relative_bias(lesson: ModuleType) -> Case:
    """A 3 × 3 window's table on a 5 × 5 window, by timm's plain bicubic stretching, read by timm's index of 5 × 5."""
    layers = reference("timm.layers.pos_embed_rel")
    index = layers.gen_relative_position_index((5, 5))

    def theirs(part: nn.Module, x: Tensor) -> Tensor:
        table = layers.resize_rel_pos_bias_table_simple(part.relative_position_bias_table, (5, 5), (81, HEADS))
        return x * table[index].permute(2, 0, 1)

    return Case(
        lesson.RelativeBias((3, 3), HEADS),
        layers.RelPosBias((3, 3), HEADS),
        tensor(HEADS, 25, 25),
        bias_names,
        mine_forward=lambda part, x: x * part.bias((5, 5)),
        theirs_forward=theirs,
    )


def scores(layer: nn.Module, n: int, dtype: torch.dtype) -> Tensor:
    """What an attention layer puts into softmax for n tokens, (h, n, n); the layer runs as it is."""
    softmax, seen = nn.functional.softmax, []

    def spy(given: Tensor, *args: Any, **options: Any) -> Tensor:
        seen.append(given)
        return softmax(given, *args, **options)

    with mock.patch.object(nn.functional, "softmax", spy):
        layer(torch.zeros(1, n, DIM, dtype=dtype))
    (only,) = seen
    return only[0]


def continuous_bias(lesson: ModuleType, library: str, window: tuple = GRID, trained: tuple = GRID) -> Case:
    """Swin V2's bias on a window, the network's coordinates scaled by those of the window it was trained on."""
    size, n = (0, 0) if trained == window else trained, window[0] * window[1]
    if library == "timm":
        network = "cpb_mlp"
        attention = reference("timm.models.swin_transformer_v2").WindowAttention
        theirs = attention(DIM, window, HEADS, pretrained_window_size=size)
    else:
        network = "continuous_position_bias_mlp"
        modelling = reference("transformers.models.swinv2.modeling_swinv2")
        theirs = modelling.Swinv2SelfAttention(modelling.Swinv2Config(), DIM, HEADS, window, size)

    def theirs_forward(layer: nn.Module, x: Tensor) -> Tensor:
        exact = log_offsets(window, trained)
        torch.testing.assert_close(layer.relative_coords_table.double(), exact, atol=1e-6, rtol=0)
        layer.relative_coords_table = exact.to(x)  # the same numbers, to the precision of the comparison
        return x * scores(layer, n, x.dtype)

    return Case(
        lesson.ContinuousBias(trained, HEADS, hidden=512),
        only_the_bias(theirs, network),
        tensor(HEADS, n, n),
        renamed((f"{network}.0", "fc1"), (f"{network}.2", "fc2")),
        lambda part, x: x * part.bias(window),
        theirs_forward,
    )
