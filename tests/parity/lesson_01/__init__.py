"""Lesson 1's ViT is the published ViT: same function, same gradient, same parameter and operation counts."""

from __future__ import annotations

from tests.parity.framework.declared import Parity
from tests.parity.lesson_01.counts import COUNTS
from tests.parity.lesson_01.damages import DAMAGES
from tests.parity.lesson_01.vit import CASES, LESSON

PARITY = Parity(LESSON, CASES, DAMAGES, frozenset({"ViT = transformers", "ViT = torchvision"}), COUNTS)
