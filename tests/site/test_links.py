"""Links for questions, lessons and exercises."""

from __future__ import annotations

import pytest
from bs4 import BeautifulSoup
from docutils import nodes

KNOWN = {"q4", "q42", "q1", "q25", "lesson-5", "exercise-5-2"}


def marked(text: str) -> str:
    """Show what would be linked in a text."""
    from vitbook.links import linked

    def link(label: str, words: str) -> nodes.Node | None:
        return nodes.reference("", f"<{label}:{words}>") if label in KNOWN else None

    parts = linked(text, link)
    return "".join(part.astext() for part in parts) if parts else text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("See Q42.", "See <q42:Q42>."),
        ("Q4, Q42 and Q420", "<q4:Q4>, <q42:Q42> and Q420"),
        ("Q1–Q25", "<q1:Q1>–<q25:Q25>"),
        ("(Q4)", "(<q4:Q4>)"),
        ("Lesson 5 and Lesson 6", "<lesson-5:Lesson 5> and Lesson 6"),
        ("Lesson\n5", "<lesson-5:Lesson\n5>"),
        ("Lesson 55, Lessons 5", "Lesson 55, Lessons 5"),
        ("Exercise 5.2, Exercise 5.21", "<exercise-5-2:Exercise 5.2>, Exercise 5.21"),
        ("Exercise 5.2.", "<exercise-5-2:Exercise 5.2>."),
        ("FAQ4 aQ4 Q4a Q4.5 /Q4 #Q4", "FAQ4 aQ4 Q4a Q4.5 /Q4 #Q4"),
        ("nothing here", "nothing here"),
    ],
)
def test_mentions_in_text(text: str, expected: str):
    assert marked(text) == expected


def mentions(page: BeautifulSoup) -> list[tuple[str, str]]:
    return [(a.get_text(), a["href"]) for a in page.select("a.mention")]


def test_links_lead_from_page_to_page(book):
    assert mentions(book.page("index")) == [
        ("Q4", "notebooks/01_fixture.html#q4"),
        ("Lesson 1", "notebooks/01_fixture.html"),
        ("Exercise 1.1", "notebooks/01_fixture.html#exercise-1-1"),
    ]


def test_a_link_says_where_it_leads(book):
    assert book.page("index").select_one("a.mention")["title"].startswith("Q4 · What does")


def test_nothing_links_to_itself_or_into_the_void(lesson: BeautifulSoup):
    in_q4 = {text for text, _ in mentions(lesson.find(id="q4"))}
    assert in_q4 == {"Q42", "Exercise 1.1"}
    assert not {text for text, _ in mentions(lesson)} & {"Q420", "Lesson 1", "Lesson 7", "Exercise 1.2"}


def test_headings_code_and_links_are_left_alone(lesson: BeautifulSoup):
    assert lesson.select_one("article h2").get_text().startswith("A part that leads to Q42")
    assert not lesson.select("h1 a.mention, h2 a.mention, h3 a.mention, code a.mention, pre a.mention, a a")
    assert lesson.find("a", string="Q4 in a link")["href"] == "https://example.org"


def test_a_caption_may_mention_a_question(lesson: BeautifulSoup):
    assert mentions(lesson.find(id="figure-picture")) == [("Q42", "#q42")]
