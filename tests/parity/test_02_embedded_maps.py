"""The DINOv2 maps embedded in Lesson 2 are those of the weights they are said to come from."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest

from tests.parity.framework.weights import PLACES, dinov2, stored_tensors
from tests.parity.lesson_02.cases import LESSON
from tools.lesson.definitions import load_definitions


@pytest.fixture(scope="module")
def table() -> np.ndarray:
    """DINOv2 ViT-S/14's table of positions, (37, 37, 384)."""
    positions = stored_tensors(dinov2())[PLACES].numpy()
    assert positions.shape == (1, 37 * 37, 384)
    return positions.reshape(37, 37, 384)


@pytest.fixture(scope="module")
def lesson() -> ModuleType:
    return load_definitions(LESSON)


def maps(table: np.ndarray) -> np.ndarray:
    """Cosine similarities of nine places with all, every third place of the grid kept, in 32 levels."""
    places = table.astype(np.float64)
    places = (places - places.mean(axis=(0, 1)))[::3, ::3]
    places /= np.linalg.norm(places, axis=-1, keepdims=True)
    nine = np.array([[places[row, column] for column in (1, 6, 11)] for row in (1, 6, 11)]).reshape(9, 384)
    return np.round((np.einsum("qd,hwd->qhw", nine, places) + 1) * 15.5).astype(np.uint8)


def stored(lesson: ModuleType) -> np.ndarray:
    """The bytes that the lesson's maps were made of."""
    levels = (lesson.DINOV2_MAPS.numpy().astype(np.float64) + 1) * 15.5
    assert np.abs(levels - np.round(levels)).max() < 1e-4
    return np.round(levels).astype(np.uint8)


def test_the_maps_are_those_of_the_weights(lesson: ModuleType, table: np.ndarray) -> None:
    assert np.array_equal(stored(lesson), maps(table))


def test_the_comparison_notices(lesson: ModuleType, table: np.ndarray) -> None:
    one_place, elsewhere = table.copy(), table.copy()
    one_place[3, 3] = table[3, 6]
    elsewhere[1] += table[1]  # a row that is not kept counts in the mean
    for wrong in (table.transpose(1, 0, 2), table[::-1], np.roll(table, 1, axis=1), one_place, elsewhere):
        assert not np.array_equal(stored(lesson), maps(wrong))


def test_every_query_is_most_like_itself(lesson: ModuleType) -> None:
    """What can be said of the maps without the weights."""
    levels = stored(lesson)
    assert levels.shape == (9, 13, 13)
    queries = [(row, column) for row in (1, 6, 11) for column in (1, 6, 11)]
    assert [tuple(np.argwhere(level == 31)[0]) for level in levels] == queries
    assert [(level == 31).sum() for level in levels] == [1] * 9
