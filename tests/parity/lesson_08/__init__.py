"""Lesson 8's boxes, layers, maps, masks and scores are those of published implementations."""

from __future__ import annotations

from tests.parity.framework.declared import Parity
from tests.parity.lesson_08.cases import CASES, LESSON, SPARED
from tests.parity.lesson_08.damages import DAMAGES

PARITY = Parity(LESSON, CASES, DAMAGES, SPARED)
