"""Lesson 5's windows, blocks and pyramids as a reader would carry them away."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn

from tests.portable.check import Case, random

DIM, HEADS, WINDOW = 8, 2, 4
NUMBER = "it gives a Python number, for which it looks at the values"


def maps(height: int, width: int) -> Callable[[], tuple[Tensor]]:
    """Tokens of three pictures, (B, H, W, D)."""
    return lambda: (random(3, height, width, DIM),)


def windows(window: int = WINDOW) -> Callable[[], tuple[Tensor]]:
    """Tokens of three pictures in six windows each, (B, windows, M², D)."""
    return lambda: (random(3, 6, window**2, DIM),)


def masked_windows() -> tuple[Tensor, Tensor]:
    """The same, and a mask for each window in which all may see themselves."""
    places = WINDOW**2
    return *windows()(), (random(6, places, places, seed=3) > 0) | torch.eye(places, dtype=torch.bool)


def pictures(height: int, width: int) -> Callable[[], tuple[Tensor]]:
    return lambda: (random(3, 3, height, width),)


def config(lesson: ModuleType) -> Any:
    """Two stages; at 34 × 43 pixels neither patches nor windows fit."""
    return lesson.SwinConfig(DIM, (2, 2), (2, 4), window=WINDOW, patch_size=2, classes=5)


def large_queries_and_keys() -> tuple[Tensor, Tensor]:
    """Products of 160,000, which float16 doesn't hold; scores of 20,000, which it does."""
    return 50 * torch.ones(3, 6, HEADS, WINDOW**2, 64), 50 * torch.ones(3, 6, HEADS, WINDOW**2, 64)


def scores(lesson: ModuleType) -> Callable[[Tensor, Tensor], Tensor]:
    return lesson.WindowAttention(DIM, HEADS, WINDOW).similarity


class PieceByPiece(nn.Module):
    """attend_irregular with a layer of its own."""

    def __init__(self, lesson: ModuleType, shift: int) -> None:
        super().__init__()
        self.attend, self.shift = lesson.attend_irregular, shift
        self.layer = lesson.WindowAttention(DIM, HEADS, WINDOW)

    def forward(self, x: Tensor) -> Tensor:
        return self.attend(x, self.layer, self.shift)


class OnePiece(nn.Module):
    """attend_piece with a layer of its own, on a window that is cut."""

    def __init__(self, lesson: ModuleType) -> None:
        super().__init__()
        self.attend, self.layer = lesson.attend_piece, lesson.WindowAttention(DIM, HEADS, WINDOW)

    def forward(self, x: Tensor) -> Tensor:
        return self.attend(x, self.layer)


class SlowSwin(nn.Module):
    """slow_features of a Swin of its own; its last map."""

    def __init__(self, lesson: ModuleType) -> None:
        super().__init__()
        self.features, self.model = lesson.slow_features, lesson.Swin(config(lesson))

    def forward(self, images: Tensor) -> Tensor:
        return self.features(self.model, images)[-1]


class Biased(nn.Module):
    """Tokens with a bias added, which reads no tokens, only its own parameters."""

    def __init__(self, bias: nn.Module, places: int) -> None:
        super().__init__()
        self.bias, self.places = bias, places

    def forward(self, x: Tensor) -> Tensor:
        return x + self.bias(self.places).sum()


def on_its_device(function: str) -> Callable[[ModuleType], Callable[[Tensor], Tensor]]:
    """Labels or mask for a tensor that stands elsewhere."""
    return lambda lesson: lambda x: getattr(lesson, function)(8, 12, WINDOW, 2, x.device)


def said(lesson: ModuleType) -> Callable[[Tensor, Tensor], float]:
    """mean_iou of a model that says what it is given."""
    return lambda logits, labels: lesson.mean_iou(lambda images: images, logits, labels)


def logits_and_labels() -> tuple[Tensor, Tensor]:
    return random(3, 4, 8, 8), torch.arange(192).reshape(3, 8, 8) % 4


def one_kind() -> tuple[Tensor, Tensor]:
    """Only background, said and true: three kinds are neither."""
    logits = torch.zeros(1, 4, 8, 8)
    logits[:, 0] = 1
    return logits, torch.zeros(1, 8, 8, dtype=torch.long)


IOU = {"meta": NUMBER, "pretend_cuda": NUMBER, "exported": NUMBER, "compiled": NUMBER}

CASES = {
    "partition": Case(lambda lesson: lambda x: lesson.partition(x, 3), maps(6, 9)),
    "unpartition": Case(lambda lesson: lambda x: lesson.unpartition(x, 8, 12), windows()),
    "WindowAttention": Case(lambda lesson: lesson.WindowAttention(DIM, HEADS, WINDOW), windows()),
    "WindowAttention/masked": Case(
        lambda lesson: lesson.WindowAttention(DIM, HEADS, WINDOW), masked_windows, batched=(0,)
    ),
    "WindowAttention/large": Case(scores, large_queries_and_keys),
    "region_labels": Case(on_its_device("region_labels"), maps(8, 12), batched=()),
    "shift_mask": Case(on_its_device("shift_mask"), maps(8, 12), batched=()),
    "attend_piece": Case(lambda lesson: OnePiece(lesson), maps(3, 4)),
    "attend_irregular": Case(lambda lesson: PieceByPiece(lesson, 2), maps(8, 12)),
    "attend_irregular/not shifted": Case(lambda lesson: PieceByPiece(lesson, 0), maps(8, 12)),
    "SwinBlock": Case(lambda lesson: lesson.SwinBlock(DIM, HEADS, WINDOW, 0), maps(8, 12)),
    "SwinBlock/padded and shifted": Case(lambda lesson: lesson.SwinBlock(DIM, HEADS, WINDOW, 2), maps(9, 10)),
    "SwinBlock/one window": Case(lambda lesson: lesson.SwinBlock(DIM, HEADS, WINDOW, 2), maps(3, 4)),
    "gather_squares": Case(lambda lesson: lesson.gather_squares, maps(5, 8)),
    "PatchMerging": Case(lambda lesson: lesson.PatchMerging(DIM), maps(5, 8)),
    "Stem": Case(lambda lesson: lesson.Stem(config(lesson)), pictures(17, 20)),
    "Swin": Case(lambda lesson: lesson.Swin(config(lesson)), pictures(34, 43)),
    "slow_features": Case(lambda lesson: SlowSwin(lesson), pictures(32, 48)),
    "CosineWindowAttention": Case(lambda lesson: lesson.CosineWindowAttention(DIM, HEADS, WINDOW), windows()),
    "CosineWindowAttention/masked": Case(
        lambda lesson: lesson.CosineWindowAttention(DIM, HEADS, WINDOW), masked_windows, batched=(0,)
    ),
    "CosineWindowAttention/no length": Case(
        lambda lesson: lesson.CosineWindowAttention(DIM, HEADS, WINDOW), lambda: (torch.zeros(3, 6, WINDOW**2, DIM),)
    ),
    "CosineWindowAttention/one token": Case(lambda lesson: lesson.CosineWindowAttention(DIM, HEADS, 1), windows(1)),
    "CosineWindowAttention/smaller window": Case(
        lambda lesson: lesson.CosineWindowAttention(DIM, HEADS, WINDOW, trained_window=2), windows(3)
    ),
    "WindowBias": Case(lambda lesson: Biased(lesson.WindowBias(HEADS, WINDOW), WINDOW**2), windows()),
    "OffsetBias": Case(lambda lesson: Biased(lesson.OffsetBias(HEADS, WINDOW, trained_window=2), 9), windows()),
    "SwinV2Block": Case(lambda lesson: lesson.SwinV2Block(DIM, HEADS, WINDOW, 0), maps(8, 12)),
    "PostNormBlock": Case(lambda lesson: lesson.PostNormBlock(DIM, HEADS, WINDOW, 2), maps(8, 12)),
    "SwinV2Block/padded and shifted": Case(lambda lesson: lesson.SwinV2Block(DIM, HEADS, WINDOW, 2), maps(9, 10)),
    "SwinV2Block/smaller window": Case(lambda lesson: lesson.SwinV2Block(DIM, HEADS, WINDOW, 2), maps(3, 8)),
    "PatchMergingV2": Case(lambda lesson: lesson.PatchMergingV2(DIM), maps(5, 8)),
    "SwinV2": Case(lambda lesson: lesson.SwinV2(config(lesson)), pictures(34, 43)),
    "StripeAttention": Case(
        lambda lesson: lesson.StripeAttention(DIM, HEADS),
        lambda: (*(scale * random(3, 4, 6, DIM, seed=seed) for seed, scale in enumerate((60, 60, 1))), (2, 3)),
    ),
    "CSWinAttention": Case(lambda lesson: lesson.CSWinAttention(DIM, 4, 2), maps(4, 6)),
    "FocalAttention": Case(lambda lesson: lesson.FocalAttention(DIM, HEADS, 3, 1), maps(6, 9)),
    "PyramidSegmenter": Case(lambda lesson: lesson.PyramidSegmenter(config(lesson), 2, DIM), pictures(34, 43)),
    "small_swin": Case(lambda lesson: lesson.small_swin(DIM, (1, 1), 4), pictures(16, 16)),
    "PlainSegmenter": Case(lambda lesson: lesson.PlainSegmenter(DIM, 1, HEADS, grid=4), pictures(16, 16)),
    "PlainSegmenter/another grid": Case(lambda lesson: lesson.PlainSegmenter(DIM, 1, HEADS, grid=4), pictures(12, 24)),
    "mean_iou": Case(said, logits_and_labels, IOU),
    "mean_iou/one kind": Case(said, one_kind, IOU),
}

EXEMPT = {
    "require_shape": "refuses by shapes alone",
    "SwinConfig": "sizes, no tensors",
    "window_index": "numbers the offsets of a window's side; layers keep the answer as a buffer",
    "wanted_bias": "a target for the experiment, from a window's side",
    "window_macs": "plain arithmetic on integers",
    "cswin_macs": "plain arithmetic on integers",
    "swin_parameters": "plain arithmetic on integers",
    "counted_parameters": "counts on meta by itself",
    "counted_swin_macs": "counts on meta by itself",
    "counted_window_macs": "counts on meta by itself",
    "counted_contestant": "counts on meta by itself",
    "seen_by": "an instrument: it draws its own probe and asks autograd for one token's gradient",
    "reach": "an instrument: it draws its own probe and asks autograd after each block",
    "stack": "gives a list of blocks for the instrument",
    "stream_growth": "runs an experiment",
    "fitted": "runs an experiment",
    "shapes": "draws pictures from a generator of its own",
    "trained_segmenter": "runs an experiment",
}
