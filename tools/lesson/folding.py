"""What of a lesson's code a reader meets folded, and under which words: the page, its two times and the rules ask here.

Explanation stands in front, proof behind. A code cell that only proves, tries or checks opens with one comment that
says what it looks at, `# Proof: nine heads equal the convolution at every pixel`, and is folded under these words.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from tools.lesson.format import (
    CARRIED_OVER,
    DEFINE,
    EXERCISE_TESTS,
    FOLDED,
    FRAME_SLIDER,
    HIDDEN,
    IMPORTS,
    LIVE,
    OPEN,
    PLOT,
    SETUP,
    SOLUTION,
    TITLE_LINE,
)

PURPOSES = ("Proof", "Check", "Experiment")
PURPOSE_LINE = re.compile(rf"# ({'|'.join(PURPOSES)}): ([^\n]+)(?:\n|\Z)")
LONGEST_OPEN_DEFINITION = 25
SIGNATURE = re.compile(r"^(?:class (?P<type>\w+)|def (?P<function>\w+))", re.MULTILINE)
# What a cell is called that is folded for its tag, the first that fits.
NAMES = {
    IMPORTS: "Imports",
    SETUP: "Set-up",
    CARRIED_OVER: "Carried over",
    SOLUTION: "Solution",
    EXERCISE_TESTS: "Tests",
    LIVE: "Code of the panel",
    FRAME_SLIDER: "Code of the slider",
    PLOT: "Code of the picture",
}


@dataclass(frozen=True)
class Fold:
    """The line under which a cell's code is folded."""

    kind: str  # "Proof", "Definition", "Code of the picture" …
    words: str  # what it looks at, or what it defines; may be empty
    lines: int

    def __str__(self) -> str:
        """`Proof: nine heads equal the convolution · 14 lines`."""
        what = f"{self.kind}: {self.words}" if self.words else self.kind
        return f"{what} · {self.lines} line{'s' * (self.lines != 1)}"


def fold_of(source: str, tags: Iterable[str], draws: bool) -> Fold | None:
    """The fold of a code cell, or None if a reader meets it open.

    `draws`: whether it shows a picture, which is what has an alt text.
    """
    marks = set(tags)
    purpose = PURPOSE_LINE.match(source)
    title = TITLE_LINE.match(source)
    opening = purpose or title
    text = source[opening.end() :] if opening else source
    lines = count_lines(text)
    if OPEN in marks:
        return None
    if purpose:
        return Fold(purpose[1], purpose[2].rstrip(". "), lines)
    if SETUP in marks:
        return Fold(NAMES[SETUP], "one thread, palette, random numbers", lines)
    for tag in (CARRIED_OVER, SOLUTION):
        if tag in marks:
            words = title[1].strip().partition(": ")[2] if title else ""
            return Fold(NAMES[tag], words or _defined(text), lines)
    for tag, name in NAMES.items():
        if tag in marks:
            return Fold(name, _defined(text) if tag == PLOT else "", lines)
    if draws:
        return Fold(NAMES[PLOT], "", lines)
    if DEFINE in marks and (FOLDED in marks or lines > LONGEST_OPEN_DEFINITION):
        return Fold("Definition", _defined(text) or "constants", lines)
    if HIDDEN in marks or FOLDED in marks:
        return Fold("Code", _defined(text), lines)
    return None


def count_lines(source: str) -> int:
    """Lines of a cell, blank ones left out."""
    return sum(bool(line.strip()) for line in source.splitlines())


def _defined(source: str) -> str:
    """The classes and functions that a cell defines: `class ViT`, `patchify()`."""
    names = [
        f"class {match['type']}" if match["type"] else f"{match['function']}()" for match in SIGNATURE.finditer(source)
    ]
    return ", ".join(names)
