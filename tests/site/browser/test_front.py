"""The first page in Chromium: its first screen says what the book is, for whom, why believe it, and where to begin."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.site.browser.window import OpenWindow, playwright
from tools.site.weight import compressed, read_to_the_end

FRONT = "book/index.html"
# Height of the first screen at these widths.
SCREENS = {360: 740, 768: 1024, 1280: 800, 1920: 1080}
BELOW = """(selector) => [...document.querySelectorAll(selector)].map(
    (each) => each.getBoundingClientRect().bottom).reduce((a, b) => Math.max(a, b), 0)"""


@pytest.mark.parametrize("width", SCREENS)
@pytest.mark.parametrize("mode", ["light", "dark"])
def test_the_first_screen_says_it_all(visit: OpenWindow, width: int, mode: str) -> None:
    window = visit(width, mode)
    window.page.set_viewport_size({"width": width, "height": SCREENS[width]})
    page = window.go(FRONT)
    for part in ("h1", ".front-words", ".stored-slider input", ".stored-slider img:not([hidden])", ".ways-in a"):
        bottom = page.evaluate(BELOW, part)
        assert 0 < bottom <= SCREENS[width], f"{part} ends at {bottom} of {SCREENS[width]}"
    words = page.locator(".front-words").inner_text()
    for said in ("how Vision Transformers work: built in PyTorch", "For learners, teachers", "its cell fails"):
        assert said in words
    picture = page.locator(".stored-slider img:not([hidden])")
    assert picture.evaluate("image => image.complete && image.naturalWidth > 0")


def test_the_slider_moves_by_keyboard_and_by_mouse(visit: OpenWindow) -> None:
    page = visit().go(FRONT)
    shown = page.locator(".stored-slider img:visible")
    before = shown.get_attribute("alt")
    page.locator(".stored-slider input").focus()
    page.keyboard.press("ArrowRight")
    after = shown.get_attribute("alt")
    assert after != before and page.locator(".stored-slider output").inner_text() == "28 px"
    box = page.locator(".stored-slider input").bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + 2, box["y"] + box["height"] / 2)
    assert shown.get_attribute("alt") not in (before, after)
    assert page.locator(".stored-slider output").inner_text() == "7 px"


def test_it_is_light_and_loads_pictures_late(visit: OpenWindow, site: Path) -> None:
    window = visit(360)
    page = window.go(FRONT)
    start = compressed(site, window.loaded, window.address)
    pictures = {address for address in window.loaded if "/_images/" in address}
    assert sum(address.endswith(".png") for address in pictures) == 1, "of the slider, the frame that shows"
    read_to_the_end(page)
    whole = compressed(site, window.loaded, window.address)
    assert start <= 450_000 and whole <= 600_000, (start, whole)


def test_next_is_lesson_1(visit: OpenWindow) -> None:
    page = visit().go(FRONT)
    page.locator("a.right-next").click()
    page.wait_for_url("**/01_vit_fundamentals.html")


def test_no_button_opens_a_panel_that_is_not_there(visit: OpenWindow) -> None:
    window = visit(360)
    assert window.go(FRONT).locator(".secondary-toggle:visible").count() == 0
    assert window.go("book/glossary.html").locator("button.primary-toggle:visible").count() == 1


def test_without_scripts_the_picture_and_the_ways_in_show(browser: playwright.Browser, address: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(address + FRONT)
    assert page.locator(".stored-slider img:visible").count() == 1
    assert page.locator(".ways-in a:visible").count() == 3
    context.close()
