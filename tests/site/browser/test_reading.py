"""What a reader meets on a lesson's page, measured: folds that links open, code that fits, contents that follow."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.site.browser.window import LESSON, LESSONS, OpenWindow, page_name, playwright
from tools.lesson.format import CAREFUL_OPEN, OPENING
from tools.lesson.read import NOTEBOOKS, has_tag, read_lesson
from tools.site.measure import WIDTHS, Figures, measure
from tools.site.weight import SETTLING

COLUMNS = 88
LARGEST_SHARE = 0.4
FOLD = "details.code-fold"
PROOF = f"{FOLD} [id^='proof-']"


@cache
def lesson(name: str) -> Any:
    """The notebook of a lesson's page."""
    return read_lesson(NOTEBOOKS / f"{page_name(name)}.ipynb")


@pytest.fixture(scope="module")
def figures(browser: playwright.Browser, site: Path) -> dict[str, Figures]:
    """The numbers of all lessons."""
    return measure(browser, site, list(LESSONS))


@pytest.mark.parametrize("name", LESSONS, ids=page_name)
class TestNumbers:
    """Each lesson, measured."""

    def test_code_of_88_columns_fits(self, figures: dict[str, Figures], name: str) -> None:
        overflow = figures[name].overflow
        assert {width: [line for _, line in overflow[width] if line <= COLUMNS] for width in WIDTHS} == {
            width: [] for width in WIDTHS
        }

    def test_code_takes_at_most_two_fifths_of_the_page(self, figures: dict[str, Figures], name: str) -> None:
        assert 0 < figures[name].code <= LARGEST_SHARE

    def test_few_corrections_stand_open(self, figures: dict[str, Figures], name: str) -> None:
        kept = [cell for cell in lesson(name).cells if has_tag(cell, CAREFUL_OPEN)]
        assert figures[name].careful >= len(kept)
        assert figures[name].careful <= 5

    def test_the_picture_of_the_whole_is_on_the_first_screen(self, figures: dict[str, Figures], name: str) -> None:
        opening = [cell for cell in lesson(name).cells if has_tag(cell, OPENING) and cell.outputs]
        if not opening:
            pytest.skip("the lesson has no picture of the whole yet")
        assert 0 < figures[name].picture < 450


def test_a_block_that_does_not_fit_is_counted(visit: OpenWindow) -> None:
    from tools.site.measure import OVERFLOWING

    page = visit().go(LESSON)
    before = page.evaluate(OVERFLOWING)
    block = page.locator(".cell_input pre").first
    block.evaluate("(pre) => (pre.textContent = 'x'.repeat(88))")
    assert page.evaluate(OVERFLOWING) == before
    block.evaluate("(pre) => (pre.textContent = 'x'.repeat(110))")
    assert [line for _, line in page.evaluate(OVERFLOWING) if line == 110] == [110]


def test_a_link_into_a_fold_opens_it(visit: OpenWindow) -> None:
    page = visit().go(LESSON)
    anchor = page.locator(f"{FOLD} [id]").nth(4).get_attribute("id")
    fold = page.locator(FOLD, has=page.locator(f"[id='{anchor}']")).last
    assert fold.get_attribute("open") is None
    page.evaluate("(anchor) => (location.hash = anchor)", anchor)
    page.wait_for_timeout(SETTLING)
    assert fold.get_attribute("open") is not None
    top = fold.bounding_box()["y"]
    assert 0 <= top < 300, "the line of the fold is in sight"


def test_a_fold_that_is_sent_for_is_open_from_the_start(visit: OpenWindow) -> None:
    name = visit().go(LESSON).locator(f"{FOLD} [id]").nth(4).get_attribute("id")
    page = visit().go(f"{LESSON}#{name}")
    assert page.locator(FOLD, has=page.locator(f"[id='{name}']")).last.get_attribute("open") is not None


def test_without_scripts_the_browser_opens_it(browser: playwright.Browser, address: str, visit: OpenWindow) -> None:
    name = visit().go(LESSON).locator(f"{FOLD} [id]").nth(4).get_attribute("id")
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{address}{LESSON}#{name}")
    page.wait_for_timeout(SETTLING)
    assert page.locator(f"[id='{name}']").is_visible()
    context.close()


def test_where_the_browser_does_not_the_script_opens_it(visit: OpenWindow) -> None:
    page = visit().go(LESSON)
    name = page.locator(f"{FOLD} [id]").nth(4).get_attribute("id")
    page.evaluate("(name) => history.replaceState(null, '', `#${name}`)", name)  # the browser itself does nothing
    page.evaluate("dispatchEvent(new HashChangeEvent('hashchange'))")
    assert page.locator(FOLD, has=page.locator(f"[id='{name}']")).last.get_attribute("open") is not None


def test_a_correction_opens_by_keyboard(visit: OpenWindow) -> None:
    page = visit().go("notebooks/" + page_name(LESSON) + ".html")
    card = page.locator("details.careful").first
    assert card.locator("summary").inner_text().startswith("Careful: ")
    words = card.locator("p").last
    assert not words.is_visible()
    card.locator("summary").focus()
    page.keyboard.press("Enter")
    assert words.is_visible()


ACTIVE = """() => {
    const panel = document.querySelector("#pst-secondary-sidebar").getBoundingClientRect();
    const active = [...document.querySelectorAll("#pst-page-toc-nav a[aria-current='true']")];
    const box = active.length ? active[0].getBoundingClientRect() : null;
    const seen = box && box.top >= panel.top && box.bottom <= Math.min(panel.bottom, innerHeight);
    return [active.map((link) => link.hash), Boolean(seen)];
}"""


@pytest.mark.parametrize("name", LESSONS, ids=page_name)
def test_the_contents_follow(visit: OpenWindow, name: str) -> None:
    window = visit(1280)
    anchors = window.go(name).evaluate("[...document.querySelectorAll('section.question')].map((part) => part.id)")
    for anchor in (anchors[len(anchors) // 2], anchors[-1]):
        page = visit(1280).go(f"{name}#{anchor}")
        assert page.evaluate(ACTIVE) == [[f"#{anchor}"], True]
    place = "document.getElementById({!r}).scrollIntoView()"
    page.evaluate(place.format(anchors[0]))  # back above, by scrolling
    page.wait_for_timeout(SETTLING)
    assert page.evaluate(ACTIVE) == [[f"#{anchors[0]}"], True]
    assert page.locator(".bd-sidebar-primary a[aria-current='page']").count() == 1


CUT = """() => [...document.querySelectorAll("article .pst-scrollable-table-container")].flatMap((box) => {
    const side = box.getBoundingClientRect();
    const cells = [...box.querySelectorAll("th, td")].map((cell) => cell.getBoundingClientRect());
    const cut = cells.filter((cell) => cell.left < side.right - 3 && cell.right > side.right + 3);
    const scrolls = box.scrollWidth > box.clientWidth + 1;
    const told = box.nextElementSibling && box.nextElementSibling.matches(".table-more:not([hidden])");
    const words = box.textContent.trim().slice(0, 40);
    return [...(cut.length && scrolls ? [`cut: ${words}`] : []), ...(scrolls && !told ? [`hidden: ${words}`] : [])];
})"""
BROKEN = """() => [...document.querySelectorAll("article td.figures")].filter((cell) => {
    const range = document.createRange();
    range.selectNodeContents(cell);
    const tops = [...range.getClientRects()].filter((box) => box.width > 1).map((box) => Math.round(box.top / 8));
    return Math.max(...tops) - Math.min(...tops) > 1;
}).map((cell) => cell.textContent.trim())"""


@pytest.mark.parametrize("name", [*LESSONS, "book/notation.html"], ids=page_name)
def test_tables_cut_no_number_on_a_phone(visit: OpenWindow, name: str) -> None:
    page = visit(360).go(name)
    assert page.evaluate(CUT) == []
    assert page.evaluate(BROKEN) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert page.locator("#pst-back-to-top").count() == 0, "it would lie on the text"


def test_short_code_stays_open_on_a_phone(visit: OpenWindow) -> None:
    page = visit(360).go(LESSON)
    short = page.locator(".short-code .cell_input pre")
    assert short.count() and short.first.is_visible()
    assert short.first.evaluate("(pre) => pre.scrollWidth <= pre.clientWidth")
    assert page.evaluate(
        """[...document.querySelectorAll(".show-code + .cell_input pre")]
            .every((pre) => pre.textContent.split("\\n").filter((line) => line.trim()).length > 4)"""
    )


@pytest.mark.parametrize("name", LESSONS, ids=page_name)
def test_plots_lie_on_the_ground_of_a_dark_page(visit: OpenWindow, name: str) -> None:
    page = visit(1280, "dark").go(name)
    styles = """(kind) => [...new Set([...document.querySelectorAll(`article .${kind} img`)].map((image) => {
        const style = getComputedStyle(image);
        return `${style.filter} ${style.mixBlendMode}`;
    }))]"""
    assert page.evaluate(styles, "only-plots") == ["invert(1) hue-rotate(180deg) screen"]
    assert page.evaluate(styles, "shows-images") == ["brightness(0.82) normal"]
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate(styles, "only-plots") == ["none normal"]


def test_a_plot_has_the_colour_of_the_page_behind_it(visit: OpenWindow) -> None:
    from io import BytesIO

    from PIL import Image

    page = visit(1280, "dark").go(LESSON)
    plot = page.locator("article .only-plots img").first
    plot.scroll_into_view_if_needed()
    page.wait_for_timeout(SETTLING)
    shown = Image.open(BytesIO(plot.screenshot())).convert("RGB")
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)")
    assert shown.getpixel((6, 6)) == tuple(ground)


# As in browsers before 2023: a selector with :has() is an error.
WITHOUT_HAS = """for (const name of ["querySelector", "querySelectorAll", "matches", "closest"]) {
    for (const kind of [Document, DocumentFragment, Element]) {
        const own = kind.prototype[name];
        if (own) kind.prototype[name] = function (selector) {
            if (String(selector).includes(":has(")) throw new SyntaxError(`not a selector: ${selector}`);
            return own.call(this, selector);
        };
    }
}"""


def test_nothing_stops_in_a_browser_without_has(visit: OpenWindow) -> None:
    window = visit()
    window.page.add_init_script(WITHOUT_HAS)
    page = window.go("book/questions.html")
    assert page.evaluate("try { document.querySelector('p:has(a)'); } catch (error) { error.name }") == "SyntaxError"
    page.get_by_label("Words").fill("no such words")
    assert page.locator(".question-row:visible").count() == 0
    assert not page.locator("h2", has_text="Lesson 1").is_visible()
    page.get_by_label("Words").fill("mask")
    assert page.locator(".question-row:visible").count() > 0
    window.go(f"{LESSON}#{page_name(LESSON)}")
    assert page.locator("#pst-page-toc-nav a").count() > 10
    assert window.complaints == []
