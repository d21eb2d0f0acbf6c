"""What the search looks through and how well a word fits: passages of the small book, stems, names, scores."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

from tools.lesson.format import read_registry
from tools.site.check import SEARCH_INDEX

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def index(book) -> dict:
    """The index of the small book."""
    text = (book.folder / SEARCH_INDEX).read_text(encoding="utf-8")
    return json.loads(text.removeprefix("window.bookIndex = ").removesuffix(";\n"))


def places(index: dict, word: str) -> dict[str, int]:
    """Where a word stands, by anchor, and what it adds there."""
    found, place = {}, 0
    for step, score in zip(index["words"][word][::2], index["words"][word][1::2], strict=True):
        place += step
        found[index["passages"][place][1]] = score
    return found


def test_questions_terms_and_sections_can_be_found(index):
    anchors = {
        (index["pages"][page][0], anchor): (title, excerpt) for page, anchor, title, excerpt in index["passages"]
    }
    title, excerpt = anchors["notebooks/01_fixture", "q4"]
    assert title.startswith("Q4 · ") and excerpt == "It keeps the scale of the scores, see Q42."
    assert anchors["book/glossary", "term-pattern"] == ("Pattern, small notebook", "What recurs.")
    assert ("notebooks/01_fixture", "exercise-1-1") in anchors and ("notebooks/01_fixture", "") in anchors
    assert not {"book/questions", "book/corrections", "book/cram"} & {page for page, _ in anchors}, "they repeat"


def test_a_word_fits_where_it_is_in_the_title(index):
    scores = places(index, "q42")
    assert scores["q42"] > scores["q4"], "Q4 only mentions it"


def test_what_a_cell_prints_is_not_looked_through(index):
    assert "turn" not in index["words"] and "knob" not in index["words"], "only the live panel's output says so"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Positional encodings", ["posit", "encod"]),
        ("why is the attention normalised?", ["attent", "normal"]),
        ("Normalization, behaviours", ["normal", "behavior"]),
        ("promise, precise, supervised, four", ["promis", "precis", "supervis", "four"]),
        ("patch16_224 conv2d v2", ["patch16", "patch", "16", "224", "conv2d", "conv", "2", "v2"]),
        ("224x224, x4, 2x", ["224x224", "224", "224", "x4", "2x"]),
        ("√d Café ViT's Swin-T", ["√", "d", "cafe", "vit", "swin", "t"]),
        ("why doesn’t it’s, isn't, can't", []),
        ("what is it for", []),
    ],
)
def test_words_are_reduced_to_what_they_name(text: str, found: list[str]):
    from vitbook.words import stems

    assert stems(text) == found


def test_names_of_one_thing_are_one():
    from vitbook.words import Names, stems

    names = Names([["Pooling", "GAP", "global average pooling"], ["√d", "sqrt", "square root"]])
    assert names.add(stems("GAP")) == ["gap", "=0"]
    assert names.add(stems("global average pooling")) == ["global", "averag", "pool", "=0", "=0"]
    assert names.add(stems("a square root of average")) == ["squar", "root", "averag", "=1"]


def test_the_glossary_gives_other_names(tmp_path, build):
    glossary = "# Glossary\n\nPattern\n: What *recurs*.\n: Also: motif, repeated shape.\n"
    built = build(tmp_path, {"index": "# Book\n\n```{toctree}\nbook/glossary\n```\n", "book/glossary": glossary})
    text = (built.folder / SEARCH_INDEX).read_text(encoding="utf-8")
    names = json.loads(text.removeprefix("window.bookIndex = ").removesuffix(";\n"))["names"]
    assert names["motif"] == names["pattern"] == names["repeat shape"] != names["pictur"]


def test_a_question_is_found_by_how_people_ask_it(tmp_path, build):
    book = {"index": "# Book\n\n```{toctree}\nnotebooks/01_fixture\n```\n", "book/asked.toml": '4 = ["why zyzzyva"]\n'}
    built = build(tmp_path, book)
    text = (built.folder / SEARCH_INDEX).read_text(encoding="utf-8")
    assert set(places(json.loads(text.removeprefix("window.bookIndex = ").removesuffix(";\n")), "zyzzyva")) == {"q4"}


def test_every_wording_belongs_to_a_question_of_the_book():
    wordings = tomllib.loads((ROOT / "book" / "asked.toml").read_text(encoding="utf-8"))
    assert {int(number) for number in wordings} <= read_registry().wordings.keys()
    said = [wording for several in wordings.values() for wording in several]
    tried = tomllib.loads((ROOT / "tests/site/browser/search_phrasings.toml").read_text(encoding="utf-8"))
    assert not set(said) & {text for part in tried.values() for text in part}, (
        "what the search is tried on is not told it"
    )


def test_rare_words_count_more_and_long_texts_less():
    from vitbook.passages import Passage
    from vitbook.words import Names, weigh

    def passage(text: str) -> Passage:
        return Passage("page", "", "", "", words={"text": [text]})

    texts = ["mask token token", "mask", "mask " + "window " * 5, *["key value"] * 9]
    fits = weigh([passage(text) for text in texts], Names([]))
    assert fits["token"][0] > fits["mask"][0], "rarer, and twice there"
    assert fits["mask"][1] > fits["mask"][2], "among fewer words"
