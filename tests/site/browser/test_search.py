"""The search page in Chromium: every question is found by the words one remembers of it."""

from __future__ import annotations

import re
from urllib.parse import quote

from tests.site.browser.window import OpenWindow
from tools.site.weight import SETTLING

# Words that say nothing about what a question asks.
FILLER = frozenset(
    {"what", "is", "are", "the", "a", "an", "of", "in", "to", "for", "how", "does", "do", "why", "and", "or", "from"}
    | {"with", "on", "by", "it", "its", "vs", "use", "used", "handle", "role"}
)


def key_words(wording: str) -> str:
    """What somebody who remembers a question would type."""
    words = re.findall(r"[\w-]+", wording)
    return " ".join(word for word in words if word.lower() not in FILLER)


# What the page would show for these words, by its own script, without loading it again.
ASK_AGAIN = """async (words) => {
    document.querySelectorAll(".found-questions").forEach((box) => box.remove());
    history.replaceState(null, "", `search.html?q=${encodeURIComponent(words)}`);
    const script = [...document.scripts].find((script) => script.src.includes("book.js")).src;
    await import(`${script}${script.includes("?") ? "&" : "?"}words=${encodeURIComponent(words)}`);
}"""


def test_search_finds_every_question_by_its_key_words(visit: OpenWindow) -> None:
    window = visit()
    rows = window.go("book/questions.html").locator(".question-row:not(.to-come) .question-line a").all_text_contents()
    missed = []
    page = window.page
    for row in rows:
        number, wording = row.split(" · ", 1)
        if row == rows[0]:
            page.goto(f"{window.address}search.html?q={quote(key_words(wording))}", wait_until="commit")
        else:
            page.evaluate(ASK_AGAIN, key_words(wording))
        page.wait_for_selector(".found-questions a")
        found = page.locator(".found-questions li").all_text_contents()
        missed += [number] if row not in found else []
    assert rows and missed == []
    assert window.complaints == []


def test_search_reads_the_whole_text_too(visit: OpenWindow) -> None:
    page = visit().go("search.html?q=complexity")
    page.wait_for_selector("#search-results li")
    assert page.locator("#search-results a[href*='01_vit_fundamentals']").count() >= 1


def test_a_search_for_nothing_known_says_so(visit: OpenWindow) -> None:
    page = visit().go("search.html?q=zyzzyva")
    page.wait_for_timeout(SETTLING)
    assert page.locator(".found-questions").count() == 0 and page.locator("#search-results li").count() == 0
