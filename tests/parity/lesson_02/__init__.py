"""Lesson 2's patches, poolings and positions compute what published implementations compute, gradients included."""

from __future__ import annotations

from tests.parity.framework.declared import Parity
from tests.parity.lesson_02.cases import CASES, LESSON
from tests.parity.lesson_02.damages import DAMAGES

PARITY = Parity(LESSON, CASES, DAMAGES, frozenset({"sine-cosine, base 100 = MAE", "axial RoPE, base 10000 = timm"}))
