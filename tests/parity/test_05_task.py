"""Lesson 5's task: pictures of shapes, drawn pixel by pixel, and the score of scikit-learn."""

from __future__ import annotations

import itertools
import math
from types import ModuleType

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from tests.parity.framework.cases import lesson_and_solutions
from tests.parity.framework.harness import generator, reference
from tests.parity.lesson_05.cases import LESSON


@pytest.fixture(scope="module")
def lesson() -> ModuleType:
    return lesson_and_solutions(LESSON)


def shapes_by_pixel(number: int, size: int, seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """The same draws; colours (number, 3, size, size) and kinds pixel by pixel, and the noise."""
    draws = generator(seed)
    noise = 0.3 * torch.randn(number, 3, size, size, generator=draws)
    colours, kinds = torch.zeros_like(noise), torch.zeros(number, size, size, dtype=torch.long)
    for _ in range(2 * (size // 32) ** 2):
        kind = torch.randint(3, (number,), generator=draws).tolist()
        radius, row, column = torch.rand(3, number, generator=draws).tolist()
        signs = torch.randint(2, (number, 3, 1, 1), generator=draws)
        for i, y, x in itertools.product(range(number), range(size), range(size)):
            far = 5 + 3 * radius[i]
            down = abs(y + 0.5 - size * (0.1 + 0.8 * row[i])) / far
            right = abs(x + 0.5 - size * (0.1 + 0.8 * column[i])) / far
            inside = [
                0.55 < math.hypot(down, right) < 1.05,
                max(down, right) < 0.9,
                max(down, right) < 1 and min(down, right) < 0.3,
            ]
            if inside[kind[i]]:
                kinds[i, y, x] = kind[i] + 1
                colours[i, :, y, x] = torch.where(signs[i, :, 0, 0] > 0, 0.8, -0.8)
    return colours, kinds, noise


@pytest.mark.parametrize(("number", "size", "seed"), [(5, 32, 11), (2, 64, 12)])
def test_shapes_are_as_drawn_pixel_by_pixel(lesson: ModuleType, number: int, size: int, seed: int) -> None:
    images, labels = lesson.shapes(number, size, seed)
    colours, kinds, noise = shapes_by_pixel(number, size, seed)
    assert torch.equal(labels, kinds)
    torch.testing.assert_close(images, colours + noise)
    assert labels.unique().tolist() == [0, 1, 2, 3], "all kinds occur, or the comparison is of less than it says"


def test_mean_iou_is_that_of_scikit_learn(lesson: ModuleType) -> None:
    metrics = reference("sklearn.metrics")
    said, labels = torch.randint(4, (2, 3, 8, 8), generator=generator(5))
    mine = lesson.mean_iou(lambda images: F.one_hot(said, 4).movedim(-1, 1), torch.zeros(3, 3, 8, 8), labels)
    assert mine == pytest.approx(metrics.jaccard_score(labels.flatten(), said.flatten(), average="macro"))
    assert mine != pytest.approx(metrics.jaccard_score(labels.flatten(), said.flatten(), average="micro"))
