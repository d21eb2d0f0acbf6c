"""Lesson 3's attention, its variants and the ways to look into it compute what published implementations compute."""

from __future__ import annotations

from tests.parity.framework.declared import Parity
from tests.parity.lesson_03.cases import CASES
from tests.parity.lesson_03.counts import COUNTS
from tests.parity.lesson_03.damages import DAMAGES
from tests.parity.lesson_03.functions import LESSON

SPARED = frozenset(
    {
        "nine heads on a row = convolution",
        "flash, a tile a row = SDPA",
        "flash, one tile = SDPA",
        "flash, ragged tiles of queries only = SDPA",
        "windows of one = timm",
        "top 1 = masked SDPA",
        "top of all = masked SDPA",
    }
)

PARITY = Parity(LESSON, CASES, DAMAGES, SPARED, COUNTS)
