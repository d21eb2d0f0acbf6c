"""Lesson 7's encoders, losses and judges compute what published implementations compute."""

from __future__ import annotations

from tests.parity.framework.declared import Parity
from tests.parity.lesson_07.cases import CASES, LESSON, SPARED
from tests.parity.lesson_07.counts import COUNTS
from tests.parity.lesson_07.damages import DAMAGES

PARITY = Parity(LESSON, CASES, DAMAGES, SPARED, COUNTS)
