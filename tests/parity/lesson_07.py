"""Lesson 7 beside published implementations."""

from __future__ import annotations

from tests.parity.framework.declared import Parity

# To be written: cases, what each must notice when it is damaged, and what is counted; lesson_01 shows how.
PARITY = Parity("07_self_supervised_learning", cases={}, damages=())
