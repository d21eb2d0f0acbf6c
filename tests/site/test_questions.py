"""Questions, exercises, and the index."""

from __future__ import annotations

from bs4 import BeautifulSoup


def test_the_book_builds_without_a_warning(book):
    assert book.warnings == ""


def test_questions_have_short_anchors(lesson: BeautifulSoup):
    for anchor, opening in (
        ("q4", "Q4 · What does"),
        ("q42", "Q42 · Is a very long"),
        ("exercise-1-1", "Exercise 1.1"),
    ):
        section = lesson.find(id=anchor)
        assert section.name == "section"
        assert section.find(["h2", "h3"]).get_text().startswith(opening)


def test_the_anchor_made_from_the_heading_still_works(lesson: BeautifulSoup):
    assert lesson.find(id="exercise-1-1-double-it") is not None


def test_difficulty_and_topics_stand_below_the_heading(lesson: BeautifulSoup):
    section = lesson.find(id="q4")
    meta = section.find("h3").find_next_sibling("p")
    assert "question-meta" in meta["class"]
    assert [span.get_text() for span in meta.find_all("span")] == ["core", "attention, scaling", "Q42 →"]


def test_the_index_lists_questions_in_their_own_order_and_by_topic(book):
    index = book.page("genindex")
    links = {a.get_text(): a["href"] for a in index.find_all("a", href=True) if "01_fixture" in a["href"]}
    questions = [text for text in links if text.startswith("Q")]
    assert [text.split()[0] for text in questions] == ["Q4", "Q42"]
    assert links[questions[0]] == "notebooks/01_fixture.html#q4"
    headings = [h2.get_text() for h2 in index.find_all("h2")]
    assert "Questions" in headings
    topic = index.find(string=lambda text: text.strip() == "attention")
    assert len(topic.find_next("ul").find_all("a")) == 2


def test_numbers_sort_as_numbers():
    from vitbook.pages import sort_index

    groups = [("Questions", [(f"Q{n} · Why?", ([], [], None)) for n in (10, 4, 100, 5)])]
    sort_index(groups)
    assert [entry[0].split()[0] for entry in groups[0][1]] == ["Q4", "Q5", "Q10", "Q100"]


def test_every_page_describes_itself(book):
    for name, words in (("index", "A page that mentions Q4"), ("notebooks/01_fixture", "A small notebook")):
        description = book.page(name).find("meta", attrs={"name": "description"})["content"]
        assert description.startswith(words)
        assert len(description) <= 160


def test_descriptions_end_at_a_word():
    from vitbook.pages import shorten

    assert shorten("short\n text") == "short text"
    assert shorten("one two, three", 10) == "one two…"
    assert shorten("word " * 100).endswith("word…")
    assert len(shorten("word " * 100)) <= 160


def test_a_table_without_a_heading_has_no_head(lesson: BeautifulSoup):
    tables = lesson.find_all("table")
    assert [bool(table.find("thead")) for table in tables] == [True, False]
    assert all(th.get_text(strip=True) for th in lesson.find_all("th"))
