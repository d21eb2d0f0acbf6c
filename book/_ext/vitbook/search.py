"""The search's index, written when all pages are: assets/search.js loads it at the first key stroke."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vitbook.glossary import GLOSSARY
from vitbook.passages import Passage, also, passages
from vitbook.words import LONGEST, MIXED, SAME, SHORTENED, SPELLINGS, STOP_WORDS, WORD, Names, weigh

if TYPE_CHECKING:
    from sphinx.application import Sphinx

FILE = "_static/search_index.js"
ASKED = "book/asked.toml"


def row(passage: Passage, pages: dict[str, int]) -> list[Any]:
    """Return what the search shows of a passage: number of its page, anchor, title, excerpt."""
    return [pages[passage.page], passage.anchor, passage.title, passage.excerpt]


def numbers(places: dict[int, int]) -> list[int]:
    """Return where a word stands, each place as its distance from the one before, and what it adds there."""
    ordered = sorted(places)
    steps = [place - before for place, before in zip(ordered, [0, *ordered], strict=False)]
    return [number for step, place in zip(steps, ordered, strict=True) for number in (step, places[place])]


def index_of(found: list[Passage], groups: list[list[str]]) -> dict[str, Any]:
    """Return the whole index: pages, passages, and for each word where it stands and how well it fits."""
    titles = {passage.page: passage.place for passage in found}
    pages = {page: number for number, page in enumerate(titles)}
    names = Names([*groups, *SAME])
    words = weigh(found, names)
    return {
        "pages": [[page, title] for page, title in titles.items()],
        "passages": [row(passage, pages) for passage in found],
        "words": {word: numbers(words[word]) for word in sorted(words)},
        "names": names.marks,
        "rules": {
            "word": WORD,
            "mixed": MIXED,
            "shortened": SHORTENED,
            "spellings": SPELLINGS,
            "longest": LONGEST,
            "stop": sorted(STOP_WORDS),
        },
    }


def write(app: Sphinx, error: Exception | None) -> None:
    """Write the index as a script, which a page may load from a file, too."""
    if error is not None or app.builder.format != "html":
        return
    groups = also(app.env.get_doctree(GLOSSARY)) if GLOSSARY in app.env.found_docs else []
    asked = Path(app.srcdir, ASKED)
    wordings = tomllib.loads(asked.read_text(encoding="utf-8")) if asked.is_file() else {}
    text = json.dumps(index_of(list(passages(app.env, wordings)), groups), ensure_ascii=False, separators=(",", ":"))
    Path(app.outdir, FILE).write_text(f"window.bookIndex = {text};\n", encoding="utf-8")


def setup(app: Sphinx) -> None:
    """Register the hook."""
    app.connect("build-finished", write)
