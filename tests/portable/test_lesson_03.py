"""Lesson 3: what a definition refuses, with which sentence, and what it must not mix up."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.portable.check import random
from tools.lesson.definitions import load_definitions


@pytest.fixture(scope="module")
def lesson() -> ModuleType:
    return load_definitions("03_attention")


@pytest.fixture(params=["MultiHeadAttention", "CosineAttention"])
def layer(request: pytest.FixtureRequest, lesson: ModuleType) -> nn.Module:
    """Four heads, for four pictures of five tokens: a batch as long as there are heads."""
    return lesson.jitter(lesson.initialise(getattr(lesson, request.param)(16, 4)))


def some_masks() -> Tensor:
    """A mask for each of four pictures, (4, 5, 5); every token sees itself."""
    return (random(4, 5, 5, seed=2) > 0) | torch.eye(5, dtype=torch.bool)


@torch.no_grad()
def test_a_mask_for_each_picture_is_not_one_for_each_head(layer: nn.Module) -> None:
    tokens, masks = random(4, 5, 16), some_masks()
    alone = torch.cat([layer(picture, mask) for picture, mask in zip(tokens.split(1), masks, strict=True)])
    torch.testing.assert_close(layer(tokens, masks), alone)
    torch.testing.assert_close(layer(tokens, masks[:, None]), alone)
    by_head = layer(tokens[:1], masks[None])
    assert layer.weights.shape == (1, 4, 5, 5)
    assert torch.equal(layer.weights[0] > 0, masks)
    assert not torch.allclose(by_head, alone[:1])


@pytest.mark.parametrize(
    ("mask", "said"),
    [
        (torch.ones(4, 5, dtype=torch.bool), r"mask torch.bool \(4, 5\); torch.bool \(5, 5\) or \(4, 4, 5, 5\)"),
        (torch.ones(3, 5, 5, dtype=torch.bool), r"mask torch.bool \(3, 1, 5, 5\)"),
        (torch.ones(5, dtype=torch.bool), r"mask torch.bool \(5,\)"),
        (torch.ones(5, 5), r"mask torch.float32 \(5, 5\)"),
        (torch.zeros(5, 5, dtype=torch.bool), "a query may see no key"),
        (torch.ones(5, 5, dtype=torch.bool).tril(-1), "a query may see no key"),
    ],
    ids=["not square", "another batch", "one row", "numbers", "nothing", "first sees nothing"],
)
def test_a_mask_that_does_not_fit_is_refused(layer: nn.Module, mask: Tensor, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        layer(random(4, 5, 16), mask)


def test_two_pictures_need_a_mask_with_all_axes(lesson: ModuleType) -> None:
    q = random(4, 4, 5, 8)
    with pytest.raises(
        ValueError, match=r"mask torch.bool \(4, 5, 5\); torch.bool \(5, 5\) or \(4, 4, 5, 5\) would fit"
    ):
        lesson.attend(q, q, q, some_masks())


@pytest.mark.parametrize("heads", [0, 3])
def test_heads_that_do_not_divide_the_width_are_refused(lesson: ModuleType, heads: int) -> None:
    with pytest.raises(ValueError, match="heads"):
        lesson.MultiHeadAttention(16, heads)


@pytest.mark.parametrize(("side", "window", "n"), [(4, 3, 16), (4, 0, 16), (4, 2, 8), (4, 2, 32), (8, 2, 16)])
def test_windows_need_their_grid(lesson: ModuleType, side: int, window: int, n: int) -> None:
    """8 and 32 tokens are whole rows of windows, but of no grid of 4 × 4."""
    q = random(n, 3)
    with pytest.raises(ValueError, match="would fit"):
        lesson.window_attend(q, q, q, side, window)


def test_a_finder_tells_pictures_of_equal_area_apart(lesson: ModuleType) -> None:
    with pytest.raises(ValueError, match=r"\(2, 1, 4, 100\); \(B, 1, 20, 20\) would fit"):
        lesson.Finder()(random(2, 1, 4, 100))


@pytest.mark.parametrize(
    ("call", "arguments"),
    [
        (F.scaled_dot_product_attention, (random(1, 2, 5, 8),) * 3),
        (torch.matmul, (random(5, 8), random(8))),
        (torch.dot, (random(8), random(8))),
        (torch.cdist, (random(5, 8), random(5, 8))),
        (nn.LSTM(8, 8), (random(5, 8),)),
        (nn.Bilinear(8, 8, 2), (random(5, 8), random(5, 8))),
        (nn.TransformerEncoderLayer(8, 2, batch_first=True).eval(), (random(1, 5, 8),)),
    ],
    ids=["attention", "matrix and vector", "two vectors", "distances", "LSTM", "bilinear", "fused layer"],
)
def test_what_torch_counts_as_nothing_is_refused(
    lesson: ModuleType, call: Callable[..., object], arguments: tuple[Tensor, ...]
) -> None:
    with torch.no_grad(), pytest.raises(ValueError, match="torch counts aten.* as 0; products of matrices would fit"):
        lesson.counted(call, *arguments)


def test_what_torch_counts_is_counted(lesson: ModuleType) -> None:
    a, b = random(5, 8), random(8, 3)
    assert lesson.counted(torch.matmul, a, b) == lesson.counted(torch.einsum, "ij,jk->ik", a, b) == 5 * 8 * 3
    assert lesson.counted(nn.Conv2d(2, 4, 3, padding=1), random(1, 2, 6, 6)) == 36 * 2 * 4 * 9
    assert lesson.counted(F.normalize, a) == lesson.counted(torch.softmax, a, -1) == 0


def test_starting_weights_leave_the_learned_scale_alone(lesson: ModuleType) -> None:
    layer = lesson.initialise(lesson.CosineAttention(16, 4))
    torch.testing.assert_close(layer.log_scale.exp(), torch.full((4, 1, 1), 10.0))


def test_grad_cam_leaves_no_hook_behind(lesson: ModuleType) -> None:
    model = lesson.Finder()
    with pytest.raises(ValueError, match="would fit"):
        lesson.grad_cam(model, model.layers[0], random(1, 1, 4, 4), torch.tensor([0]))
    assert not model.layers[0]._forward_hooks


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_large_scores_overflow_nowhere(lesson: ModuleType, dtype: torch.dtype) -> None:
    """Queries and keys of size 60 in float16, in which q·k alone would pass 65,504."""
    q, k, v = (60 * random(1, 50, 64, seed=n).to(dtype) for n in range(3))
    assert not (q.float() @ k.float().mT).to(torch.float16).isfinite().all()
    for answer in (
        lesson.attend(q, k, v)[0],
        lesson.flash_attend(q[0], k[0], v[0], 16),
        lesson.top_k_attend(q[0], k[0], v[0], 4),
    ):
        assert answer.isfinite().all()
        assert answer.dtype == dtype
