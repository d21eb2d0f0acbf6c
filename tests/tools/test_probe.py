"""What the probe says of panels whose knobs do nothing, and of sliders that a browser could not show."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from types import SimpleNamespace

import ipywidgets as widgets
import pytest

from tools.run.probe import panel_complaints, slider_complaints, watch

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"\0\0\0\0IEND\xae\x42\x60\x82").decode()
FRAME = f'<img src="data:image/png;base64,{PNG}">'
SLIDER = f'<div><label>Depth <input type="range"></label><output>1</output><div>{FRAME}{FRAME}</div></div>'


class LivePanel(widgets.VBox):
    """As the set-up cell has it."""

    def __repr__(self) -> str:
        return "<LivePanel: turn the knobs>"


class Chatty(LivePanel):
    """Says how its knobs stand."""

    def __repr__(self) -> str:
        return f"<LivePanel: {self.children[0].value}, {len(self.children[1].value)}>"


def panel(knob: widgets.Widget, kind: type[LivePanel] = LivePanel) -> LivePanel:
    """A knob over a picture that follows it."""
    picture = widgets.Image(value=b"first")
    knob.observe(lambda _: setattr(picture, "value", str(knob.value).encode()), "value")
    picture.value = str(knob.value).encode()
    return kind([knob, picture])


KNOBS = [
    widgets.Dropdown(options=["B", "L"], value="B"),
    widgets.Dropdown(options=[("base", 1), ("large", 2)], value=2),
    widgets.IntSlider(value=0, min=0, max=9),
    widgets.FloatSlider(value=10.0, min=0.0, max=10.0),
    widgets.ToggleButtons(options=[8, 16]),
    widgets.SelectionSlider(options=[8, 16]),
    widgets.Checkbox(value=True),
]


@pytest.mark.parametrize("knob", KNOBS, ids=lambda knob: type(knob).__name__)
def test_every_kind_of_knob_is_turned_and_put_back(knob: widgets.Widget) -> None:
    before = knob.value
    assert panel_complaints(panel(knob)) == []
    assert knob.value == before


def test_a_knob_inside_a_box_is_found() -> None:
    dead = widgets.IntSlider(description="depth")
    whole = panel(widgets.Checkbox())
    whole.children = (*whole.children, widgets.HBox([dead, widgets.IntProgress(), widgets.Text()]))
    assert panel_complaints(whole) == ["turning IntSlider 'depth' changes no picture"]


def test_panels_without_parts() -> None:
    assert panel_complaints(LivePanel([widgets.IntSlider()])) == [
        "it holds no Image widget; recompute a picture and set an Image's value"
    ]
    assert panel_complaints(LivePanel([widgets.Image()])) == [
        "it holds no knob to turn; add a Dropdown, a slider or the like"
    ]
    assert panel_complaints(widgets.VBox(panel(widgets.Checkbox()).children))[0].startswith("its text is")


def test_a_text_that_follows_the_knobs() -> None:
    knob = widgets.IntSlider(value=0, min=0, max=9)
    whole = panel(knob, Chatty)
    knob.observe(lambda _: setattr(whole.children[1], "value", bytes(whole.children[1].value) + b"!"), "value")
    assert panel_complaints(whole) == ["its text changes when a knob is turned; it must be constant"]


class FrameSlider:
    """A slider of this HTML."""

    def __init__(self, html: str) -> None:
        self.html = html

    def _repr_html_(self) -> str:
        return self.html


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("", "", []),
        ("<output>1</output>", "<output>1", ["</div> closes what is not open", "<div> is not closed"]),
        ('"range"', '"text"', ["it has 0 range inputs; it needs one"]),
        (FRAME + FRAME, FRAME, ["it has 1 pictures; it needs two or more"]),
        (PNG + '"></div>', PNG[:-8] + '"></div>', ["picture 2 is not an embedded PNG"]),
        (f"{FRAME}{FRAME}", f'{FRAME}<img src="two.png">', ["picture 2 is not an embedded PNG"]),
    ],
    ids=["sound", "not closed", "no range", "one picture", "cut off", "a file"],
)
def test_sliders(old: str, new: str, says: list[str]) -> None:
    assert old in SLIDER
    assert slider_complaints(FrameSlider(SLIDER.replace(old, new) if old else SLIDER)) == says


def test_every_panel_and_slider_is_reported_with_its_cell(tmp_path: Path) -> None:
    looks = []
    shell = SimpleNamespace(events=SimpleNamespace(register=lambda event, look: looks.append(look)))
    watch(shell, str(tmp_path / "report"))
    failing = widgets.Checkbox()
    failing.observe(lambda _: 1 / 0, "value")
    for result in (FrameSlider(SLIDER), 3, LivePanel([failing, widgets.Image()])):
        looks[0](SimpleNamespace(result=result, info=SimpleNamespace(raw_cell=repr(type(result)))))
    slider, live = map(json.loads, (tmp_path / "report").read_text().splitlines())
    assert (slider["kind"], slider["source"], slider["complaints"]) == ("FrameSlider", repr(FrameSlider), [])
    assert live["complaints"] == ["ZeroDivisionError while it was used: division by zero"]
