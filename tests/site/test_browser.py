"""The finished site in Chromium: accessible, quiet, within the screen, and working without a server."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from tools.lesson.read import lesson_paths
from tools.site.weight import SETTLING, chromium, compressed, find_chromium, read_to_the_end, served

playwright = pytest.importorskip(
    "playwright.sync_api", reason="Playwright is missing: pip install -r tests/requirements.txt"
)
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is missing: see tests/requirements.txt")

WIDTHS = (360, 1280)
ALL_WIDTHS = (360, 768, 1280)
MODES = ("light", "dark")
LESSONS = tuple(f"notebooks/{path.stem}.html" for path in lesson_paths())
LESSON = LESSONS[0]  # where one lesson stands for all: what is tried is the site's, not the lesson's
OTHERS = (
    "404.html",
    "book/corrections.html",
    "book/cram_1.html",
    "book/glossary.html",
    "book/index.html",
    "book/notation.html",
    "book/pictures.html",
    "book/questions.html",
    "book/quick_reference.html",
    "book/references.html",
    "book/status.html",
    "genindex.html",
    "search.html?q=patch",
)

AXE_OPTIONS = {"resultTypes": ["violations"], "preload": False}
# A lesson has thousands of coloured words, and axe looks at the contrast of each: of every kind, three are enough.
THIN_OUT_CODE = """() => {
    const seen = {};
    for (const word of [...document.querySelectorAll("pre span[class]")]) {
        const kind = word.className + " " + (word.closest(".cell_output") ? "output" : "input");
        seen[kind] = (seen[kind] || 0) + 1;
        if (seen[kind] > 3) word.replaceWith(word.textContent);
    }
}"""


def page_name(name: str) -> str:
    """A page's file name without folder and ending, to tell the tests apart."""
    return name.split("/")[-1].split(".")[0]


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    """Serve the site on this machine, on a free port."""
    with served(site) as address:
        yield address


@pytest.fixture(scope="module")
def browser() -> Iterator[playwright.Browser]:
    """Start Chromium once."""
    program = find_chromium()
    if program is None:
        pytest.skip("There is no Chromium: install it (apt-get install chromium) or set CHROMIUM to its path.")
    with chromium(program) as browser:
        yield browser


class Visit:
    """A page in a window of its own, and what went wrong while it loaded."""

    def __init__(self, browser: playwright.Browser, address: str, width: int = 1280, mode: str = "light") -> None:
        """Open an empty window."""
        self.context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=mode)
        self.address, self.complaints, self.loaded = address, [], []
        self.page = self.context.new_page()
        self.page.on("console", self.note_message)
        self.page.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))
        self.page.on("request", self.note_request)
        self.page.on("response", self.note_response)

    def note_message(self, message: playwright.ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(f"{message.type}: {message.text}")

    def note_request(self, request: playwright.Request) -> None:
        if not request.url.startswith((self.address, "data:")):
            self.complaints.append(f"asks another host for {request.url}")

    def note_response(self, response: playwright.Response) -> None:
        self.loaded.append(response.url)
        if response.status >= 400:
            self.complaints.append(f"status {response.status} for {response.url}")

    def go(self, name: str) -> playwright.Page:
        """Open a page, and wait until the theme has seen to it: it makes scrolling boxes reachable a moment later."""
        self.page.goto(self.address + name)
        self.page.wait_for_timeout(SETTLING)
        return self.page


@pytest.fixture
def visit(browser, address: str) -> Iterator[type[Visit]]:
    """Open windows, and close them afterwards."""
    windows: list[Visit] = []

    def open_window(width: int = 1280, mode: str = "light") -> Visit:
        windows.append(Visit(browser, address, width, mode))
        return windows[-1]

    yield open_window
    for window in windows:
        window.context.close()


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("width", ALL_WIDTHS)
@pytest.mark.parametrize("name", [*LESSONS, *OTHERS], ids=page_name)
def test_pages_are_accessible_quiet_and_fit(visit, name: str, width: int, mode: str):
    window = visit(width, mode)
    page = window.go(name)
    if name.startswith("search"):
        page.wait_for_selector("#search-results li")
    assert name == "404.html" or page.evaluate("document.documentElement.dataset.theme") == mode
    assert page.evaluate("document.documentElement.scrollWidth") <= width, "the page scrolls sideways"
    assert window.complaints == []  # before axe, which asks for style sheets itself
    if page.locator("details.folded").count():
        page.evaluate("document.querySelectorAll('details.folded').forEach((fold) => (fold.open = true))")
        page.evaluate(
            "document.querySelectorAll('.show-code').forEach((button) => button.offsetParent && button.click())"
        )
        page.wait_for_timeout(SETTLING)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, "an open cell widens the page"
        page.evaluate(THIN_OUT_CODE)
    violations = axe.Axe().run(page, options=AXE_OPTIONS).response["violations"]
    assert [(each["id"], each["help"], [node["target"] for node in each["nodes"]][:3]) for each in violations] == []


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
def test_the_slider_obeys_keyboard_and_mouse(visit, name: str, width: int):
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


def test_the_first_frame_shows_without_scripts(browser, address: str):
    context = browser.new_context(java_script_enabled=False, viewport={"width": 360, "height": 800})
    page = context.new_page()
    page.goto(address + LESSON)
    frames = page.locator(".frame-slider").first.locator("img")
    frames.first.scroll_into_view_if_needed()
    assert frames.first.is_visible()
    assert not frames.nth(1).is_visible()
    context.close()


def test_collapsed_cells_open_by_keyboard(visit):
    page = visit().go(LESSON)
    fold = page.locator("details.folded").nth(1)  # after the imports
    assert not fold.locator("pre").is_visible()
    summary = fold.locator("summary")
    assert summary.inner_text().strip() == "Show set-up"
    summary.focus()
    page.keyboard.press("Enter")
    assert fold.locator("pre").is_visible()
    assert summary.inner_text().strip() == "Hide set-up"


def test_dark_mode_can_be_chosen_and_is_kept(visit):
    window = visit(mode="light")
    page = window.go(LESSON)
    background = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(background)
    page.get_by_role("button", name="Colour mode").click()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    dark = page.evaluate(background)
    assert dark != light
    picture = page.locator("article figure img").first
    style = picture.evaluate("(image) => [getComputedStyle(image).filter, getComputedStyle(image).backgroundColor]")
    assert style == ["none", "rgb(255, 255, 255)"], "pictures keep their white paper"
    window.go("book/index.html")
    assert page.evaluate(background) == dark


def test_wide_formulas_scroll_in_their_own_box(visit):
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


def test_formulas_use_the_font_of_the_site(visit):
    window = visit()
    page = window.go(LESSON)
    assert page.evaluate("document.fonts.check('16px \"Book Math\"')")
    assert [url for url in window.loaded if url.endswith("math.woff")]


def shown_rows(page: playwright.Page) -> list[str]:
    """The questions that the filter leaves, by their anchors."""
    return page.evaluate(
        "[...document.querySelectorAll('.question-row')].filter((r) => r.offsetParent).map((r) => r.id)"
    )


class TestQuestionFilter:
    """The question index, narrowed without a server."""

    def test_words_topic_difficulty_and_corrections_narrow_it(self, visit):
        window = visit()
        page = window.go("book/questions.html")
        assert len(shown_rows(page)) == 130
        window.context.set_offline(True)  # nothing is asked for any more
        page.get_by_label("Words").fill("Vision Transformer ViT")
        by_words = shown_rows(page)
        assert "q1" in by_words and len(by_words) < 60
        page.get_by_label("Words").fill("")
        page.get_by_label("Topic").select_option("positions")
        by_topic = shown_rows(page)
        assert "q30" in by_topic and "q1" not in by_topic
        page.get_by_label("Difficulty").select_option("core")
        assert set(shown_rows(page)) < set(by_topic)
        page.get_by_label("only with a correction").check()
        assert all(page.locator(f"#{row}.with-careful").count() == 1 for row in shown_rows(page))
        assert page.locator(".question-filter output").text_content() == f"{len(shown_rows(page))} of 130 questions"
        assert window.complaints == []

    def test_words_reach_the_folded_answers(self, visit):
        page = visit(360).go("book/questions.html")
        page.get_by_label("Words").fill("Cordonnier")
        everywhere = shown_rows(page)
        page.get_by_label("Words").fill("√d")
        assert "q45" in shown_rows(page) and everywhere != shown_rows(page)
        page.get_by_label("Words").fill("no such words")
        assert shown_rows(page) == []
        assert not page.locator("h2", has_text="Lesson 1").is_visible(), "a lesson without a row has no heading"

    def test_what_is_asked_for_is_in_the_address(self, visit):
        page = visit().go("book/questions.html")
        page.get_by_label("Topic").select_option("attention")
        page.get_by_label("only with a correction").check()
        chosen = shown_rows(page)
        again = visit().go("book/questions.html" + page.url.split("questions.html")[1])
        assert shown_rows(again) == chosen and 0 < len(chosen) < 130

    def test_it_works_by_keyboard(self, visit):
        page = visit().go("book/questions.html")
        page.get_by_label("Words").focus()
        page.keyboard.type("causal")
        assert 0 < len(shown_rows(page)) < 20
        page.keyboard.press("Enter")  # sends nothing
        assert "causal" in page.url and page.get_by_label("Words").input_value() == "causal"

    def test_without_scripts_all_rows_show(self, browser, address: str):
        context = browser.new_context(java_script_enabled=False)
        page = context.new_page()
        page.goto(address + "book/questions.html")
        assert page.locator(".question-row").count() == 130
        assert page.locator("#q1").is_visible() and not page.locator(".question-filter").is_visible()
        context.close()


def test_code_is_folded_on_a_phone_and_opens_by_keyboard(visit):
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


@pytest.mark.parametrize("path", lesson_paths(), ids=lambda path: path.stem)
def test_a_lesson_in_short_prints_on_two_sheets(visit, path: Path):
    page = visit().go(f"book/cram_{int(path.stem[:2])}.html")
    pdf = page.pdf(format="A4", margin=dict.fromkeys(("top", "bottom", "left", "right"), "12mm"))
    assert pdf.count(b"/Type /Page\n") + pdf.count(b"/Type /Page/") <= 2


@pytest.mark.parametrize("name", [LESSON, "book/questions.html", "book/corrections.html"], ids=page_name)
def test_the_keyboard_reaches_everything_and_shows_where_it_is(visit, name: str):
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


def test_nothing_is_animated_for_who_wants_it_so(browser, address: str):
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


def layout_shift(page: playwright.Page) -> float:
    """How much has moved since the page began to load; 0.1 is called good."""
    return page.evaluate(
        """() => new Promise((done) => {
            let sum = 0;
            new PerformanceObserver((list) => list.getEntries().forEach((entry) => (sum += entry.value)))
                .observe({ type: "layout-shift", buffered: true });
            setTimeout(() => done(sum), 300);
        })"""
    )


# Words that say nothing about what a question asks.
FILLER = frozenset(
    {"what", "is", "are", "the", "a", "an", "of", "in", "to", "for", "how", "does", "do", "why", "and", "or", "from"}
    | {"with", "on", "by", "it", "its", "vs", "use", "used", "handle", "role"}
)


def key_words(wording: str) -> str:
    """What somebody who remembers a question would type."""
    words = re.findall(r"[\w-]+", wording)
    return " ".join(word for word in words if word.lower() not in FILLER)


def test_search_finds_every_question_by_its_key_words(visit):
    window = visit()
    rows = window.go("book/questions.html").locator(".question-row:not(.to-come) .question-line a").all_text_contents()
    missed = []
    page = window.page
    for row in rows:
        number, wording = row.split(" · ", 1)
        page.goto(f"{window.address}search.html?q={quote(key_words(wording))}", wait_until="commit")
        page.wait_for_selector(".found-questions a")
        found = page.locator(".found-questions li").all_text_contents()
        missed += [number] if row not in found else []
    assert rows and missed == []
    assert window.complaints == []


def test_search_reads_the_whole_text_too(visit):
    page = visit().go("search.html?q=complexity")
    page.wait_for_selector("#search-results li")
    assert page.locator("#search-results a[href*='01_vit_fundamentals']").count() >= 1


def test_a_search_for_nothing_known_says_so(visit):
    page = visit().go("search.html?q=zyzzyva")
    page.wait_for_timeout(SETTLING)
    assert page.locator(".found-questions").count() == 0 and page.locator("#search-results li").count() == 0


def test_the_menu_opens_on_a_phone(visit):
    page = visit(360).go(LESSON)
    link = page.locator(".bd-links a", has_text="Notation")
    assert not link.is_visible()
    page.locator("button.primary-toggle").click()
    link.wait_for(state="visible")
    page.wait_for_timeout(SETTLING)
    link.click()
    page.wait_for_url("**/notation.html")


@pytest.mark.parametrize("name", [*LESSONS, "book/questions.html", "book/corrections.html"], ids=page_name)
@pytest.mark.parametrize("width", WIDTHS)
def test_pages_are_light_and_nothing_moves(visit, site: Path, name: str, width: int, record_property):
    window = visit(width)
    page = window.go(name)
    shift, start = layout_shift(page), compressed(site, window.loaded, window.address)
    read_to_the_end(page)
    whole = compressed(site, window.loaded, window.address)
    record_property(
        "weight", f"{page_name(name):32}{width:6} px{start / 1000:8.0f} kB{whole / 1000:8.0f} kB{shift:8.3f}"
    )
    assert start <= 1_000_000, "too much before scrolling"
    assert whole <= 3_000_000, "too much in all"
    assert shift < 0.05, "something moves while the page loads"
