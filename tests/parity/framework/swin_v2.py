"""Swin V2's attention of timm and transformers, taken apart: its position bias alone, or everything else."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn


def log_offsets(window: tuple[int, int], trained: tuple[int, int]) -> Tensor:
    """Swin V2's coordinates, (1, 2H−1, 2W−1, 2), in float64; both libraries compute theirs in float32."""
    sides = (torch.arange(1 - n, n, dtype=torch.float64) for n in window)
    offsets = 8 * torch.stack(torch.meshgrid(*sides, indexing="ij"), dim=-1)[None] / (torch.tensor(trained) - 1)
    return offsets.sign() * offsets.abs().log1p() / math.log(8)


def only_the_bias(layer: nn.Module, network: str) -> nn.Module:
    """An attention layer without parameters but those of the bias network.

    Queries and keys of zero have no direction: the scores are the bias alone.
    """
    return _zeroed(layer, lambda path: not path.startswith(network))


def without_the_bias(layer: nn.Module, network: str) -> nn.Module:
    """A layer whose position bias is 16 · sigmoid(0) = 8 for every pair, which softmax takes off again."""
    return _zeroed(layer, lambda path: path.startswith(network))


def _zeroed(layer: nn.Module, where: Callable[[str], bool]) -> nn.Module:
    """The parameters of these parts are zeros, and no parameters any more."""
    for path, part in list(layer.named_modules()):
        if where(path):
            for name, parameter in list(part.named_parameters(recurse=False)):
                delattr(part, name)
                part.register_buffer(name, torch.zeros_like(parameter))
    return layer
