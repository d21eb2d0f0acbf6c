"""Cards, collapsed cells and the note in place of a live panel."""

from __future__ import annotations

import pytest
from bs4 import BeautifulSoup
from docutils import nodes


@pytest.mark.parametrize(
    ("name", "title", "text"),
    [
        ("short-answer", "Short answer", "It keeps the scale of the scores, see Q42."),
        ("careful", "Careful", "Often told otherwise. Source. A second paragraph with code."),
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


def test_collapsed_cells_say_what_they_hold(lesson: BeautifulSoup):
    prompts = [summary.select_one(".when-closed").get_text() for summary in lesson.select("details.folded > summary")]
    assert prompts == [
        "Show imports",
        "Show set-up",
        "Show code carried over from Lesson 7: half",
        *["Show code of the picture"] * 3,
        "Show solution",
        "Show tests",
    ]
    assert not lesson.select("summary[aria-label]"), "the visible words are the name"
    assert not lesson.select("details[open]")


def test_open_cells_have_a_button_for_narrow_screens(lesson: BeautifulSoup):
    buttons = lesson.select("button.show-code")
    open_cells = [cell for cell in lesson.select("div.cell") if not cell.select("details.folded")]
    assert len(buttons) == len(open_cells) > 0
    proof = lesson.find(id="proof-q4").select_one("button.show-code")
    assert proof.get_text() == "Code, 2 lines" and proof["aria-expanded"] == "false"
    assert "cell_input" in proof.find_next_sibling("div")["class"]


@pytest.mark.parametrize(
    ("code", "label"),
    [
        ("x = 1", "Code, 1 line"),
        ("def f():\n    pass\n\n\nclass G:\n    def h(self):\n        pass", "f, G, 7 lines"),
        ("A = 1\ndef a(): pass\ndef b(): pass\ndef c(): pass", "a, b, 4 lines"),
    ],
)
def test_the_button_says_what_it_opens(code: str, label: str):
    from vitbook.cells import code_button

    assert f">{label}</button>" in code_button(nodes.literal_block(code, code)).astext()


def test_the_title_line_is_not_repeated_in_the_code(lesson: BeautifulSoup, plain):
    assert "@title" not in lesson.get_text()
    carried = lesson.select("details.folded")[2]
    assert carried.find("pre").get_text().startswith("def half(x):")
    assert carried.select(".k"), "the code is still coloured"


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
