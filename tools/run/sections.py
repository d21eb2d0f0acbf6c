"""What is checked, in pieces that run side by side: a section of the tests for one lesson, or for none."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tools.lesson.entries import read_toml
from tools.lesson.read import ROOT, lesson_paths

PYTEST = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider")
RUFF = (sys.executable, "-m", "ruff")
NONE = "none"  # for `pytest --lesson`: the tests that are about no lesson
BOOK = "book"
WHOLE = ("tools", "figures")  # folders that one check runs whole; with the site's, but for its browser tests

# What a check reads, as patterns of tracked files. Too much costs time, too little would hide a failure.
EVERYTHING = ("*",)
# The tools and what they read, the tests' common ground, and whatever decides what is installed.
COMMON = (
    *("tools/*", "tests/shared/*", "tests/conftest.py", "tests/*.txt", "tests/*.toml", "tests/*.cfg", "tests/*.lock"),
    *("*.toml", "*.txt", "*.lock", "book/*.toml", "book/_ext/*", "_*.yml", "Makefile", ".ci/*"),
)

# Seconds a section takes for a lesson of the usual budget and for what belongs to no lesson, where none was measured.
USUAL_BUDGET = 120
USUAL = {
    "style": (2, 15),
    "rules": (3, 10),
    "tools": (0, 100),
    "figures": (20, 60),
    "cells": (80, 0),
    "exercises": (20, 5),
    "parity": (25, 5),
    "portable": (25, 10),
    "site": (8, 30),
    "browser": (40, 120),
    "mutants": (75, 15),
}


@dataclass(frozen=True)
class Check:
    """A piece of a section. It passes when all its commands do; `after` names a section that must pass before."""

    section: str
    commands: tuple[tuple[str, ...], ...]
    reads: tuple[str, ...]
    lesson: str | None = None
    after: str | None = None
    keeps: bool = True  # whether its verdict may be kept

    @property
    def name(self) -> str:
        """What tells it from all others."""
        return f"{self.section} {self.lesson[:2]}" if self.lesson else self.section

    @property
    def browses(self) -> bool:
        """Whether its time goes into waiting for a browser."""
        return self.section == "browser"

    @property
    def usual_seconds(self) -> float:
        """How long it will take, more or less."""
        of_lesson, of_rest = USUAL.get(self.section, (30, 30))
        return of_lesson * budget(self.lesson) / USUAL_BUDGET if self.lesson else of_rest


def everything() -> list[Check]:
    """All that `make test` checks."""
    lessons = [path.stem for path in lesson_paths()]
    checks = [
        Check("style", style("."), EVERYTHING),
        book(),
        *(piece(folder, None, EVERYTHING) for folder in WHOLE if (ROOT / "tests" / folder).is_dir()),
        piece("site", None, EVERYTHING, "--ignore=tests/site/browser", after=BOOK),
        *(cells(lesson) for lesson in lessons),
    ]
    for lesson in [*lessons, None]:
        checks += [*by_lesson(lesson), piece("mutants", lesson, reads("mutants", lesson))]
    return checks


def of_lesson(lesson: str) -> list[Check]:
    """All that is checked about one lesson, but its mutants: of these, that each fits."""
    return [
        Check("style", style(f"notebooks/{lesson}.ipynb"), EVERYTHING, lesson),
        book(),
        piece("site", lesson, EVERYTHING, "--ignore=tests/site/browser", after=BOOK),
        cells(lesson),
        *by_lesson(lesson),
        *drawn(lesson),
        mutants_fit(lesson),
    ]


def of_lesson_unexecuted(lesson: str) -> list[Check]:
    """What can be said about one lesson in seconds, without executing it or opening a browser."""
    complete = "tests/exercises/test_exercises.py::test_every_exercise_is_complete"
    return [
        Check("style", style(f"notebooks/{lesson}.ipynb"), EVERYTHING, lesson),
        book(),
        piece("site", lesson, EVERYTHING, "--ignore=tests/site/browser", after=BOOK),
        piece("rules", lesson, EVERYTHING, folder="contract"),
        Check("exercises", (command(complete, lesson),), reads("exercises", lesson), lesson, keeps=False),
        mutants_fit(lesson),
    ]


def by_lesson(lesson: str | None) -> Iterator[Check]:
    """The sections whose tests are told apart by lesson; None for the tests about no lesson."""
    yield piece("rules", lesson, EVERYTHING, folder="contract")
    yield piece("exercises", lesson, reads("exercises", lesson))
    # A lesson's parity module may use an earlier lesson's; these folders read any notebook they like.
    yield piece("parity", lesson, (*COMMON, "tests/parity/*", "tests/exercises/*", "notebooks/*"))
    if (ROOT / "tests" / "portable").is_dir():
        yield piece("portable", lesson, (*COMMON, "tests/portable/*", "notebooks/*"))
    yield piece("browser", lesson, EVERYTHING, folder="site/browser", after=BOOK)


def drawn(lesson: str) -> Iterator[Check]:
    """The tests of a lesson's figures, if it has any."""
    if any((ROOT / "tests" / "figures").glob(f"test_*{lesson[:2]}*.py")):
        yield piece("figures", lesson, EVERYTHING)


def reads(folder: str, lesson: str | None) -> tuple[str, ...]:
    """The tracked files that a folder's tests about one lesson depend on; all notebooks for those about none."""
    return (*COMMON, f"tests/{folder}/*", f"notebooks/{lesson}.ipynb" if lesson else "notebooks/*")


def piece(
    section: str, lesson: str | None, files: tuple[str, ...], *options: str, folder: str = "", after: str | None = None
) -> Check:
    """The tests of a folder about this lesson; for None those about none, or all where they are not told apart."""
    whole = section in (*WHOLE, "site") and lesson is None
    chosen = command(f"tests/{folder or section}", "" if whole else lesson or NONE, *options)
    return Check(section, (chosen,), files, lesson, after)


def command(tests: str, lesson: str, *options: str) -> tuple[str, ...]:
    """Run these tests about this lesson."""
    return (*PYTEST, tests, *options, *(("--lesson", lesson) if lesson else ()))


def style(what: str) -> tuple[tuple[str, ...], ...]:
    """Lint and layout; the types of tools and extension, too, when everything is checked."""
    commands = ((*RUFF, "check", "--quiet", what), (*RUFF, "format", "--check", "--quiet", what))
    if what != ".":
        return commands
    return (*commands, (sys.executable, "-m", "mypy", "tools", "book/_ext/vitbook"))


def book() -> Check:
    """Build the site; it remembers by itself what it was built from."""
    return Check(BOOK, ((sys.executable, "-m", "tools.site.build"),), EVERYTHING, keeps=False)


def cells(lesson: str) -> Check:
    """Every cell's output, compared with what is stored."""
    return Check("cells", ((sys.executable, "-m", "tools.run.cells", lesson),), reads("none", lesson), lesson)


def mutants_fit(lesson: str) -> Check:
    """Every question has a mutant, and each can be applied; none is tried."""
    fit = "tests/mutants/test_mutants.py::test_every_question_has_a_mutant_that_fits"
    return Check("mutants", (command(fit, lesson),), reads("mutants", lesson), lesson, keeps=False)


def budget(lesson: str, registry: Path = ROOT / "book" / "lessons.toml") -> int:
    """The seconds that a whole run of a lesson may take, by the list of lessons; the usual where it says nothing."""
    entries = read_toml(registry).get("lessons", []) if registry.is_file() else []
    return next((entry["budget"] for entry in entries if entry.get("name") == lesson), USUAL_BUDGET)
