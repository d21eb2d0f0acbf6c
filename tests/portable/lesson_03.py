"""Lesson 3's attention, masks and instruments as a reader would carry them away."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

import torch
from torch import Tensor, nn

from tests.portable.check import Case, random

AUTOGRAD = "it calls autograd itself, which torch neither exports nor compiles"
DRIVER = "going backwards on a device asks for its driver"
GRADIENTS = {"exported": AUTOGRAD, "compiled": AUTOGRAD, "pretend_cuda": DRIVER}
# scipy solves what is left of the tensors.
SCIPY = "scipy's maximum flow reads the numbers"
FLOW = {"meta": SCIPY, "pretend_cuda": SCIPY, "exported": SCIPY, "compiled": SCIPY}
WHOLE = "whole numbers give float64"
KEPT = "it reads the weights of the last forward pass, which a compiled layer does not keep"
WATCHES = {"exported": KEPT, "compiled": KEPT}
SIDE, DIM = 4, 8


def qkv(*shape: int, large: float = 1.0) -> tuple[Tensor, ...]:
    """Queries, keys and values of one shape."""
    return large * random(*shape, seed=1), large * random(*shape, seed=2), random(*shape, seed=3)


def causal(*shape: int) -> Tensor:
    """Who may see whom; row i, column j."""
    return torch.ones(*shape, dtype=torch.bool).tril()


def maps(*shape: int) -> Tensor:
    """Attention: rows that sum to 1."""
    return random(*shape).softmax(dim=-1)


def places() -> Tensor:
    """Rows and columns of a grid, whole numbers."""
    return torch.cartesian_prod(torch.arange(SIDE), torch.arange(SIDE))


def tokens() -> tuple[Tensor]:
    return (random(3, 9, DIM),)


def pictures() -> tuple[Tensor]:
    return (random(3, 1, 20, 20),)


def explained() -> tuple[Tensor, Tensor]:
    """Pictures and their classes."""
    return *pictures(), torch.tensor([0, 3, 1])


def normed_attention(lesson: ModuleType) -> nn.Module:
    return lesson.MultiHeadAttention(DIM, 2, head_norm=lesson.layer_norm)


class Explained(nn.Module):
    """A Finder and a function that explains it: pictures and labels to maps."""

    def __init__(self, lesson: ModuleType, explain: Callable[[nn.Module, Tensor, Tensor], Tensor]) -> None:
        super().__init__()
        self.finder, self.explain = lesson.Finder(), explain

    def forward(self, images: Tensor, classes: Tensor) -> Tensor:
        return self.explain(self.finder, images, classes)


def grad_cam(lesson: ModuleType) -> nn.Module:
    return Explained(lesson, lambda model, *given: lesson.grad_cam(model, model.layers[0], *given))


def token_gradient(lesson: ModuleType) -> nn.Module:
    return Explained(lesson, lambda model, *given: lesson.token_gradient(model, model.layers[0], *given)[1])


def relevance(lesson: ModuleType) -> nn.Module:
    return Explained(lesson, lesson.relevance)


def erasing(lesson: ModuleType) -> nn.Module:
    return Explained(lesson, lesson.erasing)


def head_looks(lesson: ModuleType) -> nn.Module:
    return Explained(lesson, lesson.head_looks)


CASES = {
    "require_fit": Case(lambda lesson: lesson.require_fit, lambda: qkv(3, 2, 5, DIM)),
    "require_mask": Case(lambda lesson: lesson.require_mask, lambda: (causal(5, 5), random(3, 2, 5, 5)), batched=(1,)),
    "attend": Case(lambda lesson: lesson.attend, lambda: qkv(3, 2, 5, DIM)),
    "attend/mask": Case(lambda lesson: lesson.attend, lambda: (*qkv(3, 2, 5, DIM), causal(3, 1, 5, 5))),
    "attend/large": Case(lambda lesson: lesson.attend, lambda: (*qkv(3, 2, 50, 64, large=60), None, 1 / 28800)),
    "MultiHeadAttention": Case(lambda lesson: lesson.MultiHeadAttention(DIM, 2), tokens),
    "MultiHeadAttention/mask": Case(
        lambda lesson: lesson.MultiHeadAttention(DIM, 2), lambda: (*tokens(), causal(3, 9, 9))
    ),
    "MultiHeadAttention/head_norm": Case(normed_attention, tokens),
    "CosineAttention": Case(lambda lesson: lesson.CosineAttention(DIM, 2), tokens),
    "CosineAttention/mask": Case(lambda lesson: lesson.CosineAttention(DIM, 2), lambda: (*tokens(), causal(9, 9))),
    "L2Norm": Case(lambda lesson: lesson.L2Norm(DIM), tokens),
    "L2Norm/nothing": Case(lambda lesson: lesson.L2Norm(DIM), lambda: (torch.zeros(3, DIM),)),
    "layer_norm": Case(lambda lesson: lesson.layer_norm(DIM), tokens),
    "Layer": Case(lambda lesson: lesson.Layer(DIM, 2), tokens),
    "Finder": Case(lambda lesson: lesson.Finder(), pictures),
    "pixel_scores": Case(lambda lesson: lesson.pixel_scores, lambda: (random(1, 3, 8, 8), 2, 5), batched=()),
    "entropy": Case(lambda lesson: lesson.entropy, lambda: (maps(3, 9, 9),)),
    "sight": Case(lambda lesson: lambda x: lesson.sight(torch.tanh, x), lambda: (random(1, 4, DIM),), GRADIENTS),
    "noticed": Case(
        lambda lesson: lambda x: lesson.noticed(torch.tanh, x, torch.ones_like(x[0, 0])),
        lambda: (random(1, 4, DIM),),
        batched=(),
    ),
    "plain_scores": Case(lambda lesson: lesson.plain_scores, lambda: qkv(9, DIM)[:2]),
    "normed_scores": Case(lambda lesson: lesson.normed_scores, lambda: qkv(9, DIM)[:2]),
    "clipped_scores": Case(lambda lesson: lesson.clipped_scores, lambda: qkv(9, DIM, large=20)[:2]),
    "looking_at": Case(lambda lesson: lesson.looking_at, lambda: (places().float(), torch.tensor([1, 0]))),
    "looking_at/integers": Case(
        lambda lesson: lesson.looking_at,
        lambda: (places(), torch.tensor([1, 0]), 0.3),
        {"float16": WHOLE, "bfloat16": WHOLE},
    ),
    "window_attend": Case(lambda lesson: lesson.window_attend, lambda: (*qkv(SIDE**2, DIM), SIDE, 2), batched=()),
    "top_k_attend": Case(lambda lesson: lesson.top_k_attend, lambda: (*qkv(9, DIM), 2)),
    "top_k_attend/large": Case(lambda lesson: lesson.top_k_attend, lambda: (*qkv(9, 64, large=60), 2)),
    "phi": Case(lambda lesson: lesson.phi, tokens),
    "linear_attend": Case(
        lambda lesson: lesson.linear_attend, lambda: (*(t.abs() for t in qkv(9, DIM, large=60)[:2]), random(9, DIM))
    ),
    "flash_attend": Case(lambda lesson: lesson.flash_attend, lambda: (*qkv(9, DIM), 4), batched=()),
    "flash_attend/large": Case(lambda lesson: lesson.flash_attend, lambda: (*qkv(50, 64, large=60), 16), batched=()),
    "attention_distance": Case(lambda lesson: lesson.attention_distance, lambda: (maps(3, 16, 16), places())),
    "rollout": Case(
        lambda lesson: lambda *blocks: lesson.rollout(blocks), lambda: (maps(3, 2, 5, 5), maps(3, 2, 5, 5))
    ),
    "attention_flow": Case(lambda lesson: lesson.attention_flow, lambda: ([maps(5, 5), maps(5, 5)],), FLOW),
    "token_gradient": Case(token_gradient, explained, GRADIENTS),
    "grad_cam": Case(grad_cam, explained, GRADIENTS),
    "relevance": Case(relevance, explained, GRADIENTS),
    "without_patch": Case(
        lambda lesson: lesson.without_patch, lambda: (*pictures(), torch.tensor([0, 24, 7])), batched=(0, 1)
    ),
    "erasing": Case(erasing, explained, batched=(0, 1)),
    "head_looks": Case(head_looks, lambda: (*pictures(), torch.tensor([0, 24, 7])), WATCHES, batched=(0, 1)),
}
EXEMPT = {
    "attention_macs": "plain arithmetic on whole numbers",
    "RefuseUncounted": "refuses operations, returns no tensor",
    "counted": "counts operations, returns no tensor",
    "Alive": "watches operations, returns no tensor",
    "one_head_errors": "an experiment of its own, in float64",
    "ring": "draws its sequences from a seed",
    "trained_ring": "trains a layer",
    "scale_statistics": "an experiment of its own, in float64",
    "under_growth": "an experiment of its own",
    "striped_images": "draws its pictures from a seed",
    "odd_images": "draws its pictures from a seed",
    "fit": "trains a model",
    "trained_finder": "trains a model",
    "trained_neighbour": "trains a model",
}
