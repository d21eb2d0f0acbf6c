"""What pages derive from the list of lessons, and the lessons' own figures."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from bs4 import BeautifulSoup

FIXTURE = Path(__file__).parent / "fixtures" / "01_fixture.ipynb"
SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="90pt" height="60pt"><path d="M0 0h90v60z"/></svg>'
ALT = "A square: it has four corners, #1 to #4."
INDEX = """# Book

````{each-lesson}
## Part $number: $title

From $questions of $name, {count}`questions` in {count}`lessons`, {count}`answers` answered. $blurb It costs 1 $$.

```{pictures} $number
```
````

```{each-lesson} to-come
:opening: "Still to come:"

- $title ($questions)
```

```{pictures} one_square
```

```{pictures} no_such_picture
```

```{toctree}
notebooks/01_fixture
```
"""


def with_figure(alt: str = ALT) -> str:
    """The fixture's lesson with a figure of its own after the first question's heading."""
    notebook = json.loads(FIXTURE.read_text(encoding="utf-8"))
    cells = notebook["cells"]
    (picture,) = [cell for cell in cells if cell["id"] == "picture"]
    (heading,) = [n for n, cell in enumerate(cells) if "### Q42 · " in "".join(cell["source"])]
    figure = json.loads(json.dumps(picture)) | {"id": "figure-one-square"}
    figure["metadata"]["mystnb"] = {"image": {"alt": alt}}
    caption = {"cell_type": "markdown", "id": "c", "metadata": {}, "source": "*Its sides are $s$; see Q4.*\nMore text."}
    notebook["cells"] = [*cells[: heading + 1], figure, caption, *cells[heading + 1 :]]
    return json.dumps(notebook)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, build, registry):
    """A small book with a figure, shown in its lesson and twice elsewhere."""
    pages = {
        "index": INDEX,
        "book/lessons.toml": registry,
        "notebooks/01_fixture.ipynb": with_figure(),
        "book/figures/one_square.svg": SVG,
    }
    return build(tmp_path_factory.mktemp("made"), pages, myst_enable_extensions=["colon_fence", "dollarmath"])


def test_it_builds_without_a_warning(made):
    assert made.warnings == ""


def test_a_text_is_repeated_for_each_written_lesson(made, plain):
    page = made.page("index")
    assert [plain(h) for h in page.select("article h2")] == ["Part 1: Fixture lesson"]
    section = page.select_one("article h2").parent
    assert section.name == "section" and section["id"] == "part-1-fixture-lesson"
    text = plain(section.find("p"))
    assert text == "From Q1–Q42 of 01_fixture, 43 in 2, 42 answered. What recurs, in small. It costs 1 $."
    assert section.find("em").get_text() == "recurs", "the words are Markdown"


def test_the_others_are_listed_as_to_come(made, plain):
    page = made.page("index")
    assert plain(page.select_one("article li")) == "Never written (Q43–Q43)"
    assert page.find(string="Still to come:")


def test_a_lesson_shows_the_vector_file_of_its_figure(made, plain):
    lesson = made.page("notebooks/01_fixture")
    figure = lesson.find(id="figure-one-square")
    image = figure.find("img")
    assert image["src"] == "../_images/one_square.svg"
    assert (image["width"], image["height"], image["loading"]) == ("161", "107", "lazy")
    assert image["alt"] == ALT
    assert plain(figure.select_one(".caption-text")).startswith("Its sides are")
    assert lesson.find(id="figure-picture").find("img")["src"].endswith(".png"), "others keep their pixels"


def test_a_figure_is_shown_again_with_its_alt_text_caption_and_place(made, plain):
    figures = made.page("index").find_all("figure")
    assert len(figures) == 2, "by lesson and by name; one that no lesson has is left out"
    for figure in figures:
        image = figure.find("img")
        assert (image["alt"], image["src"]) == (ALT, "_images/one_square.svg")
        assert (image["width"], image["height"]) == ("161", "107")
        assert figure.find("math"), "a caption may hold a formula"
        assert plain(figure.select_one(".caption-text")).endswith("see Q4. From Lesson 1, Q42.")
        links = [a["href"] for a in figure.select("a.mention")]
        assert links == [f"notebooks/01_fixture.html{anchor}" for anchor in ("#q4", "", "#q42")]


def test_without_its_vector_file_a_figure_stays_as_stored(tmp_path: Path, build, registry):
    pages = {"index": INDEX, "book/lessons.toml": registry, "notebooks/01_fixture.ipynb": with_figure()}
    made = build(tmp_path, pages, myst_enable_extensions=["colon_fence", "dollarmath"])
    image: BeautifulSoup = made.page("notebooks/01_fixture").find(id="figure-one-square").find("img")
    assert image["src"].endswith(".png")
    assert made.page("index").find("figure") is None
    assert made.warnings == ""


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("```{each-lesson}\n$nonsense\n```", "'nonsense' stands for nothing here; these do: $number, $name"),
        ("```{each-lesson}\n100 $ a\n```", "stands for nothing here"),
        ("```{each-lesson} unwritten\n$title\n```", "there are no lessons 'unwritten'"),
        ("{count}`pages`", "nobody counts 'pages'; write questions, answers, lessons"),
    ],
)
def test_a_slip_is_a_warning_with_its_line(slips, text: str, says: str):
    assert says in slips(text)


@pytest.mark.parametrize(
    ("following", "caption"),
    [
        ("*One line.*", "One line."),
        ("*Two\nlines.*\n\nMore.", "Two\nlines."),
        ("*Words* that open a sentence.", ""),
        ("**Bold.**", ""),
        ("", ""),
    ],
)
def test_captions_are_the_italic_line(following: str, caption: str):
    from vitbook.pictures import pictures_of

    cells = [
        {"cell_type": "code", "id": "figure-a-b", "source": "a_b()", "metadata": {}},
        {"cell_type": "markdown", "id": "next", "source": [following], "metadata": {}},
    ]
    (picture,) = pictures_of(cells, 3)
    assert (picture.name, picture.caption, picture.question) == ("a_b", caption, None)
