"""How to make and call each public definition of Lesson 7; see `check.py`."""

from __future__ import annotations

from tests.portable.check import Case

# To be written: a case for each definition, or the reason why it needs none.
CASES: dict[str, Case] = {}
EXEMPT: dict[str, str] = {}
