"""The lessons' frame slider in a page of its own: what it is given arrives as given, and Back finds it in one state."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from bs4 import BeautifulSoup

from tools.lesson.definitions import load_definitions
from tools.run.browser import find_chromium
from tools.run.probe import slider_complaints
from tools.site.weight import served

NAME = 'Rows <b> & "it\'s"'
LABELS = ["it's <one>", 'a "second" & more', "</output>"]
ALTS = ["The cat's eye.", 'A "quoted" <b>picture</b>.', "A > B & C."]
BROWSER = ("--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage")
STATE = """() => {
    const slider = document.querySelector(".frame-slider"), input = slider.querySelector("input");
    const shown = [...slider.querySelectorAll("img")].flatMap((image, i) => (image.hidden ? [] : [i]));
    return [shown, +input.value, slider.querySelector("output").textContent, input.getAttribute("aria-valuetext")];
}"""


@functools.cache
def lesson() -> ModuleType:
    """The definitions of Lesson 1."""
    return load_definitions(1)


@functools.cache
def markup() -> str:
    """A slider whose every word holds what HTML has a meaning for."""
    figures = [lesson().plt.figure(figsize=(1, 1), facecolor=colour) for colour in ("red", "green", "blue")]
    slider = lesson().FrameSlider(NAME, LABELS, figures, ALTS)
    assert slider_complaints(slider) == []
    return slider._repr_html_()


def test_it_escapes_what_it_is_given() -> None:
    page = BeautifulSoup(markup(), "html.parser")
    assert page.label.get_text().strip() == NAME
    assert page.output.get_text() == page.input["aria-valuetext"] == LABELS[0]
    assert [image["alt"] for image in page.find_all("img")] == ALTS
    assert {element.name for element in page.find_all(True)} == {"div", "label", "input", "output", "img"}


@pytest.fixture(params=[False, True], ids=["loaded again", "kept in memory"])
def page(request: pytest.FixtureRequest, tmp_path: Path, browser) -> Iterator:
    """A slider's page and another, in a browser that loads a page again on Back, and in one that kept it."""
    (tmp_path / "slider.html").write_text(f"<!doctype html><meta charset='utf-8'><title>1</title>{markup()}")
    (tmp_path / "other.html").write_text("<!doctype html><meta charset='utf-8'><title>2</title>")
    kept = ["--disable-back-forward-cache"] if request.param else []
    program = find_chromium()
    with served(tmp_path) as address:
        own = browser.browser_type.launch(executable_path=program, args=list(BROWSER), ignore_default_args=kept)
        page = own.new_page()
        page.goto(address + "slider.html")
        yield page
        assert page.evaluate("window.kept === true") == request.param, "the browser did not do what it was asked to"
        own.close()


def test_back_finds_picture_and_label_where_the_thumb_is(page) -> None:
    page.locator("input").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert page.evaluate(STATE) == [[2], 2, LABELS[2], LABELS[2]]
    page.evaluate("window.kept = true")
    page.goto(page.url.replace("slider", "other"))
    page.evaluate("() => void setTimeout(() => history.back(), 50)")  # so that the answer comes before the page goes
    page.wait_for_url("**/slider.html", wait_until="commit")
    page.wait_for_selector(".frame-slider")
    shown, value, label, said = page.evaluate(STATE)
    assert (shown, label, said) == ([value], LABELS[value], LABELS[value])
