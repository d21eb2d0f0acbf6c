"""Run inside a lesson's kernel: turns the knobs of its live panels and reads its frame sliders, and writes a report.

IPython's start-up runs this file in a namespace of its own, so that no name of it can stand in for one that a lesson
forgot to import. A lesson's cells, and what they print, are left as they are.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

REPORT_VARIABLE = "BOOK_PROBE_REPORT"
# Elements without an end tag.
VOID = frozenset({"br", "hr", "img", "input", "link", "meta", "source"})
PNG = "data:image/png;base64,"
# They have a value, and only show it.
SHOWING = ("FloatProgress", "IntProgress", "Valid")


def watch(shell: Any, report: str) -> None:
    """From now on, look at what each cell returns; one line of JSON in the file `report` for each panel and slider."""

    def look(result: Any) -> None:
        check = CHECKS.get(type(result.result).__name__)
        if check is None:
            return
        try:
            complaints = check(result.result)
        except Exception as error:
            complaints = [f"{type(error).__name__} while it was used: {error}"]
        entry = {"source": result.info.raw_cell, "kind": type(result.result).__name__, "complaints": complaints}
        with open(report, "a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")

    shell.events.register("post_run_cell", look)


def panel_complaints(panel: Any) -> list[str]:
    """What is wrong with a live panel: its constant text, and knobs that move no picture."""
    parts = list(family(panel))
    pictures = [part for part in parts if type(part).__name__ == "Image"]
    knobs = [part for part in parts if settings_of(part)]
    before = repr(panel)
    found = []
    if not before.startswith("<LivePanel"):
        found.append(f"its text is {before[:60]!r}; it must be the constant <LivePanel: …>")
    if not pictures:
        found.append("it holds no Image widget; recompute a picture and set an Image's value")
    if not knobs:
        found.append("it holds no knob to turn; add a Dropdown, a slider or the like")
    if pictures and knobs:
        found += [f"turning {name_of(knob)} changes no picture" for knob in knobs if not moves(knob, pictures)]
    if repr(panel) != before:
        found.append("its text changes when a knob is turned; it must be constant")
    return found


def family(widget: Any) -> Iterator[Any]:
    """The widget and everything within it."""
    yield widget
    for child in getattr(widget, "children", ()):
        yield from family(child)


def settings_of(widget: Any) -> list[tuple[str, Any]]:
    """Other settings to try on a knob, as (trait, value); none for what is no knob, or takes a person's own text."""
    if type(widget).__name__ in SHOWING:
        return []
    if hasattr(widget, "options") and hasattr(widget, "index"):
        return [("index", position) for position in range(len(widget.options)) if position != widget.index]
    value = getattr(widget, "value", None)
    if isinstance(value, bool):
        return [("value", not value)]
    if isinstance(value, (int, float)) and hasattr(widget, "min") and hasattr(widget, "max"):
        middle = type(value)((widget.min + widget.max) / 2)
        return [("value", other) for other in (widget.max, widget.min, middle) if other != value]
    return []


def moves(knob: Any, pictures: list[Any]) -> bool:
    """Whether some other setting of the knob changes some picture; the knob is put back."""
    first = [bytes(picture.value) for picture in pictures]
    moved = False
    for trait, value in settings_of(knob):
        old = getattr(knob, trait)
        setattr(knob, trait, value)
        moved = [bytes(picture.value) for picture in pictures] != first
        setattr(knob, trait, old)
        if moved:
            break
    return moved


def name_of(knob: Any) -> str:
    """What a person would call the knob."""
    return f"{type(knob).__name__} {getattr(knob, 'description', '')!r}"


class _Balance(HTMLParser):
    """Notes elements that are not closed where they should be, and the pictures."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.complaints: list[str] = []
        self.pictures: list[str] = []
        self.ranges = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        if tag not in VOID:
            self.open.append(tag)
        if tag == "img":
            self.pictures.append(attributes.get("src") or "")
        if tag == "input" and attributes.get("type") == "range":
            self.ranges += 1

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.complaints.append(f"</{tag}> closes what is not open")


def slider_complaints(slider: Any) -> list[str]:
    """What is wrong with a frame slider's HTML: elements not closed, no range input, pictures that are no PNG."""
    reader = _Balance()
    reader.feed(slider._repr_html_())
    reader.close()
    found = reader.complaints + [f"<{tag}> is not closed" for tag in reader.open]
    if reader.ranges != 1:
        found.append(f"it has {reader.ranges} range inputs; it needs one")
    if len(reader.pictures) < 2:
        found.append(f"it has {len(reader.pictures)} pictures; it needs two or more")
    found += [f"picture {n} is not an embedded PNG" for n, src in enumerate(reader.pictures, 1) if not is_png(src)]
    return found


def is_png(source: str) -> bool:
    """Whether an image's address holds a whole PNG."""
    try:
        data = base64.b64decode(source.removeprefix(PNG), validate=True)
    except binascii.Error:
        return False
    return source.startswith(PNG) and data.startswith(b"\x89PNG\r\n\x1a\n") and data[-8:-4] == b"IEND"


CHECKS = {"LivePanel": panel_complaints, "FrameSlider": slider_complaints}

if __name__ == "book_probe":
    watch(get_ipython(), os.environ[REPORT_VARIABLE])  # type: ignore[name-defined]  # noqa: F821  (IPython's own)
