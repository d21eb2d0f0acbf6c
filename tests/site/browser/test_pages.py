"""The finished site in Chromium, used by keyboard, by mouse, on a phone and without scripts."""

from __future__ import annotations

import pytest

from tests.site.browser.window import LESSON, LESSONS, WIDTHS, OpenWindow, page_name, playwright
from tools.site.weight import SETTLING


def slider_state(page: playwright.Page) -> dict[str, object]:
    """Read which frame shows, and what is said about it."""
    return page.evaluate(
        """() => {
            const slider = document.querySelector(".frame-slider"), images = [...slider.querySelectorAll("img")];
            const input = slider.querySelector("input");
            return {
                shown: images.flatMap((image, i) => (image.offsetParent ? [i] : [])),
                value: +input.value,
                said: input.getAttribute("aria-valuetext"),
                label: slider.querySelector("output").textContent,
                labels: JSON.parse(slider.dataset.labels),
            };
        }"""
    )


def check_frame(page: playwright.Page, number: int) -> None:
    """Check that one frame shows, and that its label is seen and said."""
    state = slider_state(page)
    assert (state["shown"], state["value"]) == ([number], number)
    assert state["said"] == state["label"] == state["labels"][number]


@pytest.mark.parametrize("name", LESSONS, ids=page_name)
@pytest.mark.parametrize("width", WIDTHS)
def test_the_slider_obeys_keyboard_and_mouse(visit: OpenWindow, name: str, width: int) -> None:
    page = visit(width).go(name)
    control = page.locator(".frame-slider input").first
    control.scroll_into_view_if_needed()
    check_frame(page, 0)
    control.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    check_frame(page, 2)
    page.keyboard.press("Home")
    check_frame(page, 0)
    box = control.bounding_box()
    assert box["height"] >= 44, "too small for a finger"
    page.mouse.click(box["x"] + box["width"] - 6, box["y"] + box["height"] / 2)
    last = len(slider_state(page)["labels"]) - 1
    check_frame(page, last)
    page.wait_for_function(
        "[...document.querySelector('.frame-slider').querySelectorAll('img')].every((image) => image.naturalWidth > 0)"
    )
    outline = control.evaluate("(input) => { input.focus(); return getComputedStyle(input).outlineStyle; }")
    assert outline != "none", "nobody sees where the focus is"


def test_the_first_frame_shows_without_scripts(browser: playwright.Browser, address: str) -> None:
    context = browser.new_context(java_script_enabled=False, viewport={"width": 360, "height": 800})
    page = context.new_page()
    page.goto(address + LESSON)
    frames = page.locator(".frame-slider").first.locator("img")
    frames.first.scroll_into_view_if_needed()
    assert frames.first.is_visible()
    assert not frames.nth(1).is_visible()
    context.close()


def test_collapsed_cells_open_by_keyboard(visit: OpenWindow) -> None:
    page = visit().go(LESSON)
    folds = page.locator("details.code-fold", has_text="Set-up")
    for fold, words in ((folds.first, "Code: "), (folds.nth(1), "Set-up: ")):  # one behind the other
        code, summary = fold.locator("pre").first, fold.locator("summary").first
        assert not code.is_visible()
        assert summary.inner_text().startswith(words)
        summary.focus()
        page.keyboard.press("Enter")
    assert code.is_visible()


def test_dark_mode_can_be_chosen_and_is_kept(visit: OpenWindow) -> None:
    window = visit(mode="light")
    page = window.go(LESSON)
    background = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(background)
    page.get_by_role("button", name="Colour mode").click()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    dark = page.evaluate(background)
    assert dark != light
    window.go("book/index.html")
    assert page.evaluate(background) == dark


def test_wide_formulas_scroll_in_their_own_box(visit: OpenWindow) -> None:
    page = visit(360).go(LESSON)
    page.evaluate("document.querySelector('.math-block > math').style.minWidth = '50rem'")
    page.locator(".math-block").first.scroll_into_view_if_needed()
    page.set_viewport_size({"width": 350, "height": 800})  # as when a phone is turned
    page.wait_for_timeout(SETTLING)
    boxes = page.evaluate(
        """[...document.querySelectorAll(".math-block, .math-wide")].map((box) => {
            const side = box.getBoundingClientRect();
            return [side.left, side.right, box.scrollWidth > box.clientWidth, box.tabIndex];
        })"""
    )
    assert any(scrolls for _, _, scrolls, _ in boxes)
    for left, right, scrolls, tab in boxes:
        assert left >= 0
        assert right <= 350
        assert (tab == 0) == scrolls, "a box that scrolls must be reachable by keyboard, and no other"


def test_formulas_use_the_font_of_the_site(visit: OpenWindow) -> None:
    window = visit()
    page = window.go(LESSON)
    assert page.evaluate("document.fonts.check('16px \"Book Math\"')")
    assert [url for url in window.loaded if url.endswith("math.woff")]


def test_code_is_folded_on_a_phone_and_opens_by_keyboard(visit: OpenWindow) -> None:
    page = visit(360).go(LESSON)
    button = page.locator(".show-code").first
    code = page.locator(".show-code + .cell_input").first
    assert button.is_visible() and not code.is_visible()
    button.focus()
    page.keyboard.press("Enter")
    assert code.is_visible() and button.get_attribute("aria-expanded") == "true"
    page.keyboard.press("Enter")
    assert not code.is_visible()
    wide = visit(1280).go(LESSON)
    assert not wide.locator(".show-code").first.is_visible()
    assert wide.locator(".show-code + .cell_input").first.is_visible()


@pytest.mark.parametrize("name", [LESSON, "book/questions.html", "book/corrections.html"], ids=page_name)
def test_the_keyboard_reaches_everything_and_shows_where_it_is(visit: OpenWindow, name: str) -> None:
    page = visit().go(name)
    seen = set()
    for _ in range(25):
        page.keyboard.press("Tab")
        place = page.evaluate(
            """() => {
                const e = document.activeElement, style = getComputedStyle(e), box = e.getBoundingClientRect();
                return [e.outerHTML.slice(0, 80), style.outlineStyle, parseFloat(style.outlineWidth), box.width];
            }"""
        )
        seen.add(place[0])
        assert place[1] != "none" and place[2] >= 2 and place[3] > 0, f"no visible focus on {place[0]}"
    assert len(seen) > 20, "the keyboard is caught somewhere"


def test_nothing_is_animated_for_who_wants_it_so(browser: playwright.Browser, address: str) -> None:
    context = browser.new_context(reduced_motion="reduce")
    page = context.new_page()
    page.goto(address + LESSON)
    moving = page.evaluate(
        """() => [...document.querySelectorAll("*")].filter((e) => {
            const style = getComputedStyle(e);
            return parseFloat(style.transitionDuration) > 0 || style.animationName !== "none";
        }).length"""
    )
    assert moving == 0
    context.close()


def test_the_menu_opens_on_a_phone(visit: OpenWindow) -> None:
    page = visit(360).go(LESSON)
    link = page.locator(".bd-links a", has_text="Notation")
    assert not link.is_visible()
    page.locator("button.primary-toggle").click()
    link.wait_for(state="visible")
    page.wait_for_timeout(SETTLING)
    link.click()
    page.wait_for_url("**/notation.html")
