"""Interaction: frame sliders that work with no kernel, and one live cell."""

from __future__ import annotations

import base64
import binascii
import json
import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

from nbformat import NotebookNode

from tests.contract.rules.lesson import Lesson, at
from tests.contract.rules.source import calls, tree_of
from tools.lesson.read import has_tag

FEWEST_FRAMES, MOST_FRAMES = 8, 14
FRAME_BYTES = 15 * 1024
PALETTE = 3  # colour type in a PNG's header
# Widgets that Colab's ipywidgets 7.7 does not know.
ONLY_IN_8 = frozenset(
    {
        "Stack",
        "TagsInput",
        "ColorsInput",
        "IntsInput",
        "FloatsInput",
        "TimePicker",
        "DatetimePicker",
        "NaiveDatetimePicker",
    }
)
NOT_LIVE = frozenset({"interact", "interactive", "interactive_output", "interact_manual", "Output"})
_PNG = "data:image/png;base64,"


@dataclass
class Slider:
    """What a frame slider's HTML says."""

    attributes: dict[str, str | None] = field(default_factory=dict)
    range: dict[str, str | None] | None = None
    frames: list[dict[str, str | None]] = field(default_factory=list)
    label: str = ""
    output: str = ""
    elements: set[str] = field(default_factory=set)


class _Parser(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.slider = Slider()
        self._inside: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        self.slider.elements.add(tag)
        if tag == "div" and "frame-slider" in (attributes.get("class") or "").split():
            self.slider.attributes = attributes
        elif tag == "input":
            self.slider.range = attributes
        elif tag == "img":
            self.slider.frames.append(attributes)
        if tag in ("label", "output"):
            self._inside.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if self._inside and self._inside[-1] == tag:
            self._inside.pop()

    def handle_data(self, data: str) -> None:
        if self._inside:
            part = self._inside[-1]
            setattr(self.slider, part, getattr(self.slider, part) + data)


def _parse_slider(html: str) -> Slider:
    """The slider in a piece of HTML."""
    parser = _Parser()
    parser.feed(html)
    return parser.slider


def _html(cell: NotebookNode) -> str:
    return "".join(output.get("data", {}).get("text/html", "") for output in cell.outputs)


def _plain(cell: NotebookNode) -> list[str]:
    return [output.data["text/plain"] for output in cell.outputs if "text/plain" in output.get("data", {})]


def has_a_frame_slider(lesson: Lesson) -> list[str]:
    """At least one; every cell that shows one is tagged."""
    found = (
        []
        if lesson.tagged("frame-slider")
        else ["no code cell is tagged frame-slider; show a FrameSlider where motion explains"]
    )
    for cell in lesson.code:
        shows = 'class="frame-slider"' in _html(cell)
        if shows != has_tag(cell, "frame-slider"):
            found.append(
                at(cell, "the tag frame-slider and a FrameSlider as output go together; mend the one or the other")
            )
    return found


def frame_sliders_work_without_a_kernel(lesson: Lesson) -> list[str]:
    """A native range input with a name, labels that are spoken, 8 to 14 frames, no library, the same after Back."""
    found = []
    for cell in lesson.tagged("frame-slider"):
        slider = _parse_slider(_html(cell))
        count = len(slider.frames)
        if not FEWEST_FRAMES <= count <= MOST_FRAMES:
            found.append(at(cell, f"its slider has {count} frames; make {FEWEST_FRAMES} to {MOST_FRAMES}"))
        try:
            labels = json.loads(slider.attributes.get("data-labels") or "")
        except json.JSONDecodeError:
            labels = []
        if len(labels) != count or len(set(labels)) != count:
            found.append(
                at(cell, f"{count} frames need as many different labels in data-labels; there are {len(set(labels))}")
            )
        wanted = {"type": "range", "min": "0", "max": str(count - 1), "value": "0", "step": "1", "autocomplete": "off"}
        control = slider.range or {}
        wrong = {key: value for key, value in wanted.items() if control.get(key) != value}
        if wrong:
            found.append(at(cell, f"its input must have {wrong}; use the FrameSlider of Lesson 1"))
        first = labels[0] if labels else None
        if control.get("aria-valuetext") != first or slider.output.strip() != first:
            found.append(at(cell, "aria-valuetext and the <output> must start with the first label"))
        if "oninput" not in control:
            found.append(at(cell, "its input has no oninput handler, so moving it does nothing"))
        if not slider.label.strip():
            found.append(at(cell, "its <label> is empty; name what the slider changes"))
        else:
            constant = f"<FrameSlider {slider.label.strip()}: {count} frames>"
            if _plain(cell) != [constant]:
                found.append(at(cell, f"its text/plain must be {constant}, the same on each run"))
        if slider.elements & {"script", "link", "iframe"}:
            found.append(at(cell, "its HTML loads something; use the FrameSlider of Lesson 1"))
    return found


def frames_are_small_and_said_in_words(lesson: Lesson) -> list[str]:
    """Palette PNGs of one size, 15 KB at most, each with an alt text of its own; all but the first are hidden."""
    found = []
    for cell in lesson.tagged("frame-slider"):
        frames = _parse_slider(_html(cell)).frames
        alts = [frame.get("alt") or "" for frame in frames]
        if any(len(alt.split()) < 3 for alt in alts) or len(set(alts)) != len(alts):
            found.append(at(cell, "each frame needs an alt text of its own, of three words or more"))
        if ["hidden" in frame for frame in frames] != [position > 0 for position in range(len(frames))]:
            found.append(at(cell, "all frames but the first must be hidden"))
        sizes = set()
        for position, frame in enumerate(frames, start=1):
            try:
                picture = base64.b64decode((frame.get("src") or "").removeprefix(_PNG), validate=True)
            except binascii.Error:
                picture = b""
            if picture[:8] != b"\x89PNG\r\n\x1a\n":
                found.append(at(cell, f"frame {position} is not an embedded PNG"))
                continue
            if len(picture) > FRAME_BYTES:
                found.append(
                    at(cell, f"frame {position} has {len(picture):,} bytes; make it smaller than {FRAME_BYTES:,}")
                )
            if picture[25] != PALETTE:
                found.append(at(cell, f"frame {position} is not a palette PNG; quantise it"))
            sizes.add((picture[16:24], frame.get("width"), frame.get("height")))
        if len(sizes) > 1 or any(None in size for size in sizes):
            found.append(at(cell, "all frames must have one size, given as width and height, or the page jumps"))
    return found


def has_one_live_cell(lesson: Lesson) -> list[str]:
    """One cell with ipywidgets, that observes and sets a picture; it runs under ipywidgets 7.7 and 8.1."""
    cells = lesson.tagged("live")
    if len(cells) != 1:
        return [f"one code cell must be tagged live, the one with ipywidgets; there are {len(cells)}"]
    cell = cells[0]
    found = []
    if [text for text in _plain(cell) if not text.startswith("<LivePanel")] or len(_plain(cell)) != 1:
        found.append(at(cell, "its output must be the constant text <LivePanel: …>; give its class that __repr__"))
    if not any(name.endswith(".observe") for other in lesson.code for name, _ in calls(tree_of(other))):
        found.append(
            at(cell, "no control is observed, so nothing is recomputed; call control.observe(…, names='value')")
        )
    return found


def widgets_are_plain(lesson: Lesson) -> list[str]:
    """No `interact`, no `Output`, nothing that only ipywidgets 8 has."""
    found = []
    for cell in lesson.code:
        for name, _ in calls(tree_of(cell)):
            last = name.rpartition(".")[2]
            if last in NOT_LIVE:
                found.append(
                    at(cell, f"`{name}` prints differently on each run; observe a control and set an Image widget")
                )
            elif "." in name and last in ONLY_IN_8 and re.match(r"(ipywidgets|widgets|W|w)\.", name):
                found.append(at(cell, f"`{name}` is not in ipywidgets 7.7, which Colab has; use another control"))
    return found
