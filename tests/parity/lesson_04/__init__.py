"""Lesson 4's steps, schedules, losses and distilled ViT compute what published implementations compute."""

from __future__ import annotations

from tests.parity.framework.declared import Parity
from tests.parity.lesson_04.cases import CASES, LESSON, SPARED
from tests.parity.lesson_04.counts import COUNTS
from tests.parity.lesson_04.damages import DAMAGES

PARITY = Parity(LESSON, CASES, DAMAGES, SPARED, COUNTS)
