"""What the matrix found, as book/status.md shows it: of these versions, these settings and these lessons only."""

from __future__ import annotations

import re

import pytest

from tools.lesson.read import lesson_paths
from tools.matrix import __main__ as matrix_run
from tools.matrix import record
from tools.matrix.legs import Leg, Matrix, read_matrix

HERE = Leg("here", "This environment.", "3.11", (), 1, "full")
ONLY = Matrix(("torch",), (HERE,))


def verdict(fingerprint: str = "abc", word: str = "passed", seconds: int = 70) -> record.Record:
    return {"verdict": word, "cells": 3, "seconds": seconds, "date": "2026-01-02", "fingerprint": fingerprint}


def found_by(**lessons: record.Record) -> record.Record:
    entry = record.enter({"legs": {}, "weights": {}, "machine": "2 cores"}, HERE, "key")
    entry |= {"python": "3.11.7", "cpu": "AVX512", "versions": {"torch": "2.13.0+cpu"}, "lessons": lessons}
    return {"legs": {"here": entry}, "weights": {"01_first": [400, 900]}, "machine": "2 cores"}


def test_the_page_says_what_was_found() -> None:
    found = found_by(**{"01_first": verdict(), "02_second": verdict("old"), "03_third": verdict(word="FAILED")})
    now = dict.fromkeys(("01_first", "02_second", "03_third", "04_fourth"), "abc")
    page = record.page_text(found, ONLY, now)
    assert "| here | passed | passed, changed since | FAILED | not run yet |" in page
    assert "| here | 3.11.7 | 1 | AVX-512 | 2.13.0 | – | – | – |" in page
    assert "The last run was on 2026-01-02, on 2 cores." in page
    assert "| Lesson 1 | under 2 min | 400 kB | 900 kB | unchanged |" in page
    assert "| Lesson 2 | under 2 min | not measured | not measured | code or outputs changed |" in page
    assert "| Lesson 4 | not run yet | not measured | not measured | – |" in page


def test_verdicts_of_other_versions_are_dropped() -> None:
    found = found_by(**{"01_first": verdict()})
    assert record.enter(found, HERE, "key")["lessons"]
    assert record.enter(found, HERE, "another key") == {
        "environment": "another key",
        "settings": ["3.11", 1, "full"],
        "not_run": None,
        "lessons": {},
    }


def test_a_leg_whose_settings_changed_since_its_run_has_no_verdict() -> None:
    found = found_by(**{"01_first": verdict()})
    changed = Matrix(("torch",), (Leg("here", "", "3.11", (), 2, "full"),))
    assert "passed" not in record.page_text(found, changed, {"01_first": "abc"})


@pytest.mark.parametrize(
    ("seconds", "says"), [(29.9, "under 30 s"), (30, "under 1 min"), (599, "under 10 min"), (601, "under 20 min")]
)
def test_run_times_come_in_classes(seconds: float, says: str) -> None:
    assert record.run_time(seconds) == says


def test_the_committed_page_is_of_the_lessons_as_they_are() -> None:
    """It names every lesson, says which changed since they were run, and is what the tool writes of its record."""
    page = record.PAGE.read_text(encoding="utf-8")
    assert page == record.page_text(record.read_record(), read_matrix(), matrix_run.present_lessons()), (
        "book/status.md is not of the lessons as they are now; run `make status` (or `make matrix`, which runs them)"
    )
    for path in lesson_paths():
        assert f"Lesson {int(path.stem[:2])}" in page
    assert record.DATA.read_text(encoding="utf-8") == record.record_text(record.read_record())


def test_the_record_names_no_machine() -> None:
    text = record.DATA.read_text(encoding="utf-8") + record.PAGE.read_text(encoding="utf-8")
    assert not re.search(r"https?:|(?<![\w.])/(?:\w+/)+|localhost", text)
