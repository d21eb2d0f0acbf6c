"""The question index in Chromium: narrowed by words, topic, difficulty and corrections, without a server."""

from __future__ import annotations

from tests.site.browser.window import OpenWindow, playwright
from tools.lesson.format import read_registry

QUESTIONS = len(read_registry().wordings)

# As before 2023: a selector that holds :has() is an error in a script, and its rule is left out of a style sheet.
WITHOUT_HAS = """(() => {
    for (const name of ["querySelector", "querySelectorAll", "matches", "closest"]) {
        for (const kind of [Document, DocumentFragment, Element]) {
            const known = kind.prototype[name];
            if (!known) continue;
            kind.prototype[name] = function (selector) {
                if (selector.includes(":has(")) throw new SyntaxError(`'${selector}' is not a valid selector`);
                return known.call(this, selector);
            };
        }
    }
    addEventListener("DOMContentLoaded", () => {
        for (const sheet of document.styleSheets) {
            for (let n = sheet.cssRules.length - 1; n >= 0; n -= 1) {
                if (sheet.cssRules[n].selectorText?.includes(":has(")) sheet.deleteRule(n);
            }
        }
    });
})();"""


def shown_rows(page: playwright.Page) -> list[str]:
    """The questions that the filter leaves, by their anchors."""
    return page.evaluate(
        "[...document.querySelectorAll('.question-row')].filter((r) => r.offsetParent).map((r) => r.id)"
    )


class TestQuestionFilter:
    """The question index, narrowed without a server."""

    def test_words_topic_difficulty_and_corrections_narrow_it(self, visit: OpenWindow) -> None:
        window = visit()
        page = window.go("book/questions.html")
        assert len(shown_rows(page)) == QUESTIONS
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
        assert (
            page.locator(".question-filter output").text_content()
            == f"{len(shown_rows(page))} of {QUESTIONS} questions"
        )
        assert window.complaints == []

    def test_words_reach_the_folded_answers(self, visit: OpenWindow) -> None:
        page = visit(360).go("book/questions.html")
        page.get_by_label("Words").fill("Cordonnier")
        everywhere = shown_rows(page)
        page.get_by_label("Words").fill("√d")
        assert "q45" in shown_rows(page) and everywhere != shown_rows(page)
        page.get_by_label("Words").fill("no such words")
        assert shown_rows(page) == []
        assert not page.locator("h2", has_text="Lesson 1").is_visible(), "a lesson without a row has no heading"

    def test_what_stands_on_every_row_is_not_looked_through(self, visit: OpenWindow) -> None:
        page = visit().go("book/questions.html")

        def found(words: str) -> list[str]:
            page.get_by_label("Words").fill(words)
            return shown_rows(page)

        answered = page.locator(".question-row:not(.to-come)").count()
        for word in ("short answer", "proof", "careful", "core"):
            assert len(found(word)) < answered / 4, word
        assert found("normalization") == found("normalisation") != []
        assert set(found("masks")) == set(found("mask"))
        assert found("q5") == ["q5"] and found("q50") == ["q50"]
        assert len(set(found("to come"))) >= QUESTIONS - answered

    def test_answers_are_printed(self, visit: OpenWindow) -> None:
        page = visit().go("book/questions.html?lesson=1")
        page.locator("#q2 summary").click()
        opened = "document.querySelectorAll('.question-row details[open]').length"
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
        assert page.evaluate("document.querySelectorAll('.question-row details:not([open])').length") == 0
        page.evaluate("dispatchEvent(new Event('afterprint'))")
        assert page.evaluate(opened) == 1 and page.locator("#q2 .folded-answer").is_visible()

    def test_what_is_asked_for_is_in_the_address(self, visit: OpenWindow) -> None:
        page = visit().go("book/questions.html")
        page.get_by_label("Topic").select_option("attention")
        page.get_by_label("only with a correction").check()
        chosen = shown_rows(page)
        again = visit().go("book/questions.html" + page.url.split("questions.html")[1])
        assert shown_rows(again) == chosen and 0 < len(chosen) < QUESTIONS

    def test_it_works_by_keyboard(self, visit: OpenWindow) -> None:
        page = visit().go("book/questions.html")
        page.get_by_label("Words").focus()
        page.keyboard.type("causal")
        assert 0 < len(shown_rows(page)) < 20
        page.keyboard.press("Enter")  # sends nothing
        assert "causal" in page.url and page.get_by_label("Words").input_value() == "causal"

    def test_lesson_and_the_night_before_narrow_it(self, visit: OpenWindow) -> None:
        page = visit().go("book/questions.html")
        page.get_by_label("Lesson").select_option("1")
        assert shown_rows(page) == [f"q{number}" for number in range(1, 26)]
        page.get_by_label("only for the night before").check()
        tonight = shown_rows(page)
        assert {"q1", "q7", "q8", "q12", "q13"} <= set(tonight) and "q14" not in tonight
        again = visit().go("book/questions.html" + page.url.split("questions.html")[1])
        assert shown_rows(again) == tonight

    def test_browsers_that_do_not_know_has_can_narrow_it(self, visit: OpenWindow) -> None:
        window = visit()
        window.page.add_init_script(WITHOUT_HAS)
        page = window.go("book/questions.html")
        page.get_by_label("Words").fill("causal")
        assert 0 < len(shown_rows(page)) < 20
        assert not page.locator("h2", has_text="Lesson 1 ·").is_visible()
        page.locator(".show-cards").click()
        assert page.locator(".deck-card h2").inner_text().startswith("Q")
        assert window.complaints == []

    def test_without_scripts_all_rows_show(self, browser: playwright.Browser, address: str) -> None:
        context = browser.new_context(java_script_enabled=False)
        page = context.new_page()
        page.goto(address + "book/questions.html")
        assert page.locator(".question-row").count() == QUESTIONS
        assert page.locator("#q1").is_visible() and not page.locator(".question-filter").is_visible()
        context.close()
