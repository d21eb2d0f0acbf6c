"""The frame of a page: its contents as a dialog, addresses, paper, folds after Back, and what an old browser shows."""

from __future__ import annotations

import re

from tests.site.browser.window import LESSON, OpenWindow, playwright
from tools.site.measure import OVERFLOWING
from tools.site.weight import SETTLING

PANEL = "#pst-secondary-sidebar-modal"
CARD = "details.careful:not([open])"


def opened_contents(visit: OpenWindow, width: int) -> playwright.Page:
    """A lesson whose contents are open as a dialog."""
    page = visit(width).go(LESSON)
    page.locator(".secondary-toggle").first.click()
    assert page.locator(PANEL).evaluate("(dialog) => dialog.open")
    return page


def test_the_contents_close_when_a_part_is_chosen(visit: OpenWindow) -> None:
    page = opened_contents(visit, 390)
    page.locator(f"{PANEL} a[href='#q5']").first.click()
    page.wait_for_timeout(SETTLING)
    assert not page.locator(PANEL).evaluate("(dialog) => dialog.open")
    top = page.evaluate("document.getElementById('q5').getBoundingClientRect().top")
    assert -5 <= top < 300, "the part is in sight"


def test_the_contents_close_where_they_stand_beside_the_text(visit: OpenWindow) -> None:
    page = opened_contents(visit, 1100)
    page.set_viewport_size({"width": 1280, "height": 800})
    page.wait_for_timeout(SETTLING)
    assert not page.locator(PANEL).evaluate("(dialog) => dialog.open")
    assert page.locator("#pst-secondary-sidebar #pst-page-toc-nav").is_visible()


def test_an_address_that_is_none_stops_nothing(visit: OpenWindow) -> None:
    window = visit()
    page = window.go("book/questions.html#100%")
    page.get_by_label("Words").fill("no such words")
    assert page.locator(".question-row:visible").count() == 0
    assert window.complaints == []


def test_a_link_to_open_code_shows_it_on_a_phone(visit: OpenWindow) -> None:
    name = visit(360).go(LESSON).locator(".cell[id^='cell-']:has(> .show-code)").nth(2).get_attribute("id")
    page = visit(360).go(f"{LESSON}#{name}")
    assert page.locator(f"[id='{name}'] pre").first.is_visible()
    page.evaluate("location.hash = document.querySelector('.open-proof').closest('.cell').id")
    page.wait_for_timeout(SETTLING)
    assert page.locator(".cell:has(.open-proof) .cell_input pre").first.is_visible()


def test_stubs_keep_their_indentation_on_a_phone(visit: OpenWindow) -> None:
    page = visit(360).go(LESSON)
    stub = page.locator(".stub .cell_input pre").first
    assert stub.evaluate("(pre) => getComputedStyle(pre).whiteSpace") == "pre"


def test_paper_shows_corrections_whole(visit: OpenWindow) -> None:
    page = visit(794).go(LESSON)
    words = page.locator(CARD).first.locator("p").last
    fold = page.locator("details.code-fold").first
    shown = "(part) => part.checkVisibility({ contentVisibilityAuto: true }) && part.getBoundingClientRect().height > 0"
    assert not words.evaluate(shown)
    page.emulate_media(media="print")
    assert words.evaluate(shown), "by style alone"
    page.emulate_media(media="screen")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator(CARD).count() == 0 and fold.get_attribute("open") is None
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator(CARD).count() > 0


def test_printed_pictures_have_no_dark_frame(visit: OpenWindow) -> None:
    page = visit(794, "dark").go(LESSON)
    page.emulate_media(media="print", color_scheme="dark")
    grounds = page.evaluate(
        "[...new Set([...document.querySelectorAll('article img')].map((i) => getComputedStyle(i).backgroundColor))]"
    )
    assert grounds == ["rgb(255, 255, 255)"]


def test_without_scripts_there_are_colours(browser: playwright.Browser, address: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(address + LESSON)
    colour = "(part) => getComputedStyle(part).backgroundColor"
    assert page.locator("html").get_attribute("data-theme") == "light"
    assert page.locator(".bd-header-article").first.evaluate(colour) == "rgb(255, 255, 255)"
    keyword = page.locator(".highlight .k:visible, .highlight .kn:visible, .highlight .n:visible").first
    assert keyword.evaluate("(part) => getComputedStyle(part).color") != "rgb(0, 0, 0)"
    context.close()


def test_after_back_folds_are_as_they_were(visit: OpenWindow) -> None:
    page = visit().go(LESSON)
    fold = page.locator("details.code-fold").nth(12)
    fold.locator("summary").first.click()
    page.mouse.wheel(0, 600)
    page.wait_for_timeout(SETTLING)
    top = page.evaluate("scrollY")
    page.goto(page.url.replace(LESSON, "book/status.html"))
    page.go_back()
    page.wait_for_timeout(SETTLING)
    assert fold.get_attribute("open") is not None
    assert abs(page.evaluate("scrollY") - top) < 5
    page.goto(page.url)
    assert fold.get_attribute("open") is None, "who comes anew finds it as written"


def test_without_has_the_results_are_no_glass(visit: OpenWindow) -> None:
    window = visit()

    def as_before(route: playwright.Route) -> None:
        answer = route.fetch()
        text = re.sub(r"@supports not selector\(:has\(\*\)\)", "@supports (color: red)", answer.text())
        route.fulfill(response=answer, body=text.replace(":has(", ":unknown("))

    window.page.route(re.compile(r"search\.css"), as_before)
    page = window.go(LESSON)
    page.keyboard.press("Control+k")
    page.locator("#pst-search-dialog input").fill("attention")
    page.wait_for_selector("#pst-search-dialog .found li")
    style = page.locator("#pst-search-dialog .found").evaluate(
        "(box) => [getComputedStyle(box).backgroundColor, getComputedStyle(box).overflowY]"
    )
    assert style == ["rgb(255, 255, 255)", "auto"]


def test_what_changes_is_told_by_sign_and_shade(visit: OpenWindow) -> None:
    page = visit().go(LESSON)
    page.evaluate("document.querySelectorAll('details').forEach((fold) => (fold.open = true))")
    shades = [
        page.locator(f".mutants .{kind}").first.evaluate("(part) => getComputedStyle(part).backgroundColor")
        for kind in ("gd", "gi")
    ]
    assert len(set(shades)) == 2 and "rgba(0, 0, 0, 0)" not in shades
    assert page.locator(".mutants .gd").first.inner_text().startswith("-")
    assert page.locator(".mutants .gi").first.inner_text().startswith("+")


def test_no_width_around_the_phone_scrolls_sideways(visit: OpenWindow) -> None:
    page = visit(600).go(LESSON)
    wide = []
    for width in (600, 601, 602, 620, 640, 641, 642, 660):
        page.set_viewport_size({"width": width, "height": 800})
        if page.evaluate("document.documentElement.scrollWidth") > width:
            wide.append(width)
    assert wide == []


def test_code_of_88_columns_fits_between_narrow_panels(visit: OpenWindow) -> None:
    page = visit(992).go(LESSON)
    for width in (992, 1040, 1199, 1200, 1240, 1279):
        page.set_viewport_size({"width": width, "height": 800})
        page.wait_for_timeout(SETTLING)
        assert [line for _, line in page.evaluate(OVERFLOWING) if line <= 88] == [], width


SHIFTS = """[...document.querySelectorAll("article figure")].filter((each) => each.checkVisibility()).map((figure) => {
    const words = document.createRange(), caption = figure.querySelector(".caption-text");
    const image = figure.querySelector("img");
    if (!caption || !image) return 0;
    words.selectNodeContents(caption);
    const left = Math.min(...[...words.getClientRects()].map((box) => box.left));
    return Math.round(left - image.getBoundingClientRect().left);
})"""


def test_short_captions_start_where_pictures_do(visit: OpenWindow) -> None:
    page = visit(768).go(LESSON)
    for width in (768, 1280, 1920):
        page.set_viewport_size({"width": width, "height": 800})
        page.wait_for_timeout(SETTLING)
        shifts = page.evaluate(SHIFTS)
        assert [shift for shift in shifts if abs(shift) > 2] == []
