"""The first page: a slider from a lesson, three ways in, the lessons as cards; and the interview's favourites."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest

FIXTURE = Path(__file__).parent / "fixtures" / "01_fixture.ipynb"
SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="90pt" height="60pt"><path d="M0 0h90v60z"/></svg>'
TABLE = """

| | |
| --- | --- |
| Questions answered | Q1–Q42 |
| Time | 40 minutes to read, 2 hours to work through |
| Afterwards you can | build *one* thing; count another |
"""
INDEX = """# Book

```{stored-slider} 1 slider
:start: 1
```

```{ways-in}
```

```{lesson-cards}
```

```{source-link}
No address.
```

```{toctree}
notebooks/01_fixture
book/questions
book/interview
book/cram
```
"""
PAGES = {
    "book/questions": "# Questions\n\n```{question-list}\n```\n",
    "book/interview": "# Interview tomorrow\n\nText.\n",
    "book/cram": "# In short\n\n```{core-answers} 1\n```\n",
    "book/figures/one_square.svg": SVG,
}


def lesson(table: str = TABLE) -> str:
    """The fixture's lesson with a table at its top, a figure, and a headline in one short answer."""
    notebook = json.loads(FIXTURE.read_text(encoding="utf-8"))
    cells = {cell["id"]: cell for cell in notebook["cells"]}
    cells["title"]["source"] = "# Fixture lesson\n\nOne sentence." + table
    cells["q4"]["source"] = "".join(cells["q4"]["source"]).replace(
        "answer.** ", "answer.** **It keeps the scale.** ", 1
    )
    cells["picture"] |= {"id": "figure-one-square"}
    return json.dumps(notebook)


@pytest.fixture(scope="module")
def build_front(build, registry):
    """Build the small book with its first page, perhaps from another lesson or list of lessons."""

    def front(folder: Path, table: str = TABLE, lessons: str = "", **settings):
        listed = lessons or registry.replace("budget = 1", "favourites = [42]\nbudget = 1", 1)
        pages = {"index": INDEX, "notebooks/01_fixture.ipynb": lesson(table), "book/lessons.toml": listed, **PAGES}
        return build(folder, pages, myst_enable_extensions=["colon_fence", "dollarmath"], **settings)

    return front


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, build_front):
    """The small book, where its address is not known."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("BOOK_REPOSITORY_URL", "BOOK_SITE_URL", "GITHUB_REPOSITORY"):
            patch.delenv(name, raising=False)
        return build_front(tmp_path_factory.mktemp("front"))


def test_it_builds_without_a_warning(made):
    assert made.warnings == ""


def test_the_slider_is_the_lessons_own_at_another_frame(made):
    here, there = (
        made.page("index").select_one(".frame-slider"),
        made.page("notebooks/01_fixture").select_one(".frame-slider"),
    )
    frames = [image["src"].split("/")[-1] for image in here.find_all("img")]
    assert frames == [image["src"].split("/")[-1] for image in there.find_all("img")], "the same files"
    assert [image.has_attr("hidden") for image in here.find_all("img")] == [True, False]
    assert [image.has_attr("hidden") for image in there.find_all("img")] == [False, True], "the lesson is left alone"
    assert [image.get("loading") for image in here.find_all("img")] == ["lazy", None], "what shows is loaded at once"
    assert (here.input["value"], here.input["aria-valuetext"], here.output.get_text()) == ("1", "8 px", "8 px")
    assert here.input["type"] == "range"


def test_three_ways_lead_in(made, plain):
    links = made.page("index").select(".ways-in a")
    assert [(plain(link), link["href"]) for link in links] == [
        ("Begin with Lesson 1", "notebooks/01_fixture.html"),
        ("Interview tomorrow", "book/interview.html"),
        ("Download Lesson 1", "_sources/notebooks/01_fixture.ipynb"),
    ]
    assert (made.folder / links[2]["href"]).is_file() and links[2].has_attr("download")
    assert plain(made.page("index").select_one("article")).count("No address.") == 1


def test_colab_and_the_source_are_linked_where_the_address_is_known(monkeypatch, tmp_path: Path, build_front, plain):
    monkeypatch.setenv("BOOK_REPOSITORY_URL", "https://github.com/Org/Book")
    page = build_front(tmp_path).page("index")
    third = page.select(".ways-in a")[2]
    assert plain(third) == "Open in Colab"
    assert third["href"] == "https://colab.research.google.com/github/Org/Book/blob/main/notebooks/01_fixture.ipynb"
    assert page.find("a", href="https://github.com/Org/Book", string="github.com/Org/Book")
    assert "No address." not in page.get_text()
    assert page.select_one("footer a[href='https://github.com/Org/Book']"), "and in the footer of every page"


class TestCards:
    """Each lesson has a card, in its own words."""

    def test_a_written_lesson_says_what_it_takes_and_gives(self, made, plain):
        card, _ = made.page("index").select(".lesson-card")
        assert card.select_one(".card-title a")["href"] == "notebooks/01_fixture.html"
        assert plain(card.select_one(".card-title")) == "Lesson 1 · Fixture lesson"
        assert plain(card.select_one(".card-time")) == "40 minutes to read, 2 hours to work through · Q1–Q42"
        assert "Afterwards you can" in plain(card)
        assert [plain(item) for item in card.find_all("li")] == ["build one thing", "count another"]
        assert card.find("em").get_text() == "one", "the words are Markdown"
        image = card.find("img")
        assert (image["src"], image["alt"]) == ("_images/one_square.svg", "Sixteen patches in a row.")
        assert image["loading"] == "lazy"

    def test_the_picture_is_the_lessons_opening_if_it_has_one(self):
        from vitbook.front import opening_of

        def figure(name: str, *tags: str) -> dict:
            return {"cell_type": "code", "id": name, "metadata": {"tags": [*tags]}}

        assert opening_of([figure("figure-a"), figure("figure-b-c", "plot", "opening")]) == "b_c"
        assert opening_of([figure("figure-a", "plot"), figure("b", "opening")]) is None

    def test_one_to_come_is_grey_and_without_a_picture(self, made, plain):
        _, card = made.page("index").select(".lesson-card")
        assert "to-come" in card["class"] and card.find("img") is None and not card.select(".card-title a")
        assert plain(card) == "Lesson 2 · Never written To come · Q43–Q43 Nothing yet."

    def test_without_rows_the_blurb_stands_there(self, tmp_path: Path, build_front, plain):
        card, _ = build_front(tmp_path, table="").page("index").select(".lesson-card")
        assert plain(card.select_one(".card-time")) == "Q1–Q42"
        assert plain(card).endswith("What recurs, in small.")

    @pytest.mark.parametrize(
        ("table", "time"),
        [
            ("| Time | 1 hour to read |\n", "1 hour to read"),
            ("| Running time | short |\n", None),
        ],
    )
    def test_the_time_is_the_lessons(self, table: str, time: str | None):
        from vitbook.front import TIME, facts_of

        def text(words: str) -> dict:
            return {"cell_type": "markdown", "source": [words]}

        cells = [text("# Title"), text(table), text("### Q1 · Why?"), text("| Time | of something else |")]
        assert facts_of(cells).get(TIME) == time


def test_favourites_stand_beside_the_core_questions(made, plain):
    answers = made.page("book/cram").select(".core-answer")
    assert [plain(answer).split(" · ")[0] for answer in answers] == ["Q4", "Q42"]
    rows = made.page("book/questions").select(".question-row.for-tonight")
    assert [row["id"] for row in rows] == ["q4", "q42"]


def test_the_key_phrase_is_bold_on_paper_and_on_the_card(made, plain):
    for page, answer in (("book/cram", ".core-answer"), ("book/questions", "#q4 .folded-answer")):
        first = made.page(page).select_one(f"{answer} > p:not(.question-line)").find(True)
        assert (first.name, plain(first)) == ("strong", "It keeps the scale.")


def test_a_row_says_of_which_lesson_it_is(made):
    rows = made.page("book/questions").select(".question-row")
    assert [
        key for key, _ in itertools.groupby(next(c for c in row["class"] if c[:7] == "lesson-") for row in rows)
    ] == [
        "lesson-1",
        "lesson-2",
    ]


def test_only_the_question_index_loads_the_cards(made):
    def scripts(page: str) -> list[str]:
        return [tag["src"].split("?")[0] for tag in made.page(page).select("script[src]") if "cards.js" in tag["src"]]

    assert scripts("book/questions") == ["../_static/cards.js"]
    assert scripts("index") == scripts("book/cram") == []


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("```{stored-slider} 1 nothing\n```", "Lesson 1 has no slider nothing; it has: slider"),
        ("```{stored-slider} 2 slider\n```", "Lesson 2 has no slider slider; it has: none"),
        ("```{stored-slider} 7 slider\n```", "there is no lesson 7 in book/lessons.toml"),
        ("```{stored-slider} 1 slider\n:start: 2\n```", "the slider has 2 frames; the first is 0, and start = 2"),
    ],
)
def test_a_slip_is_a_warning_with_its_line(slips, text: str, says: str):
    assert says in slips(text)
