"""The pages made of all lessons: question index, corrections, core answers, glossary; neighbours and addresses."""

from __future__ import annotations

import itertools

import pytest
from bs4 import BeautifulSoup

from tools.lesson.format import lesson_number, read_registry
from tools.lesson.read import lesson_paths


@pytest.fixture(scope="module")
def questions(book) -> BeautifulSoup:
    """The question index of the small book."""
    return book.page("book/questions")


class TestQuestionIndex:
    """One row a question, whether its lesson is written or not."""

    def test_all_questions_have_a_row_with_an_address(self, questions):
        rows = questions.select(".question-row")
        assert [row["id"] for row in rows] == [f"q{number}" for number in range(1, 44)]

    def test_a_row_says_what_one_wants_to_know(self, questions, plain):
        row = questions.find(id="q4")
        assert row.select_one(".question-line a")["href"] == "../notebooks/01_fixture.html#q4"
        assert plain(row.select_one(".difficulty")) == "core"
        assert plain(row.select_one(".topics")) == "attention, scaling"
        assert {"core", "topic-attention", "topic-scaling", "with-careful"} <= set(row["class"])
        answer = row.select_one("details.folded")
        assert not answer.has_attr("open")
        assert plain(answer) == "Short answer It keeps the scale of the scores, see Q42."
        links = {plain(a): a["href"] for a in row.select(".question-meta a")}
        assert links == {"proof": "../notebooks/01_fixture.html#proof-q4", "careful": "corrections.html#c4"}

    def test_a_question_without_correction_has_no_mark(self, questions):
        row = questions.find(id="q42")
        assert "with-careful" not in row["class"] and row.select_one(".has-careful") is None

    def test_what_is_to_come_says_so_and_leads_nowhere(self, questions, plain):
        row = questions.find(id="q43")
        assert "to-come" in row["class"] and row.find("a") is None
        assert plain(row) == "Q43 · Question 43?"
        assert [plain(h) for h in questions.find_all("h2")] == [
            "Lesson 1 · Fixture lesson",
            "Lesson 2 · Never written (to come)",
        ]

    def test_the_filter_offers_the_topics_in_use(self, questions, plain):
        form = questions.select_one("form.question-filter")
        assert plain(form.select_one("output")) == "43 of 43 questions"
        assert [o.get_text() for o in form.select("select[name=topic] option")] == ["any", "attention", "scaling"]
        assert [o.get_text() for o in form.select("select[name=lesson] option")] == ["any", "1", "2"]
        assert all(field.find_parent("label") for field in form.select("input, select"))


def test_mentions_in_copied_answers_are_linked(questions):
    link = questions.select_one("#q4 .folded-answer a.mention")
    assert link["href"] == "../notebooks/01_fixture.html#q42"


def test_corrections_are_listed_with_source_and_proof(book, plain):
    page = book.page("book/corrections")
    (item,) = page.select(".correction")
    assert item["id"] == "c4"
    assert "Often told otherwise. Source." in plain(item)
    assert item.find("a", href="../notebooks/01_fixture.html#proof-q4").get_text() == "the code of Q4"


def test_core_answers_leave_out_the_rest(book, plain):
    answers = book.page("book/cram").select(".core-answer")
    assert [plain(answer).split(" · ")[0] for answer in answers] == ["Q4"]


def test_proofs_have_anchors(lesson: BeautifulSoup):
    for number in (4, 42):
        cell = lesson.find(id=f"proof-q{number}")
        assert "cell" in cell["class"] and "assert" in cell.get_text()


def test_neighbours_are_those_of_the_page_and_cross_from_lesson_to_lesson(pages):
    sections = [section for path in lesson_paths() for section in questions_on(pages[f"notebooks/{path.stem}.html"])]
    links = [section.select(".question-meta .neighbour a") for section in sections]
    for (one, ways), (following, back) in itertools.pairwise(zip(sections, links, strict=True)):
        assert ways[-1].get_text() == f"{following['id'].upper()} →" and ways[-1]["href"].endswith(
            f"#{following['id']}"
        )
        assert back[0].get_text() == f"← {one['id'].upper()}" and back[0]["href"].endswith(f"#{one['id']}")
    assert len(links[0]) == len(links[-1]) == 1, "nothing comes before the first, nothing after the last"


def questions_on(page: BeautifulSoup) -> list:
    """The questions of a page as they stand there."""
    return page.select("section.question")


class TestGlossary:
    """The first use of a term is linked, and no other."""

    def test_the_first_use_is_linked(self, lesson: BeautifulSoup):
        links = lesson.select("a.term")
        assert [(a.get_text(), a["href"]) for a in links] == [
            ("small notebook", "../book/glossary.html#term-small-notebook"),
            ("pattern", "../book/glossary.html#term-pattern"),
        ]
        assert links[0]["title"] == "What recurs."

    def test_other_pages_and_closed_places_are_left_alone(self, book):
        assert book.page("book/glossary").select("a.term") == []
        assert book.page("index").select("a.term") == []

    @pytest.mark.parametrize(
        ("term", "text", "found"),
        [
            ("Block", "The block", "block"),
            ("Block", "two blocks", "blocks"),
            ("Block", "a blocker", None),
            ("MAC", "in MACs", "MACs"),
            ("MAC", "a mac", None),
            ("Pre-LN", "Pre-LN", "Pre-LN"),
            ("[CLS]", "the [CLS] token", "[CLS]"),
            ("Token", "per-token", None),
        ],
    )
    def test_terms_are_whole_words(self, term: str, text: str, found: str | None):
        from vitbook.glossary import pattern

        match = pattern(term).search(text)
        assert (match and match[0]) == found


class TestAddress:
    """Where the site says it stands."""

    @pytest.mark.parametrize(
        ("environ", "repository", "address"),
        [
            ({}, "", ""),
            ({}, "https://github.com/Org/Book", "https://org.github.io/Book/"),
            ({}, "https://github.com/org/org.github.io", "https://org.github.io/"),
            ({}, "https://gitlab.com/org/book", ""),
            ({"BOOK_SITE_URL": "https://example.org/book"}, "https://github.com/a/b", "https://example.org/book/"),
        ],
    )
    def test_it_is_named_or_guessed(self, environ, repository: str, address: str):
        from vitbook.findable import site_address

        assert site_address(environ, repository) == address

    def test_a_bad_one_is_refused(self):
        from vitbook.findable import site_address

        with pytest.raises(ValueError, match=r"https://example\.org/book/ would fit"):
            site_address({"BOOK_SITE_URL": "example.org"}, "")

    def test_the_sitemap_lists_addresses(self):
        from xml.etree import ElementTree

        from vitbook.findable import sitemap

        tree = ElementTree.fromstring(sitemap("https://example.org/", ["a.html", "b/c&d.html"]))
        assert [url[0].text for url in tree] == ["https://example.org/a.html", "https://example.org/b/c&d.html"]

    def test_without_an_address_there_is_no_sitemap_but_a_page_for_wrong_addresses(self, book):
        assert not (book.folder / "sitemap.xml").exists()
        page = book.page("404")
        assert [a["href"] for a in page.find_all("a")] == ["book/questions.html", "book/index.html"]

    def test_with_an_address_both_are_written(self, monkeypatch, tmp_path, build):
        monkeypatch.setenv("BOOK_SITE_URL", "https://example.org/book")
        built = build(tmp_path, {"index": "# Book\n\n```{toctree}\nnotebooks/01_fixture\n```\n"})
        text = (built.folder / "sitemap.xml").read_text()
        assert "<loc>https://example.org/book/notebooks/01_fixture.html</loc>" in text
        assert "Sitemap: https://example.org/book/sitemap.xml" in (built.folder / "robots.txt").read_text()
        assert built.page("404").find("a")["href"] == "https://example.org/book/book/questions.html"
        lesson = built.page("notebooks/01_fixture")
        canonical = lesson.find("link", rel="canonical")
        assert canonical["href"] == "https://example.org/book/notebooks/01_fixture.html"
        shown = {tag["property"]: tag["content"] for tag in lesson.select("meta[property]")}
        assert shown["og:url"] == canonical["href"]
        assert shown["og:title"] == lesson.find("h1").find(string=True)
        assert shown["og:description"] == lesson.find("meta", attrs={"name": "description"})["content"]
        assert shown["og:image"] == "https://example.org/book/_static/screenshot.png"
        assert shown["og:site_name"] == "Small book"
        assert all(shown.values())

    def test_without_an_address_a_link_has_no_preview(self, book):
        assert not book.page("notebooks/01_fixture").select("meta[property]")


class TestFinishedIndex:
    """The index of the book itself."""

    def test_it_has_a_row_for_each_question_in_order(self, pages):
        rows = pages["book/questions.html"].select(".question-row")
        assert [row["id"] for row in rows] == [f"q{number}" for number in read_registry().wordings]

    def test_every_written_question_has_answer_and_proof(self, pages):
        rows = pages["book/questions.html"].select(".question-row:not(.to-come)")
        lessons = [page for name, page in pages.items() if name.startswith("notebooks/")]
        assert len(rows) == sum(len(page.select("section.question")) for page in lessons) > 0
        for row in rows:
            assert row.select_one("details").get_text().strip() != "Short answer", row["id"]
            assert any(a.get_text() == "proof" for a in row.select(".question-meta a")), row["id"]

    def test_corrections_are_as_many_as_marked_rows(self, pages):
        marked = pages["book/questions.html"].select(".with-careful")
        items = pages["book/corrections.html"].select(".correction")
        assert len(items) == len(marked) > 0
        assert all(item.select_one("a[href^='https://']") for item in items), "each names its source"

    def test_every_lesson_has_a_page_in_short_and_formulas(self, pages):
        reference = pages["book/quick_reference.html"]
        for path in lesson_paths():
            page = pages[f"book/cram_{lesson_number(path.stem)}.html"]
            assert page.select(".core-answer"), path.stem
            formulas = [str(formula) for formula in page.select(".math-block")]
            assert formulas, path.stem
            assert set(formulas) <= {str(formula) for formula in reference.select(".math-block")}, path.stem
            assert page.select_one("figure img"), path.stem
