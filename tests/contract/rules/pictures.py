"""Pictures: said in words, captioned, legible, and with colours that everyone can tell apart."""

from __future__ import annotations

import re

from nbformat import NotebookNode

from tests.contract.rules.lesson import Lesson, at
from tools.lesson.normalise import alt_text
from tools.lesson.read import cell_id

ALT_WORDS = 5
SMALLEST_TYPE = 9
# Maps whose brightness does not follow the value.
MISLEADING_MAPS = ("jet", "hsv", "rainbow", "gist_rainbow", "nipy_spectral", "spring", "prism", "flag", "RdYlGn")


def _pictures(cell: NotebookNode) -> list[NotebookNode]:
    return [output for output in cell.outputs if "image/png" in output.get("data", {})]


def figure_cells_end_in_show(lesson: Lesson) -> list[str]:
    """`plt.show()` last: otherwise the cell also prints the last object."""
    return [
        at(cell, "it shows a figure and must end in `plt.show()`")
        for cell in lesson.code
        if _pictures(cell) and cell.source.rstrip().splitlines()[-1].strip() != "plt.show()"
    ]


def figures_have_one_picture(lesson: Lesson) -> list[str]:
    """One picture a cell, since one alt text and one caption belong to it."""
    return [
        at(cell, f"it shows {len(_pictures(cell))} pictures under one alt text; draw one figure a cell")
        for cell in lesson.code
        if len(_pictures(cell)) > 1
    ]


def alt_texts_are_sentences(lesson: Lesson) -> list[str]:
    """Alt text says in a sentence what the picture shows, and is stored where each renderer looks for it."""
    found = []
    for cell in lesson.code:
        alt = alt_text(cell)
        pictures = _pictures(cell)
        if not pictures:
            if alt is not None:
                found.append(
                    at(cell, "it has an alt text but shows no picture; remove mystnb.image.alt or end in plt.show()")
                )
            continue
        if not alt:
            found.append(
                at(cell, 'its picture has no alt text; add metadata mystnb: {"image": {"alt": "A sentence."}}')
            )
            continue
        if len(alt.split()) < ALT_WORDS or not re.match(r"[A-Z0-9]", alt) or not alt.endswith("."):
            found.append(
                at(cell, f"the alt text {alt!r} is no sentence of {ALT_WORDS} words or more ending in a full stop")
            )
        if re.search(r"\w+_\w+|\w+/\w+/|\.(png|svg|jpe?g)\b", alt):
            found.append(at(cell, f"the alt text {alt!r} holds an identifier or a path; say it in words"))
        if re.match(r"(An? )?(image|picture|figure|plot|graph) (of|showing)\b", alt, re.I):
            found.append(at(cell, "a screen reader already says that it is a picture; begin with what it shows"))
        if any(output.metadata.get("image/png", {}).get("alt") != alt for output in pictures):
            found.append(at(cell, "image/png.alt of the output differs from mystnb.image.alt; run `make notebooks`"))
    return found


def alt_texts_differ(lesson: Lesson) -> list[str]:
    """Two pictures are two sentences."""
    found, seen = [], {}
    for cell in lesson.code:
        alt = alt_text(cell)
        if alt and alt in seen:
            found.append(at(cell, f"its alt text is that of cell {seen[alt]}; say what differs"))
        seen.setdefault(alt, cell_id(cell))
    return found


def figures_have_captions(lesson: Lesson) -> list[str]:
    """The text after a figure opens with an italic paragraph: what to see in it."""
    found = []
    for position, cell in enumerate(lesson.cells):
        if cell.cell_type != "code" or not _pictures(cell):
            continue
        after = lesson.cells[position + 1] if position + 1 < len(lesson.cells) else None
        first = after.source.partition("\n\n")[0].strip() if after is not None and after.cell_type == "markdown" else ""
        if not re.fullmatch(r"\*(?!\*).+[^*\s]\*|_.+_", first, re.S):
            found.append(
                at(cell, "the next cell must be text that opens with a caption, an italic line: *What to see.*")
            )
        elif first.strip("*_") == alt_text(cell):
            found.append(
                at(cell, "caption and alt text are the same; the one says what to see in it, the other what it shows")
            )
    return found


def type_is_legible(lesson: Lesson) -> list[str]:
    """No type below 9 points."""
    return [
        at(cell, f"`{match.group()}` is too small for a phone; use {SMALLEST_TYPE} or more")
        for cell in lesson.code
        for match in re.finditer(r"\b(?:font|label)?size\s*=\s*([\d.]+)", cell.source)
        if float(match.group(1)) < SMALLEST_TYPE and "figsize" not in match.group()
    ]


def colour_maps_are_honest(lesson: Lesson) -> list[str]:
    """Perceptually uniform maps only."""
    return [
        at(cell, f"the colour map {match.group(1)!r} misleads; use viridis, cividis, gray or the book's palette")
        for cell in lesson.code
        for match in re.finditer(r"cmap\s*=\s*[\"'](\w+)[\"']", cell.source)
        if match.group(1).removesuffix("_r") in MISLEADING_MAPS
    ]
