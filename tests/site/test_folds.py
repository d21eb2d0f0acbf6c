"""What is folded on a lesson's page and under which line, what makes a proof fail, and the lesson's opening."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from bs4 import BeautifulSoup
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

FIXTURE = Path(__file__).parent / "fixtures" / "01_fixture.ipynb"
MUTANTS = """
[[mutant]]
question = 1
why = "another root"
find = "side = area**0.5"
put = "side = area**0.25"

[[mutant]]
question = 1
why = "a second reason"
find = "a = 1"
put = "a = 2"

[[mutant]]
question = 2
why = "not the one to show"
find = "x"
put = "y"

[[mutant]]
question = 2
why = "two lines change"
find = "    a = 1\\n    b = 2"
put = "    b = 2"
sample = true

[[mutant]]
question = 3
why = "a third"
find = "c"
put = "d"
"""


def picture() -> list[Any]:
    """An output with a picture, borrowed from the fixture."""
    cells = json.loads(FIXTURE.read_text(encoding="utf-8"))["cells"]
    data = next(cell for cell in cells if cell["id"] == "picture-three")["outputs"][0]["data"]["image/png"]
    assert base64.b64decode(data)
    return [new_output("display_data", {"image/png": data, "text/plain": "<Figure>"}, metadata={})]


def code(name: str, source: str, *tags: str, alt: str = "", count: int | None = 1, outputs: Any = ()) -> Any:
    """A code cell as a lesson stores it."""
    metadata: dict[str, Any] = {"tags": list(tags)}
    if alt:
        metadata["mystnb"] = {"image": {"alt": alt}}
    return new_code_cell(source, id=name, metadata=metadata, execution_count=count, outputs=list(outputs))


def text(name: str, source: str, *tags: str, **metadata: Any) -> Any:
    """A text cell."""
    return new_markdown_cell(source, id=name, metadata={**({"tags": list(tags)} if tags else {}), **metadata})


def question(number: int, careful: str, *tags: str) -> Any:
    """The heading of a question, with a correction."""
    metadata = {"question": {"id": number, "difficulty": "core", "topics": ["attention"]}}
    return text(
        f"question-{number}",
        f"### Q{number} · Question {number}?\n\n> **Short answer.** Yes.\n\n> **Careful.** {careful}",
        *tags,
        **metadata,
    )


LONG = "def long():\n" + "\n".join(f"    x{i} = {i}" for i in range(26))
FAILED = [new_output("error", ename="AssertionError", evalue="", traceback=[])]
CELLS = [
    text("title", "# A lesson\n\nOne sentence of promise."),
    code("imports", "import math", "define", "imports"),
    code("painter", "def paint():\n    plt.imshow(1)", "define", "folded"),
    code("whole", "paint()", "plot", "opening", alt="The whole.", outputs=picture()),
    text(
        "after-whole",
        "*What to see.*\n\nThe headline's answer.\n\n|  |  |\n|---|---|\n| Time | 5 minutes |\n\nLicence.",
    ),
    text("part", "## A part"),
    question(1, '"Attention takes `N` operations." It takes more.'),
    code("one", "# Proof: a `root` of 4\narea = 4\nside = area**0.5\nassert side == 2", "q1"),
    code("one-more", "# Check: it is run\nassert True", count=None),
    code("one-failed", "# Experiment: it fails\nassert False", outputs=FAILED),
    code("one-shown", "# Experiment: how far it goes\nprint(1)"),
    question(2, '"Wide" and "deep" are no rivals.', "careful-open"),
    code("two", "# Proof: two is shown\na = 1\nb = 2\nassert a + b == 3", "q2"),
    code("two-open", "# Proof: two is carried\nc = 3\nassert c == 3", "q2", "open"),
    question(3, "A sentence with no claim of others. And more."),
    code("three", "# Proof: three in halves\nassert 3 > 2", "q3"),
    code("three-too", "# Proof: three in whole\nassert 3 < 4", "q3"),
    code("long", LONG, "define"),
    code("short", "def short():\n    return 1", "define"),
    code("plot", "draw()", alt="A curve.", outputs=picture()),
    text("end", "The end."),
]


@pytest.fixture(scope="module")
def small(build, tmp_path_factory: pytest.TempPathFactory):
    notebook = new_notebook(cells=CELLS, metadata={"language_info": {"name": "python", "pygments_lexer": "ipython3"}})
    registry = "\n".join(f'{number} = "Question {number}?"' for number in (1, 2, 3))
    head = '[[lessons]]\nnumber = 1\nname = "01_lesson"\ntitle = "A lesson"\nblurb = "It."\nbudget = 1\n'
    pages = {
        "index": "# Small\n\n```{toctree}\nnotebooks/01_lesson\nbook/corrections\n```\n",
        "notebooks/01_lesson.ipynb": json.dumps(notebook),
        "book/lessons.toml": f"{head}\n[lessons.questions]\n{registry}\n",
        "book/corrections": "# Corrections\n\n```{correction-list}\n```\n",
        "tests/mutants/01_lesson.toml": MUTANTS,
    }
    return build(tmp_path_factory.mktemp("folds"), pages, exclude_patterns=["tests", "notebooks/01_fixture.ipynb"])


@pytest.fixture(scope="module")
def page(small) -> BeautifulSoup:
    return small.page("notebooks/01_lesson")


def fold(page: BeautifulSoup, name: str) -> Any:
    """The fold of a cell."""
    return page.find(id=f"cell-{name}").find_parent("details")


def line(page: BeautifulSoup, name: str) -> str:
    """The line of a fold."""
    return " ".join(fold(page, name).summary.get_text().split())


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("imports", "Imports · 1 line"),
        ("painter", "Definition: paint() · 2 lines"),
        ("one", "Proof: a root of 4 · 3 lines ✓ holds"),
        ("one-more", "Check: it is run · 1 line not run"),
        ("one-failed", "Experiment: it fails · 1 line not run"),
        ("one-shown", "Experiment: how far it goes · 1 line"),
        ("long", "Definition: long() · 27 lines"),
        ("plot", "Code of the picture · 1 line"),
    ],
)
def test_a_fold_says_what_it_holds(page: BeautifulSoup, name: str, words: str) -> None:
    assert line(page, name) == words
    assert not fold(page, name).has_attr("open")
    assert "Show" not in line(page, name) and "Hide" not in line(page, name)


def test_the_line_is_not_repeated_in_the_code(page: BeautifulSoup) -> None:
    code = fold(page, "one").find("pre").get_text()
    assert code.startswith("area = 4") and fold(page, "one").select("pre .mi"), "the code is still coloured"


def test_a_verdict_says_what_it_means(page: BeautifulSoup) -> None:
    verdict = fold(page, "one").select_one(".verdict")
    assert verdict["title"].startswith("The cell ran to its end") and verdict.select_one(".visually-hidden")
    assert fold(page, "one-failed").select_one(".verdict")["title"].startswith("The cell did not run")


def test_the_marks_of_solutions_and_tests_are_left_out() -> None:
    from vitbook.cells import without_opening

    marked = "# Tests\n### BEGIN HIDDEN TESTS\na\n### END HIDDEN TESTS"
    assert without_opening(marked).splitlines()[-1] == "a"
    assert without_opening("    ### BEGIN SOLUTION\n    b\n    ### END SOLUTION") == "    b"


def test_a_lesson_has_the_address_of_its_number(page: BeautifulSoup) -> None:
    assert page.find(id="lesson-1").get_text().startswith("A lesson")


def test_output_stands_below_the_fold(page: BeautifulSoup) -> None:
    cell = fold(page, "plot").find_parent(class_="cell")
    assert cell.select_one(".cell_output img") and not fold(page, "plot").select(".cell_output")


def test_anchors_lie_within_the_fold_so_that_a_link_opens_it(page: BeautifulSoup) -> None:
    for anchor in ("proof-q1", "cell-one"):
        assert page.find(id=anchor).find_parent("details") is fold(page, "one")
    assert page.find(id="cell-short")["class"][0] == "cell", "an open cell has its anchor at its top"


def test_builders_and_the_carrying_proof_stay_open(page: BeautifulSoup) -> None:
    for name in ("short", "two-open"):
        cell = page.find(id=f"cell-{name}")
        assert (cell if "cell" in cell["class"] else cell.find_parent(class_="cell")).select("details") == []
    carried = page.find(id="cell-two-open").find_parent(class_="cell") or page.find(id="cell-two-open")
    assert " ".join(carried.select_one(".open-proof").get_text().split()) == "Proof: two is carried · 2 lines ✓ holds"
    assert carried.find("pre").get_text().startswith("c = 3")


def test_a_proof_tells_what_makes_it_fail(page: BeautifulSoup) -> None:
    note = fold(page, "one").select_one(".mutants")
    first, others = (p.get_text() for p in note.find_all("p"))
    assert first == "This cell fails when, for example, side = area**0.5 becomes side = area**0.25: another root."
    assert [code.get_text() for code in note.find_all("code")] == ["side = area**0.5", "side = area**0.25"]
    assert others == "Also noticed: a second reason."


def test_the_sample_is_shown_beside_the_open_proof(page: BeautifulSoup) -> None:
    assert not fold(page, "two").select(".mutants")
    cell = page.find(id="cell-two-open")
    note = (cell if "cell" in cell["class"] else cell.find_parent(class_="cell")).select_one(".mutants")
    assert note.find("p").get_text() == "The proof of Q2 fails when, for example, this changes (two lines change):"
    assert note.find("pre").get_text().splitlines() == ["- a = 1", "  b = 2"]


def test_of_several_cells_the_last_tells_it(page: BeautifulSoup) -> None:
    assert not fold(page, "three").select(".mutants")
    assert fold(page, "three-too").select_one(".mutants").p.get_text().startswith("The proof of Q3 fails")


def test_a_correction_is_folded_under_its_claim(page: BeautifulSoup, plain) -> None:
    card = page.select_one("#q1 details.careful")
    assert plain(card.summary) == "Careful: “Attention takes N operations”"
    assert card.summary.select("code") and not card.has_attr("open")
    assert plain(card.select_one(".said")) == "“Attention takes N operations.”"
    assert plain(card.p).endswith("It takes more.")


def test_a_correction_that_is_needed_stays_open(page: BeautifulSoup, plain) -> None:
    assert not page.select("#q2 details.careful")
    assert plain(page.select_one("#q2 .careful")) == "Careful “Wide” and “deep” are no rivals."


def test_without_a_quotation_the_first_sentence_is_the_claim(page: BeautifulSoup, plain) -> None:
    assert plain(page.select_one("#q3 details.careful > summary")) == "Careful: A sentence with no claim of others"


def test_all_corrections_are_open_on_their_own_page(small, plain) -> None:
    page = small.page("book/corrections")
    assert not page.select("details")
    assert "“Attention takes N operations.” It takes more." in plain(page)


def test_the_picture_of_the_whole_stands_under_the_promise(page: BeautifulSoup, plain) -> None:
    section = page.select_one("article section")
    parts = [child for child in section.find_all(True, recursive=False) if child.name != "section"]
    assert plain(parts[0]) == "A lesson"
    assert plain(parts[1]) == "One sentence of promise."
    assert parts[2].select_one(".opening figure img")["alt"] == "The whole."
    assert plain(parts[2].select_one("figcaption")) == "What to see."
    assert plain(parts[2].select_one(".opening + p")) == "The headline’s answer."
    assert parts[3].select("table") or parts[3].name == "table"
    assert plain(parts[4]) == "Licence."
    together = parts[5].select_one("details")
    lines = [plain(line) for line in together.select("summary")]
    assert lines == [
        "Code: what the lesson needs, and the picture above · 4 lines",
        "Imports · 1 line",
        "Definition: paint() · 2 lines",
        "Code of the picture · 1 line",
    ]


def test_a_picture_with_images_is_told_from_a_plot(page: BeautifulSoup) -> None:
    assert page.find("img", alt="The whole.").find_parent(class_="shows-images")
    assert page.find("img", alt="A curve.").find_parent(class_="only-plots")


@pytest.mark.parametrize(
    ("paragraph", "claim"),
    [
        ('"Is it so?" No.', '"Is it so?"'),
        ('"It is." No.', '"It is"'),
        ('"It is": no.', '"It is"'),
        ("First this: then that.", "First this"),
        ("word " * 40 + ".", "word " * 21 + "word …"),
        ('"' + "word " * 40 + '" is wrong.', '"' + "word " * 21 + "…"),
    ],
)
def test_claims(paragraph: str, claim: str) -> None:
    from docutils import nodes
    from vitbook.claims import claim_of

    found = claim_of(nodes.paragraph("", paragraph))
    assert (
        "".join(node.astext() for node in found).replace("word …", "…").rstrip()
        == claim.replace("word …", "…").rstrip()
    )
