"""The finished site in `_build/html`, read without a browser."""

from __future__ import annotations

import gzip
import itertools
import json
import re
from pathlib import Path

import pytest
from bs4 import BeautifulSoup

from tools.lesson.folding import fold_of
from tools.lesson.format import ASK_NEXT, CAREFUL, EXERCISE_LINE, OPENING, SHORT_ANSWER, read_registry
from tools.lesson.read import lesson_paths
from tools.site.check import problems

ROOT = Path(__file__).resolve().parents[2]
LESSONS = lesson_paths()
MEGABYTE = 1_000_000
# Compressed; pictures count in full.
LARGEST_LESSON = 3 * MEGABYTE
LARGEST_START = 1 * MEGABYTE


def cells(lesson: Path) -> list[dict]:
    return json.loads(lesson.read_text(encoding="utf-8"))["cells"]


def tags_of(cell: dict) -> list[str]:
    return cell["metadata"].get("tags", [])


def draws(cell: dict) -> bool:
    return "image" in cell["metadata"].get("mystnb", {})


def sources(lesson: Path, kind: str) -> str:
    return "\n".join("".join(cell["source"]) for cell in cells(lesson) if cell["cell_type"] == kind)


def files_of(page: BeautifulSoup, folder: Path) -> dict[Path, bool]:
    """Return what a page loads, and whether it does so only when scrolled to."""
    found = {folder / tag["src"].split("?")[0]: False for tag in page.select("script[src]")}
    found |= {
        folder / tag["href"].split("?")[0]: False for tag in page.select("link[rel~=stylesheet], link[rel~=icon]")
    }
    found |= {folder / tag["src"]: tag.get("loading") == "lazy" for tag in page.select("img[src]")}
    return found


def weight(path: Path) -> int:
    content = path.read_bytes()
    return len(content) if path.suffix in {".png", ".woff2"} else len(gzip.compress(content, 6))


def test_the_checker_is_content(site: Path):
    assert problems(site, ROOT / "notebooks") == []


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
class TestLesson:
    """What each lesson's page owes to its notebook."""

    def page(self, pages: dict[str, BeautifulSoup], lesson: Path) -> BeautifulSoup:
        return pages[f"notebooks/{lesson.stem}.html"]

    def test_questions_have_anchors_badges_and_cards(self, pages, lesson: Path):
        page = self.page(pages, lesson)
        questions = [cell["metadata"]["question"] for cell in cells(lesson) if "question" in cell["metadata"]]
        assert questions
        for question in questions:
            section = page.find("section", id=f"q{question['id']}")
            assert section.select_one(".difficulty").get_text() == question["difficulty"]
            assert section.select_one(".topics").get_text() == ", ".join(question["topics"])
            assert section.select_one(".short-answer"), f"Q{question['id']} has no card with the short answer"

    def test_no_label_is_left_as_plain_text(self, pages, lesson: Path):
        page, text = self.page(pages, lesson), sources(lesson, "markdown")
        for label, name in (
            (SHORT_ANSWER, "short-answer"),
            (CAREFUL, "careful"),
            (ASK_NEXT, "ask-next"),
        ):
            assert len(page.select(f".admonition.{name}")) == text.count(f"> **{label}.**")
        assert len(page.select("p.try-this")) == len(re.findall(r"^\*\*Try:\*\*", text, re.MULTILINE))

    def test_pictures_have_sentences_sizes_and_captions(self, pages, lesson: Path):
        page = self.page(pages, lesson)
        shown = [
            cell
            for cell in cells(lesson)
            if any("image/png" in output.get("data", {}) for output in cell.get("outputs", []))
        ]
        alts = [image["alt"] for image in page.select("article img")]
        for cell in shown:
            assert cell["metadata"]["mystnb"]["image"]["alt"] in alts
        for image in page.select("article img"):
            assert image["alt"].endswith("."), f"not a sentence: {image['alt']}"
            assert int(image["width"]) > 100
            assert int(image["height"]) > 50
            assert (image["loading"], image["decoding"]) == ("lazy", "async")
        assert len(page.select("figure > figcaption")) >= len(shown)

    def test_what_is_folded_stands_behind_its_line(self, pages, lesson: Path):
        page = self.page(pages, lesson)
        code = [cell for cell in cells(lesson) if cell["cell_type"] == "code"]
        found = [fold_of("".join(cell["source"]), tags_of(cell), draws(cell)) for cell in code]
        summaries = page.select("details.code-fold > summary")
        each = [summary for summary in summaries if not summary.parent.select("details")]
        lines = sorted(summary.get_text() for summary in each)
        expected = sorted(str(fold) for fold in found if fold is not None)
        assert len(lines) == len(expected) > 0
        for line, fold in zip(lines, expected, strict=True):
            assert line.rpartition(" ·")[0] == fold.rpartition(" ·")[0]
        assert not page.select("details.code-fold[open]")
        assert "@title" not in page.get_text() and not re.search("### (BEGIN|END) ", page.get_text())

    def test_proofs_say_what_makes_them_fail(self, pages, lesson: Path):
        page = self.page(pages, lesson)
        folded = [kind.find_parent(class_="cell") for kind in page.find_all(class_="fold-kind", string="Proof:")]
        notes = page.select(".mutants")
        assert len(notes) >= len({tag for cell in folded for tag in cell["class"] if re.match(r"tag_q\d", tag)})
        assert all("fails when, for example, " in note.get_text() for note in notes)

    def test_the_picture_of_the_whole_comes_first(self, pages, lesson: Path):
        if not any(OPENING in tags_of(cell) for cell in cells(lesson)):
            pytest.skip("the lesson has no picture of the whole yet")
        first = self.page(pages, lesson).select("article section > :is(h1, p, div)")
        assert [child.name for child in first[:3]] == ["h1", "p", "div"]
        assert first[2].select_one("figure img")

    def test_exercises_show_what_to_write(self, site: Path, pages, lesson: Path):
        page = self.page(pages, lesson)
        exercises = page.select("section.exercise")
        assert exercises
        for exercise in exercises:
            stub = exercise.select_one(".stub pre").get_text()
            assert "raise NotImplementedError()" in stub and "BEGIN SOLUTION" not in stub
            link = exercise.select_one(".student-link a")
            assert (site / "notebooks" / link["href"]).is_file() and link.has_attr("download")

    def test_exercises_have_anchors(self, pages, lesson: Path):
        page = self.page(pages, lesson)
        found = EXERCISE_LINE.findall(sources(lesson, "markdown"))
        assert found
        for number, position, title in found:
            assert page.find("section", id=f"exercise-{number}-{position}"), title

    def test_live_panels_are_notes(self, pages, lesson: Path):
        page = self.page(pages, lesson)
        assert len(page.select(".live-note")) == len(page.select(".tag_live")) > 0
        assert not page.select(".tag_live .cell_output")

    def test_formulas_are_set(self, pages, lesson: Path):
        page = self.page(pages, lesson)
        assert page.select("math")
        for code in page.select("pre, code"):
            code.decompose()
        assert not re.search(r"\$\S|\\(frac|text|mathbf|sqrt)\b", page.select_one("article").get_text())

    def test_the_page_is_light(self, site: Path, pages, lesson: Path):
        loaded = files_of(self.page(pages, lesson), site / "notebooks")
        fonts = [site / "_static" / "math.woff", *site.glob("_static/vendor/**/fa-solid*.woff2")]
        page = weight(site / "notebooks" / f"{lesson.stem}.html")
        at_once = page + sum(weight(path) for path, lazy in loaded.items() if not lazy) + sum(map(weight, fonts))
        in_all = at_once + sum(weight(path) for path, lazy in loaded.items() if lazy)
        assert at_once <= LARGEST_START, f"{at_once} bytes before the first picture"
        assert in_all <= LARGEST_LESSON, f"{in_all} bytes with all pictures"


def test_no_page_embeds_a_picture(pages):
    assert [name for name, page in pages.items() if page.select("img[src^='data:']")] == []


def test_no_page_loads_what_it_does_not_use(pages):
    unwanted = ("mathjax", "thebe", "fontawesome.js", "require", "embed-amd", "togglebutton", "design-tabs", "mermaid")
    for name, page in pages.items():
        loaded = [tag.get("src") or tag.get("href") or "" for tag in page.select("script[src], link[href]")]
        assert not [address for address in loaded for word in unwanted if word in address.lower()], name
        assert not [address for address in loaded if "searchindex" in address or "search_index" in address], name


def test_every_page_has_a_title_a_description_a_language_and_an_icon(pages):
    for name, page in pages.items():
        assert page.html["lang"] == "en", name
        assert page.title.get_text().endswith("Vision Transformers from Tensors Up"), name
        assert page.find("meta", attrs={"name": "description"})["content"].strip(), name
        assert name == "404.html" or page.select_one("link[rel=icon]")["href"].endswith("favicon.svg"), name
        assert len(page.find_all("h1")) == 1, name


def test_pages_lead_to_the_next_and_back(pages):
    chain = ["book/index.html", *(f"notebooks/{lesson.stem}.html" for lesson in LESSONS)]
    for here, following in itertools.pairwise(chain):
        assert pages[here].select_one("a.right-next")["href"].endswith(following.split("/")[-1])
        assert pages[following].select_one("a.left-prev")["href"].endswith(here.split("/")[-1])


def test_the_first_page_says_nothing_of_building_before_all_else(pages):
    text = pages["book/index.html"].select_one("article").get_text()
    before = text[: text.index("Build it yourself")]
    assert "make " not in before
    assert all(words in before for words in ("Why believe it?", "The lessons", "Look something up"))


def test_nobody_in_particular_is_named_as_author(pages):
    assert [name for name, page in pages.items() if page.select(".component-author")] == []


def test_every_lesson_has_a_card_with_its_picture_time_and_deeds(pages):
    cards = pages["book/index.html"].select(".lesson-card")
    assert len(cards) == len(read_registry().lessons)
    written = [card for card in cards if "to-come" not in card["class"]]
    assert len(written) == len(LESSONS)
    for card in written:
        assert card.find("img") and card.find_all("li")
        assert re.match(r"\d[^·]* to read", card.select_one(".card-time").get_text())


def test_a_lesson_can_be_downloaded(site: Path, pages):
    for lesson in LESSONS:
        (link,) = pages[f"notebooks/{lesson.stem}.html"].select("a.btn-download-source-button")
        assert (site / "notebooks" / link["href"]).read_bytes() == lesson.read_bytes()


def test_the_bibliography_lists_every_source(pages):
    entries = len(re.findall(r"^@\w+\{", "".join(bib.read_text() for bib in bibliographies()), re.MULTILINE))
    listed = pages["book/references.html"].select("article li")
    assert len(listed) == entries > 0
    assert all(item.find("a", href=re.compile("^https://")) for item in listed)


def bibliographies() -> list[Path]:
    return sorted((ROOT / "book" / "references").glob("*.bib"))
