"""Lesson 5's windows, blocks, models and rivals compute what published implementations compute, gradients included."""

from __future__ import annotations

from tests.parity.framework.declared import Parity
from tests.parity.lesson_05.cases import CASES, LESSON
from tests.parity.lesson_05.counts import COUNTS
from tests.parity.lesson_05.damages import DAMAGES

SPARED = frozenset(
    {
        "window attention, M = 4 = timm",
        "stripes, the map = token by token",
    }
)
PARITY = Parity(LESSON, CASES, DAMAGES, SPARED, COUNTS)
