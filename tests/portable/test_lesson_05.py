"""What Lesson 5's definitions refuse, in a sentence that says what would fit, and what they answer at the edges."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

import pytest
import torch
from torch import Tensor

from tests.portable.check import random
from tools.lesson.definitions import load_definitions


@pytest.fixture(scope="module")
def lesson() -> ModuleType:
    return load_definitions("05_swin")


def masked(*shape: int) -> Callable[[ModuleType], Tensor]:
    """Six windows of 16 tokens, 16 heads, under a mask of this shape, which may fit other axes by chance."""
    mask = torch.ones(*shape, dtype=torch.bool)
    return lambda lesson: lesson.WindowAttention(16, 16, 4)(random(2, 6, 16, 16), mask)


def in_windows_of(places: int, kind: str) -> Callable[[ModuleType], Tensor]:
    return lambda lesson: getattr(lesson, kind)(8, 2, 4)(random(2, 6, places, 8))


REFUSED: dict[str, tuple[Callable[[ModuleType], object], str]] = {
    "partition": (lambda lesson: lesson.partition(random(1, 8, 9, 4), 4), "8 or 12 would fit"),
    "partition, no window": (lambda lesson: lesson.partition(random(1, 8, 8, 4), 0), "1 or more would fit"),
    "unpartition": (lambda lesson: lesson.unpartition(random(1, 4, 16, 4), 9, 8), "8 or 12 would fit"),
    "heads": (lambda lesson: lesson.WindowAttention(10, 4, 4), "8 or 12 would fit"),
    "mask without windows": (masked(16, 16), r"\(6, 16, 16\) would"),
    "mask of one window": (masked(1, 16, 16), r"\(6, 16, 16\) would"),
    "mask with heads": (masked(6, 16, 16, 16), r"\(6, 16, 16\) would"),
    "smaller windows": (in_windows_of(9, "WindowAttention"), "16 would"),
    "one token": (in_windows_of(1, "WindowAttention"), "16 would"),
    "V2, larger windows": (in_windows_of(25, "CosineWindowAttention"), "16 would"),
    "V2, no square": (in_windows_of(12, "CosineWindowAttention"), "a smaller square"),
    "CSWin, width and heads": (lambda lesson: lesson.CSWinAttention(6, 4, 2), "4 or 8 would fit"),
    "CSWin, odd heads": (lambda lesson: lesson.CSWinAttention(9, 3, 2), "2 or 4 would fit"),
    "CSWin, stripes": (lambda lesson: lesson.CSWinAttention(8, 4, 3)(random(1, 4, 6, 8)), "3 or 6 would fit"),
    "stripes, width and heads": (lambda lesson: lesson.StripeAttention(6, 4), "4 or 8 would fit"),
    "Focal, windows": (lambda lesson: lesson.FocalAttention(8, 2, 3, 1)(random(1, 6, 8, 8)), "6 or 9 would fit"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_does_not_fit_is_refused(lesson: ModuleType, name: str) -> None:
    call, would_fit = REFUSED[name]
    with pytest.raises(ValueError, match=would_fit):
        call(lesson)


def test_a_token_alone_in_its_window_gives_its_own_value(lesson: ModuleType) -> None:
    """Offsets of a window of one have no range to be divided by."""
    layer, x = lesson.jitter(lesson.CosineWindowAttention(8, 2, 1)), random(2, 6, 1, 8)
    torch.testing.assert_close(layer(x), layer.out(layer.qkv(x)[..., 16:] + layer.v_bias))


def test_kinds_that_do_not_occur_count_nowhere(lesson: ModuleType) -> None:
    """Half of the background said to be of the first kind; the other two are neither said nor true."""
    said = torch.zeros(1, 4, 8, 8)
    said[:, 0, :4] = said[:, 1, 4:] = 1
    found = lesson.mean_iou(lambda images: said, said, torch.zeros(1, 8, 8, dtype=torch.long))
    assert found == pytest.approx((32 / 64 + 0 / 32) / 2)


def test_a_fresh_scale_is_kept(lesson: ModuleType) -> None:
    """Starting weights are drawn for what is known; Swin V2's scale starts at 10."""
    scale = lesson.initialise(lesson.SwinV2Block(8, 2, 4, 0)).attn.log_scale.exp()
    torch.testing.assert_close(scale, torch.full((2, 1, 1), 10.0))


def test_the_index_moves_with_the_layer(lesson: ModuleType) -> None:
    """Made once, not at each forward, and no part of what is saved."""
    for layer in (lesson.WindowBias(2, 4), lesson.OffsetBias(2, 4)):
        assert layer.index.device == torch.device("cpu")
        assert layer.to("meta").index.device == torch.device("meta")
        assert not {"index", "offsets"} & layer.state_dict().keys()
