"""Lesson 5's Swin V2 beside timm and transformers."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from types import ModuleType

import torch
from torch import Tensor, nn

from tests.parity.framework.cases import DIM, HEADS, Case, tensor
from tests.parity.framework.harness import reference
from tests.parity.framework.swin_v2 import log_offsets
from tests.parity.lesson_05.models import sizes, timm_swin, transformers_swin
from tests.parity.lesson_05.names import LAYERS, TIMM, TRANSFORMERS, book
from tests.parity.lesson_05.windows import Size, additive, of_rows, some_windows_mask


def exactly(layer: nn.Module, x: Tensor, trained: int | None = None, call: Callable | None = None) -> Tensor:
    """A module of a library whose coordinates, computed there in float32, are given in the precision of x."""
    for part in layer.modules():
        if hasattr(part, "relative_coords_table"):
            window = tuple(part.window_size)
            part.relative_coords_table = log_offsets(window, (trained, trained) if trained else window).to(x)
    return layer(x) if call is None else call(layer, x)


def cosine_attention(
    lesson: ModuleType,
    library: str,
    window: int = 4,
    trained: int | None = None,
    masked: bool = False,
    run_away: bool = False,
) -> Case:
    """`run_away`: the first head's scale is learned to be 165, the second's just below 100."""
    mask = some_windows_mask(6, window**2) if masked else None
    if library == "timm":
        build = reference("timm.models.swin_transformer_v2").WindowAttention
        theirs = build(DIM, (window, window), HEADS, pretrained_window_size=(trained or 0, trained or 0))
    else:
        modelling = reference("transformers.models.swinv2.modeling_swinv2")
        theirs = modelling.Swinv2Attention(modelling.Swinv2Config(), DIM, HEADS, window, trained or 0)

    def scaled(layer: nn.Module, x: Tensor) -> None:
        if run_away:  # the layer is the harness's own copy
            (scale,) = (p for name, p in layer.named_parameters() if name.endswith("_scale"))
            scale.data[:2] = math.log(100) + torch.tensor([0.5, -0.01]).to(x)[:, None, None]

    def called(layer: nn.Module, x: Tensor) -> Tensor:
        answer = layer(x.flatten(0, 1), None if mask is None else additive(mask, x))
        return (answer if isinstance(answer, Tensor) else answer[0]).unflatten(0, (2, 6))

    def theirs_forward(layer: nn.Module, x: Tensor) -> Tensor:
        scaled(layer, x)
        return exactly(layer, x, trained, called)

    def mine_forward(layer: nn.Module, x: Tensor) -> Tensor:
        scaled(layer, x)
        return layer(x, mask)

    mine = lesson.CosineWindowAttention(DIM, HEADS, window, trained)
    rules = LAYERS[library]
    return Case(mine, theirs, tensor(2, 6, window**2, DIM), book(*rules), mine_forward, theirs_forward)


def swin_v2_block(lesson: ModuleType, library: str, size: Size, window: int, shift: int) -> Case:
    if library == "timm":
        build = reference("timm.models.swin_transformer_v2").SwinTransformerV2Block
        theirs, rules = build(DIM, size, HEADS, window_size=window, shift_size=shift), TIMM
        call = nn.Module.__call__
    else:
        modelling = reference("transformers.models.swinv2.modeling_swinv2")
        config = modelling.Swinv2Config(window_size=window)
        theirs, rules = modelling.Swinv2Layer(config, DIM, size, HEADS, shift_size=shift), TRANSFORMERS
        call = of_rows
    mine = lesson.SwinV2Block(DIM, HEADS, window, shift)
    theirs_forward = partial(exactly, call=call)
    return Case(mine, theirs, tensor(2, *size, DIM), book(*rules), theirs_forward=theirs_forward)


def swin_v2(lesson: ModuleType, library: str, size: Size, window: int) -> Case:
    if library == "timm":
        theirs, rules = timm_swin("swin_transformer_v2", "SwinTransformerV2", size, window), TIMM
    else:
        theirs, rules = transformers_swin("swinv2", "Swinv2", size, window), TRANSFORMERS

    def call(model: nn.Module, x: Tensor) -> Tensor:
        answer = model(x)
        return answer if isinstance(answer, Tensor) else answer.logits

    mine = lesson.SwinV2(sizes(lesson, window))
    theirs_forward = partial(exactly, call=call)
    return Case(mine, theirs, tensor(2, 3, *size), book(*rules), theirs_forward=theirs_forward)
