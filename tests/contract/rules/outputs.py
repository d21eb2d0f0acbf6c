"""Outputs: what strict regression can hold, on any machine and on any day."""

from __future__ import annotations

import re
from collections.abc import Iterator

from nbformat import NotebookNode

from tests.contract.rules.lesson import Lesson, at
from tools.lesson.read import tags
from tools.lesson.validate import count_problems, output_problems, structure_problems

KINDS = frozenset({"text/plain", "text/html", "image/png", "text/markdown", "text/latex"})
# Beyond as many, CPUs and thread counts differ.
DIGITS = 4

UNSTABLE = {
    r"0x[0-9a-fA-F]{6,}": "an object's address",
    r"\b(19|20)\d\d-\d\d-\d\d\b|\b\d{1,2} (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]* 20\d\d\b": "a date",
    r"\b\d\d:\d\d:\d\d\b": "a time of day",
    r"(?<![\w.])/(home|root|tmp|usr|opt|var|Users|content|private|work|mnt)/|\b[A-Z]:\\": "a path of one machine",
    r"\b\d+(\.\d+)? ?(ns|µs|us|ms|s|sec|secs|seconds?|min|minutes?|it/s)(?![\w/])": "a timing",
    # 0.00047 has two digits that count; they hold.
    rf"\b(?=\d+\.\d{{{DIGITS + 1}}})(?=[0.]*[1-9](?:\.?\d){{{DIGITS}}})[\d.]+": f"more than {DIGITS} digits",
}
_PICTURE = re.compile(r"data:image/png;base64,[A-Za-z0-9+/=\s]+")
_SKIPPING = re.compile(r"#\s*(NBVAL_\w+|PYTEST_VALIDATE_\w+)|\bnbval\b", re.I)
_BOOK_TAGS = re.compile(r"nbval-|raises-exception|skip-execution")


def _texts(cell: NotebookNode) -> Iterator[str]:
    """Every text that the comparison sees."""
    for output in cell.outputs:
        if output.output_type == "stream":
            yield output.text
        for kind, data in output.get("data", {}).items():
            if kind.startswith("text/"):
                yield _PICTURE.sub("", data)


def notebook_was_run_once_from_top_to_bottom(lesson: Lesson) -> list[str]:
    """Ids, counts 1 to n, no error, nothing on stderr, no widget state."""
    rerun = f"run `make notebooks NB={lesson.name}`"
    problems = structure_problems(lesson.notebook)
    return problems or count_problems(lesson.notebook, rerun) + output_problems(lesson.notebook, rerun)


def nothing_is_left_out_of_the_comparison(lesson: Lesson) -> list[str]:
    """No cell asks not to be run or compared."""
    found = []
    for cell in lesson.code:
        asked = [tag for tag in tags(cell) if _BOOK_TAGS.match(tag)]
        comment = _SKIPPING.search(cell.source)
        if asked or comment:
            found.append(
                at(cell, f"{asked[0] if asked else comment.group()} is not for lessons; print something stable instead")
            )
    return found


def outputs_are_stable(lesson: Lesson) -> list[str]:
    """No address, date, path, timing, nor a number to more digits than hold on every CPU."""
    found = []
    for cell in lesson.code:
        for text in _texts(cell):
            for pattern, what in UNSTABLE.items():
                match = re.search(pattern, text)
                if match:
                    found.append(at(cell, f"it prints {match.group()!r}, {what}; round it, draw it or assert a margin"))
    return found


def outputs_are_of_known_kinds(lesson: Lesson) -> list[str]:
    """Text, HTML, formulas and PNG pictures; no widget views, scripts or SVG."""
    found = []
    for cell in lesson.code:
        for output in cell.outputs:
            strange = set(output.get("data", {})) - KINDS
            if strange:
                found.append(
                    at(cell, f"it stores {', '.join(sorted(strange))}; run `make notebooks`, or show a PNG or text")
                )
            if "<script" in output.get("data", {}).get("text/html", ""):
                found.append(at(cell, "its HTML holds a script, which untrusted notebooks drop; use an inline handler"))
    return found


def no_cell_ends_in_a_semicolon(lesson: Lesson) -> list[str]:
    """nbval prints what a trailing semicolon hides."""
    return [
        at(cell, "it ends in `;`, which hides the output in Jupyter but not in the comparison; write `_ = …`")
        for cell in lesson.code
        if cell.source.rstrip().splitlines()
        and cell.source.rstrip().splitlines()[-1].partition("#")[0].rstrip().endswith(";")
    ]
