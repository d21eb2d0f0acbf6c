"""Flash cards of the question index in Chromium: by keyboard, by mouse, by thumb; without scripts the list is there."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.site.browser.window import OpenWindow, playwright
from tools.lesson.format import read_registry
from tools.lesson.read import ROOT
from tools.site.weight import SETTLING

CARDS = "book/questions.html#cards"
WRITTEN = sum(len(lesson.wordings) for lesson in read_registry().lessons if lesson.is_written(ROOT / "notebooks"))
# What a finger does, as the browser tells it to the page.
SWIPE = """([from, to]) => {
    const card = document.querySelector(".deck-card");
    const touch = (x) => new Touch({ identifier: 1, target: card, clientX: x, clientY: 300 });
    card.dispatchEvent(new TouchEvent("touchstart", { touches: [touch(from)], bubbles: true }));
    card.dispatchEvent(new TouchEvent("touchend", { touches: [], changedTouches: [touch(to)], bubbles: true }));
}"""


def question(page: playwright.Page) -> str:
    """The question that the card shows."""
    return page.locator(".deck-card h2").inner_text()


def is_open(page: playwright.Page) -> bool:
    """Whether its answer shows."""
    return page.locator(".deck-answer").is_visible()


def test_the_keyboard_turns_cards(visit: OpenWindow) -> None:
    window = visit()
    page = window.go(CARDS)
    assert question(page).startswith("Q1 · ") and not is_open(page)
    assert page.locator(".question-row:visible").count() == 0, "the list gives way"
    page.keyboard.press("Space")
    assert is_open(page) and page.locator(".deck-answer").inner_text().strip()
    page.keyboard.press("ArrowRight")
    assert question(page).startswith("Q2 · ") and not is_open(page), "the next card shows its front"
    page.keyboard.press("Enter")
    assert is_open(page)
    page.keyboard.press("Enter")
    assert not is_open(page)
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    assert page.locator(".deck-place output").inner_text() == f"Card {WRITTEN} of {WRITTEN}, the last", (
        "before the first comes the last"
    )
    assert page.evaluate("scrollY") < 200, "space did not scroll"
    assert window.complaints == []


def test_buttons_keep_their_own_keys(visit: OpenWindow) -> None:
    page = visit().go(CARDS)
    page.locator("[data-do=next]").focus()
    page.keyboard.press("Space")
    assert question(page).startswith("Q2 · ") and not is_open(page)
    page.locator("[data-do=next]").click()  # by hand: afterwards the keys mean the card
    page.keyboard.press("Space")
    assert question(page).startswith("Q3 · ") and is_open(page)
    page.get_by_label("Words").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.type("a b")
    assert page.get_by_label("Words").input_value() == "a b", "in a field, keys write"


def test_a_tap_turns_the_card_and_a_swipe_changes_it(browser: playwright.Browser, address: str) -> None:
    context = browser.new_context(viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True)
    page = context.new_page()
    page.goto(address + CARDS)
    page.wait_for_timeout(SETTLING)
    assert page.evaluate(SEEN) <= 740, "card and buttons are on the first screen"
    page.locator(".deck-card h2").tap()
    assert is_open(page)
    page.locator(".deck-card h2").tap()
    assert not is_open(page)
    page.evaluate(SWIPE, [300, 100])
    assert question(page).startswith("Q2 · ")
    page.evaluate(SWIPE, [100, 300])
    assert question(page).startswith("Q1 · ")
    page.evaluate(SWIPE, [100, 120])
    assert question(page).startswith("Q1 · "), "a finger that hardly moves changes nothing"
    context.close()


SEEN = "document.querySelector('.deck-buttons').getBoundingClientRect().bottom"


def test_the_filter_chooses_the_cards(visit: OpenWindow) -> None:
    page = visit().go("book/questions.html?lesson=3&tonight=on#cards")
    count = int(page.locator(".deck-place output").inner_text().split()[-1])
    numbers = set()
    for _ in range(count):
        numbers.add(int(question(page).split(" · ")[0][1:]))
        page.keyboard.press("ArrowRight")
    assert len(numbers) == count and numbers < set(range(41, 56))
    assert {41, 42, 47} <= numbers and 48 not in numbers, "core questions and favourites, no others"
    page.get_by_label("Difficulty").select_option("expert")
    assert page.locator(".deck-place output").inner_text() == "No question fits the filter below."
    assert page.locator("[data-do=next]").is_disabled()
    page.get_by_label("Difficulty").select_option("core")
    page.get_by_label("only for the night before").uncheck()
    assert question(page).startswith("Q4")
    page.get_by_label("Lesson").select_option("")
    assert question(page).startswith("Q1 · "), "of all lessons"


def test_once_more_and_shuffled(visit: OpenWindow) -> None:
    page = visit().go("book/questions.html?lesson=2#cards")
    first = question(page)
    page.locator("[data-do=later]").click()
    assert question(page) != first
    page.keyboard.press("ArrowLeft")
    assert question(page) == first, "it comes again at the end"
    page = visit().go("book/questions.html?lesson=2#cards")
    page.locator("[data-do=shuffle]").click()
    shuffled = []
    for _ in range(15):
        shuffled.append(question(page))
        page.keyboard.press("ArrowRight")
    assert len(set(shuffled)) == 15
    assert shuffled != sorted(shuffled, key=lambda words: int(words.split(" · ")[0][1:]))


def test_list_and_cards_are_two_addresses(visit: OpenWindow) -> None:
    page = visit().go("book/questions.html")
    assert not page.locator("#cards").is_visible()
    page.locator(".show-cards").click()
    assert page.locator("#cards").is_visible() and page.url.endswith("#cards")
    page.go_back()
    assert not page.locator("#cards").is_visible() and page.locator("#q1").is_visible()
    page.go_forward()
    assert page.locator("#cards").is_visible()
    page.locator("[data-do=leave]").click()
    assert page.locator("#q1").is_visible() and "#" not in page.url
    page.locator("article a", has_text="flash cards").click()
    assert page.locator("#cards").is_visible() and not page.locator("#q1").is_visible()


FOCUSED = "document.activeElement.className || document.activeElement.tagName"


@pytest.mark.parametrize("way", ["button.show-cards", "article a[href='#cards']"], ids=["button", "link"])
def test_the_focus_goes_where_the_reader_goes(visit: OpenWindow, way: str) -> None:
    page = visit().go("book/questions.html")
    page.locator(way).first.click()
    page.wait_for_timeout(SETTLING)
    assert page.evaluate(FOCUSED) == "deck-card"
    flip = page.locator("[data-do=flip]")
    states = [flip.get_attribute("aria-expanded")]
    page.keyboard.press("Space")
    states.append(flip.get_attribute("aria-expanded"))
    assert states == ["false", "true"]
    assert page.locator(f"#{flip.get_attribute('aria-controls')}").is_visible()
    page.locator("[data-do=leave]").click()
    page.wait_for_timeout(SETTLING)
    assert page.evaluate(FOCUSED) == "show-cards"


def test_cards_opened_by_their_address_have_the_focus(visit: OpenWindow) -> None:
    page = visit().go(CARDS)
    page.wait_for_function(f'({FOCUSED}) === "deck-card"')


def test_back_from_a_lesson_leads_to_the_same_card(visit: OpenWindow) -> None:
    page = visit().go("book/questions.html?lesson=2#cards")
    page.locator("[data-do=shuffle]").click()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    seen = question(page)
    page.keyboard.press("ArrowRight")
    following = question(page)
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Space")
    page.locator(".deck-links a").first.click()
    page.wait_for_url("**/notebooks/**")
    page.go_back()
    page.wait_for_timeout(SETTLING)
    assert question(page) == seen and is_open(page)
    page.keyboard.press("ArrowRight")
    assert question(page) == following, "in the same order"
    page.get_by_label("Difficulty").select_option("core")
    page.reload()
    page.wait_for_timeout(SETTLING)
    assert page.locator(".deck-place output").inner_text().startswith("Card 1 of ")


def test_what_is_still_to_come_has_no_card_and_says_so(visit: OpenWindow) -> None:
    page = visit().go("book/questions.html?lesson=6#cards")
    assert page.locator(".deck-place output").inner_text() == "The 15 questions that fit are still to come."
    assert page.locator(".question-filter output").inner_text() == "15 of 130 questions, 15 of them still to come"


def test_the_last_card_says_that_it_is(visit: OpenWindow) -> None:
    page = visit().go("book/questions.html?lesson=3#cards")
    page.keyboard.press("ArrowLeft")
    assert page.locator(".deck-place output").inner_text() == "Card 15 of 15, the last"
    note = page.locator(".deck-note")
    last = question(page)
    page.locator("[data-do=later]").click()
    assert note.inner_text() == "This is the last card already." and question(page) == last
    page.keyboard.press("ArrowRight")
    assert note.inner_text() == "That was the last card. They begin again."
    page.locator("[data-do=later]").click()
    assert "once more at the end" in note.inner_text()
    page.keyboard.press("ArrowRight")
    assert note.inner_text() == ""


@pytest.mark.parametrize("open_card", [False, True], ids=["front", "answer"])
def test_cards_are_accessible_and_fit(visit: OpenWindow, open_card: bool) -> None:
    from tests.site.browser.accessible import faults  # skips the test where axe is missing

    window = visit(360)
    page = window.go("book/questions.html?lesson=3#cards")
    if open_card:
        page.keyboard.press("Space")
    assert page.locator(".deck-answer").is_visible() == open_card
    assert faults(window) == [] and window.complaints == []


def test_a_link_on_a_card_leads_to_its_place(visit: OpenWindow) -> None:
    page = visit().go(CARDS)
    page.keyboard.press("Space")
    page.locator(".deck-links a").first.click()
    page.wait_for_url("**/01_vit_fundamentals.html#q1")


@pytest.fixture
def plain_page(browser: playwright.Browser, address: str) -> Iterator[playwright.Page]:
    """The question index at the address of the cards, where scripts are off."""
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(address + CARDS)
    yield page
    context.close()


def test_without_scripts_there_is_the_list(plain_page: playwright.Page) -> None:
    assert plain_page.locator("#q1").is_visible()
    assert not plain_page.locator("#cards").is_visible() and not plain_page.locator(".show-cards").is_visible()
