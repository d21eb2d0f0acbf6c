"""Lesson 5's windows, blocks and mergings beside those of timm, transformers and torchvision."""

from __future__ import annotations

from dataclasses import replace
from types import ModuleType

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.parity.framework.cases import DIM, HEADS, Case, Named, biases_of_keys, function, tensor
from tests.parity.framework.harness import reference
from tests.parity.lesson_05.names import LAYERS, TIMM, TORCHVISION, TRANSFORMERS, book

Size = tuple[int, int]


def partition(lesson: ModuleType, size: Size = (6, 9), window: int = 3) -> Case:
    cut = reference("timm.models.swin_transformer").window_partition
    return function(
        lambda x: lesson.partition(x, window).flatten(0, 1),
        lambda x: cut(x, (window, window)).flatten(1, 2),
        tensor(2, *size, 5),
    )


def unpartition(lesson: ModuleType, size: Size = (6, 9), window: int = 3) -> Case:
    join = reference("timm.models.swin_transformer").window_reverse
    return function(
        lambda x: lesson.unpartition(x, *size),
        lambda x: join(x.flatten(0, 1).unflatten(1, (window, window)), (window, window), *size),
        tensor(2, size[0] * size[1] // window**2, window**2, 5),
    )


def undo_windows(lesson: ModuleType) -> Case:
    """Exercise 5.1."""
    join = reference("timm.models.swin_transformer").window_reverse
    return function(lambda x: lesson.undo_windows(x, 6, 9), lambda x: join(x, (3, 3), 6, 9), tensor(2 * 6, 3, 3, 5))


def some_windows_mask(windows: int, n: int) -> Tensor:
    mask = tensor(windows, n, n, seed=3) > 0
    return mask | torch.eye(n, dtype=torch.bool)


def additive(mask: Tensor, like: Tensor) -> Tensor:
    """What the libraries add to scores."""
    return torch.zeros(mask.shape).to(like).masked_fill(~mask, -100.0)


def window_attention(lesson: ModuleType, library: str, window: int = 3, masked: bool = False) -> Case:
    """Six windows of two pictures; a mask for each window, the same for both pictures."""
    mask = some_windows_mask(6, window**2) if masked else None
    if library == "timm":
        theirs = reference("timm.models.swin_transformer").WindowAttention(DIM, HEADS, window_size=window)
    else:
        swin = reference("transformers.models.swin.modeling_swin")
        theirs = swin.SwinAttention(swin.SwinConfig(attn_implementation="sdpa"), DIM, HEADS, window)

    def theirs_forward(layer: nn.Module, x: Tensor) -> Tensor:
        answer = layer(x.flatten(0, 1), None if mask is None else additive(mask, x))
        return (answer if isinstance(answer, Tensor) else answer[0]).unflatten(0, (2, 6))

    return Case(
        lesson.WindowAttention(DIM, HEADS, window),
        theirs,
        tensor(2, 6, window**2, DIM),
        book(*LAYERS[library]),
        lambda layer, x: layer(x, mask),
        theirs_forward,
        biases_of_keys(theirs),
    )


# Blocks.


def of_rows(block: nn.Module, x: Tensor) -> Tensor:
    """transformers keeps a map (B, H, W, D) as rows (B, H·W, D)."""
    return block(x.flatten(1, 2), x.shape[1:3])[0].unflatten(1, x.shape[1:3])


def library_block(library: str, size: Size, window: int, shift: int) -> Case:
    """A Swin block of a library, and how it is called; mine is still missing."""
    if library == "timm":
        build = reference("timm.models.swin_transformer").SwinTransformerBlock
        theirs, rules = build(DIM, size, HEADS, window_size=window, shift_size=shift), TIMM
    elif library == "torchvision":
        build = reference("torchvision.models.swin_transformer").SwinTransformerBlock
        theirs, rules = build(DIM, HEADS, [window] * 2, [shift] * 2), TORCHVISION
    else:
        swin = reference("transformers.models.swin.modeling_swin")
        config = swin.SwinConfig(window_size=window, attn_implementation="sdpa")
        theirs, rules = swin.SwinLayer(config, DIM, size, HEADS, shift_size=shift), TRANSFORMERS
    forwards = {"theirs_forward": of_rows} if library == "transformers" else {}
    return Case(nn.Identity(), theirs, tensor(2, *size, DIM), book(*rules), silent=biases_of_keys(theirs), **forwards)


def with_mine(case: Case, mine: nn.Module, **changes: object) -> Case:
    return replace(case, mine=mine, **changes)


def swin_block(lesson: ModuleType, library: str, size: Size, window: int, shift: int) -> Case:
    return with_mine(library_block(library, size, window, shift), lesson.SwinBlock(DIM, HEADS, window, shift))


class OnlyTheAttention(nn.Module):
    """What timm's block does to a map between its norm and its sum."""

    def __init__(self, block: nn.Module):
        super().__init__()
        self.block = block
        del block.norm1, block.norm2, block.mlp

    def forward(self, x: Tensor) -> Tensor:
        return self.block._attn(x)


def irregular(lesson: ModuleType, size: Size = (9, 6), window: int = 3, shift: int = 1) -> Case:
    """Pieces of all sizes one by one, beside timm's roll and mask."""
    case = library_block("timm", size, window, shift)

    def mine(layer: nn.Module, x: Tensor) -> Tensor:
        return lesson.attend_irregular(x, layer, shift)

    def names(parameters: Named) -> dict[str, Tensor]:
        return book((r"^block\.attn\.", ""), *LAYERS["timm"])(parameters)

    layer = lesson.WindowAttention(DIM, HEADS, window)
    return with_mine(case, layer, theirs=OnlyTheAttention(case.theirs), names=names, mine_forward=mine)


# Merging.


def merging_of_rows(merging: nn.Module, x: Tensor) -> Tensor:
    height, width = x.shape[1:3]
    return merging(x.flatten(1, 2), (height, width)).unflatten(1, ((height + 1) // 2, (width + 1) // 2))


def patch_merging(lesson: ModuleType, library: str, size: Size, version: int = 1) -> Case:
    if library == "timm":
        theirs = reference(f"timm.models.swin_transformer{'_v2' if version == 2 else ''}").PatchMerging(DIM)
    elif library == "torchvision":
        module = reference("torchvision.models.swin_transformer")
        theirs = (module.PatchMergingV2 if version == 2 else module.PatchMerging)(DIM)
    elif version == 1:
        theirs = reference("transformers.models.swin.modeling_swin").SwinPatchMerging(DIM)
    else:
        theirs = reference("transformers.models.swinv2.modeling_swinv2").Swinv2PatchMerging(size, DIM)
    forwards = {"theirs_forward": merging_of_rows} if library == "transformers" else {}
    mine = (lesson.PatchMergingV2 if version == 2 else lesson.PatchMerging)(DIM)
    return Case(mine, theirs, tensor(2, *size, DIM), **forwards)


def split_squares(lesson: ModuleType) -> Case:
    """Exercise 5.4 beside torch's own shuffle, which takes (D)(p)(q) for (q)(p)(D)."""

    def theirs(x: Tensor) -> Tensor:
        shuffled = x.unflatten(-1, (2, 2, 3)).permute(0, 5, 4, 3, 1, 2).flatten(1, 3)
        return F.pixel_shuffle(shuffled, 2).permute(0, 2, 3, 1)

    return function(lambda x: lesson.split_squares(x), theirs, tensor(2, 3, 5, 12))
