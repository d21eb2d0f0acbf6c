"""What the search looks through: the sections of all pages, each with its title, its address and its words by kind."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from docutils import nodes
from sphinx import addnodes

from tools.lesson.format import EXERCISE, LESSON_FILE, QUESTION
from vitbook.cells import DEFINED, is_cell
from vitbook.glossary import GLOSSARY, anchor_of, terms_of
from vitbook.pages import shorten

if TYPE_CHECKING:
    from sphinx.environment import BuildEnvironment

EXCERPT_LENGTH = 220
# Pages that repeat what stands elsewhere, or hold no text.
REPEATED = ("book/questions", "book/corrections", "book/cram_", "search", "genindex")
SILENT = (nodes.comment, nodes.raw, nodes.title, nodes.image, addnodes.index, nodes.system_message)
CARDS = {"short-answer": "answer", "careful": "careful"}


@dataclass
class Passage:
    """A section, or a term of the glossary: what one result of a search leads to."""

    page: str
    anchor: str
    title: str
    place: str  # where it stands: the title of its page
    number: int | None = None  # of a question
    excerpt: str = ""
    words: dict[str, list[str]] = field(
        default_factory=dict
    )  # texts by kind: title, topics, answer, careful, text, table, …

    def add(self, kind: str, text: str) -> None:
        """Note a text."""
        if text.strip():
            self.words.setdefault(kind, []).append(text)


def read(passage: Passage, node: nodes.Node, kind: str = "text") -> None:
    """Note what stands below a node, sections within it left out."""
    if isinstance(node, (nodes.section, *SILENT)) or is_cell(node, "cell_code_output"):
        return
    if isinstance(node, nodes.literal_block):
        passage.add("code", node.astext())
        passage.add("text", " ".join(DEFINED.findall(node.astext())))
    elif isinstance(node, nodes.entry):
        passage.add("table", node.astext())
    elif isinstance(node, nodes.paragraph | nodes.term | nodes.math_block):
        if kind == "answer" and isinstance(node.children[0] if node.children else None, nodes.strong):
            passage.add("headline", node.children[0].astext())
        passage.add("topics" if "question-meta" in node["classes"] else kind, node.astext())
    else:
        if isinstance(node, nodes.admonition):
            kind = next((CARDS[name] for name in node["classes"] if name in CARDS), kind)
        for child in node.children:
            read(passage, child, kind)


def of_section(section: nodes.section, page: str, place: str) -> Passage:
    """Return what stands in a section itself."""
    title = section.next_node(nodes.title).astext()
    match = QUESTION.match(title)
    anchor = f"q{match[1]}" if match else str(section["ids"][0])
    if match := EXERCISE.match(title) or match:
        anchor = anchor if title.startswith("Q") else f"exercise-{match[1]}-{match[2]}"
    passage = Passage(page, anchor, title, place, int(anchor[1:]) if title.startswith("Q") and match else None)
    passage.add("title", title)
    for child in section.children:
        read(passage, child)
    passage.excerpt = excerpt(first(passage, "answer", "text"))
    return passage


def excerpt(text: str) -> str:
    """Return the beginning of a text, whole sentences if they say enough."""
    text = re.sub(r"\\([a-z]+)", r"\1", " ".join(text.split()))  # "\\times" of a formula is read as "times"
    whole = text[: text.rfind(". ", 0, EXCERPT_LENGTH) + 1] if len(text) > EXCERPT_LENGTH else text
    return whole if 2 * len(whole) > min(EXCERPT_LENGTH, len(text)) else shorten(text, EXCERPT_LENGTH)


def first(passage: Passage, *kinds: str) -> str:
    """Return the first text of the first kind there is."""
    return next((text for kind in kinds for text in passage.words.get(kind, ())), "")


def of_glossary(document: nodes.document, place: str) -> Iterator[Passage]:
    """Yield each term with its meaning."""
    for item in document.findall(nodes.definition_list_item):
        term = item.next_node(nodes.term)
        passage = Passage(GLOSSARY, anchor_of(terms_of(term)[0]), term.astext(), place)
        passage.add("title", term.astext())
        for meaning in item.findall(nodes.definition):
            passage.add("answer", meaning.astext())
        passage.excerpt = excerpt(first(passage, "answer"))
        yield passage


def passages(env: BuildEnvironment, asked: dict[str, list[str]]) -> Iterator[Passage]:
    """Yield all that can be found, page by page; a question with the words in which it is also asked."""
    for page in sorted(env.found_docs):
        if page.startswith(REPEATED):
            continue
        document = env.get_doctree(page)
        place = env.titles[page].astext()
        if page == GLOSSARY:
            yield from of_glossary(document, place)
            continue
        for section in document.findall(nodes.section):
            passage = of_section(section, page, place)
            if section.parent is document:
                passage.anchor = ""  # the top of the page
            elif passage.number is not None and isinstance(section.parent, nodes.section):
                above = of_section(section.parent, page, place).words  # what is built there, its questions ask about
                passage.words["around"] = above.get("title", []) + above.get("text", [])
                if wordings := asked.get(str(passage.number)):
                    passage.words["asked"] = wordings
            if passage.words.keys() - {"title"} or LESSON_FILE.fullmatch(page):
                yield passage


def also(document: nodes.document) -> list[list[str]]:
    """Return the other names that the glossary gives its terms, each list with the term itself."""
    groups = []
    for item in document.findall(nodes.definition_list_item):
        lines = [meaning.astext() for meaning in item.findall(nodes.definition)]
        names = [line.removeprefix("Also:").rstrip(".") for line in lines if line.startswith("Also:")]
        if names:
            groups.append(terms_of(item.next_node(nodes.term)) + [name.strip() for name in names[0].split(",")])
    return groups
