"""Cards, and the note in place of a live panel."""

from __future__ import annotations

import pytest
from bs4 import BeautifulSoup
from docutils import nodes


@pytest.mark.parametrize(
    ("name", "title", "text"),
    [
        ("short-answer", "Short answer", "It keeps the scale of the scores, see Q42."),
        ("careful", "Careful: Often told otherwise", "Often told otherwise. Source. A second paragraph with code."),
        ("ask-next", "They may ask next", "And what about Lesson 1?"),
    ],
)
def test_labelled_quotes_become_cards(lesson: BeautifulSoup, plain, name: str, title: str, text: str):
    card = lesson.select_one(f"#q4 .{name}")
    assert plain(card.select_one(".admonition-title")) == title
    assert plain(card) == f"{title} {text}"


def test_no_label_is_left_in_a_quote(lesson: BeautifulSoup, plain):
    assert [plain(quote) for quote in lesson.find_all("blockquote")] == ["Plain words."]


def test_cards_work_on_plain_pages(book, plain):
    assert plain(book.page("index").select_one(".careful")) == "Careful A card on a plain page."


def test_a_quote_with_two_labels_becomes_two_cards():
    from vitbook.cards import split_cards

    def paragraph(label: str, text: str) -> nodes.paragraph:
        return nodes.paragraph("", "", nodes.strong("", label), nodes.Text(" " + text))

    quote = nodes.block_quote(
        "", nodes.paragraph("", "Before."), paragraph("Careful.", "a"), paragraph("Short answer.", "b")
    )
    parts = split_cards(quote)
    assert [part.tagname for part in parts] == ["block_quote", "admonition", "admonition"]
    assert [part.astext() for part in parts] == ["Before.", "Careful\n\na", "Short answer\n\nb"]


def test_try_lines_are_marked(lesson: BeautifulSoup):
    (line,) = lesson.select("p.try-this")
    assert line.get_text().startswith("Try: change the seed")


@pytest.mark.parametrize(
    ("code", "label"),
    [
        ("x = 1", "Code, 1 line"),
        ("def f():\n    pass\n\n\nclass G:\n    def h(self):\n        pass", "f, G, 5 lines"),
        ("A = 1\ndef a(): pass\ndef b(): pass\ndef c(): pass", "a, b, 4 lines"),
    ],
)
def test_the_button_says_what_it_opens(code: str, label: str):
    from vitbook.cells import code_button

    assert f">{label}</button>" in code_button(code).astext()


def test_a_live_panel_becomes_a_note(lesson: BeautifulSoup):
    cell = lesson.select_one(".tag_live")
    assert "LivePanel" not in cell.get_text()
    assert "SEED" in cell.select_one(".cell_input").get_text()
    note = cell.select_one(".live-note")
    assert "recomputes live" in note.get_text()
    assert not note.find("a"), "without a public repository there is nothing to open"


def test_the_note_links_to_colab_if_there_is_a_repository():
    from vitbook.cells import live_note

    (link,) = live_note("https://github.com/org/book", "main", "notebooks/01_x").findall(nodes.reference)
    assert link["refuri"] == "https://colab.research.google.com/github/org/book/blob/main/notebooks/01_x.ipynb"
    assert not list(live_note("https://gitlab.com/org/book", "main", "notebooks/01_x").findall(nodes.reference))
