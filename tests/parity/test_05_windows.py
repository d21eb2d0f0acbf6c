"""Lesson 5's masks, indices and coordinates are those of the libraries; where these differ, it sides with one."""

from __future__ import annotations

import itertools
from functools import partial
from types import ModuleType
from unittest import mock

import pytest
import torch

from tests.parity.framework.cases import DIM, HEADS, Case, lesson_and_solutions
from tests.parity.framework.harness import reference
from tests.parity.framework.swin_v2 import log_offsets
from tests.parity.lesson_05 import version_2, windows
from tests.parity.lesson_05.cases import LESSON


@pytest.fixture(scope="module")
def lesson() -> ModuleType:
    return lesson_and_solutions(LESSON)


# Whole numbers and yes or no: equal, not close.

MAPS = [(6, 9, 3, 1), (8, 12, 4, 2), (15, 10, 5, 2), (14, 21, 7, 3), (16, 16, 8, 4), (9, 6, 3, 2), (12, 8, 4, 1)]


@pytest.mark.parametrize(("height", "width", "window", "shift"), MAPS)
def test_masks_are_those_of_the_libraries(lesson: ModuleType, height: int, width: int, window: int, shift: int) -> None:
    """timm's buffer, transformers' function, and exercise 5.2 on the labels."""
    timms = windows.library_block("timm", (height, width), window, shift).theirs
    theirs = windows.library_block("transformers", (height, width), window, shift).theirs
    added = [timms.attn_mask, theirs.get_attn_mask(height, width, torch.float32, torch.device("cpu"))]
    labels = lesson.region_labels(height, width, window, shift)
    for values in added:
        assert set(values.unique().tolist()) == {-100, 0}
        assert torch.equal(lesson.shift_mask(height, width, window, shift), values == 0)
        assert torch.equal(lesson.additive_mask(labels, window), values)
    another = lesson.shift_mask(height, width, window, shift % (window - 1) + 1)
    assert not torch.equal(another, added[0] == 0), "the comparison can tell one shift from another"


@pytest.mark.parametrize(("height", "width", "window", "shift"), MAPS)
def test_labels_are_those_of_timm(lesson: ModuleType, height: int, width: int, window: int, shift: int) -> None:
    """timm keeps the mask and forgets the labels: they are caught as it cuts them."""
    timms = windows.library_block("timm", (height, width), window, shift).theirs
    module = reference("timm.models.swin_transformer")
    with mock.patch.object(module, "window_partition", side_effect=module.window_partition) as cut:
        timms.get_attn_mask()
    labels = cut.call_args[0][0][0, ..., 0]
    assert torch.equal(lesson.region_labels(height, width, window, shift), labels.long())
    assert labels.unique().tolist() == [*range(9)]


@pytest.mark.parametrize("window", [1, 2, 3, 7, 8, 12])
def test_indices_are_those_of_the_libraries(lesson: ModuleType, window: int) -> None:
    timms = reference("timm.models.swin_transformer").WindowAttention(DIM, HEADS, window_size=window)
    swin = reference("transformers.models.swin.modeling_swin").SwinRelativePositionBias(HEADS, (window, window))
    mine = lesson.window_index(window)
    assert torch.equal(mine, timms.relative_position_index)
    assert torch.equal(mine.flatten(), swin.relative_position_index)
    assert window == 1 or not torch.equal(mine.T, timms.relative_position_index)


@pytest.mark.parametrize(("height", "width"), [(2, 5), (5, 2), (1, 4), (3, 3), (7, 2)])
def test_oblong_indices_are_those_of_timm(lesson: ModuleType, height: int, width: int) -> None:
    """Exercise 5.3."""
    theirs = reference("timm.models.swin_transformer").get_relative_position_index
    assert torch.equal(lesson.oblong_index(height, width), theirs(height, width))
    if 1 < height != width > 1:
        assert not torch.equal(lesson.oblong_index(height, width), theirs(width, height))


@pytest.mark.parametrize(("height", "width"), [(5, 6), (4, 4), (1, 7), (8, 3)])
def test_a_drift_is_found(lesson: ModuleType, height: int, width: int) -> None:
    """Exercise 5.5: every roll there is, named by its nearest way; two opposite ways are as near as each other."""
    for down, right in itertools.product(range(height), range(width)):
        nearest = tuple(
            min((way - side, way), key=lambda w, side=side: (2 * abs(w) + (2 * w == side), w))
            for way, side in ((down, height), (right, width))
        )
        assert lesson.drift(partial(torch.roll, shifts=(down, right), dims=(1, 2)), height, width) == nearest


@pytest.mark.parametrize(("window", "trained"), [(3, None), (8, None), (16, 8), (12, 6)])
def test_coordinates_are_those_of_the_libraries(lesson: ModuleType, window: int, trained: int | None) -> None:
    """The cases above give both libraries the coordinates in float64; here they are as both compute them."""
    wanted = log_offsets((window, window), (trained or window,) * 2)
    for library in ("timm", "transformers"):
        layer = version_2.cosine_attention(lesson, library, window, trained).theirs
        (own,) = (buffer for name, buffer in layer.named_buffers() if name.endswith("coords_table"))
        torch.testing.assert_close(own.double(), wanted, atol=1e-6, rtol=0)
    mine = lesson.CosineWindowAttention(DIM, HEADS, window, trained)
    with mock.patch.object(mine.bias.fc1, "forward", side_effect=mine.bias.fc1.forward) as network:
        mine.bias()
    torch.testing.assert_close(network.call_args[0][0].double(), wanted.flatten(0, 2), atol=1e-6, rtol=0)


def test_the_scale_starts_as_in_swin_v2(lesson: ModuleType) -> None:
    """Equal parameters after copying say nothing of how they start."""
    mine = lesson.CosineWindowAttention(DIM, HEADS, 4).log_scale
    for library in ("timm", "transformers"):
        layer = version_2.cosine_attention(lesson, library).theirs
        (theirs,) = (p for name, p in layer.named_parameters() if name.endswith("logit_scale"))
        torch.testing.assert_close(mine, theirs)


# Where the libraries differ from one another, the lesson sides with one.


def largest_gap(case: Case) -> float:
    """How far the lesson is from a library in float64, all parameters drawn afresh."""
    case.copied()
    mine, theirs, x = case.mine.double(), case.theirs.double(), case.inputs.double()
    with torch.no_grad():
        return (case.mine_forward(mine, x) - case.theirs_forward(theirs, x)).abs().max().item()


def test_one_window_high_shifts_along_the_width_in_two_libraries(lesson: ModuleType) -> None:
    """As in the authors' code, one window that spans either side stops both shifts; timm and torchvision stop one."""
    gaps = {
        library: largest_gap(windows.swin_block(lesson, library, size=(3, 9), window=3, shift=1))
        for library in ("transformers", "timm", "torchvision")
    }
    assert gaps["transformers"] < 1e-10 < 1e-3 < min(gaps["timm"], gaps["torchvision"]), gaps


def test_timm_rolls_before_it_pads(lesson: ModuleType) -> None:
    """A map that windows do not fit, shifted: the lesson, transformers and torchvision pad first."""
    gaps = {
        library: largest_gap(windows.swin_block(lesson, library, size=(7, 11), window=4, shift=2))
        for library in ("transformers", "torchvision", "timm")
    }
    assert max(gaps["transformers"], gaps["torchvision"]) < 1e-10 < 1e-3 < gaps["timm"], gaps


def test_minus_100_leaks_at_the_largest_scale_of_swin_v2(lesson: ModuleType) -> None:
    """Cosines of 1 and -1 times 100 lie 200 apart, which can outweigh timm's -100, not the lesson's infinity."""
    case = version_2.cosine_attention(lesson, "timm", masked=True, run_away=True)
    tame = version_2.cosine_attention(lesson, "timm", masked=True)
    assert largest_gap(tame) < 1e-10 < 1e-6 < largest_gap(case)
