"""Links from the first use of a term in a lesson to its entry in the glossary."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from docutils import nodes
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.nodes import make_refnode

from tools.lesson.format import LESSON_FILE
from vitbook.links import CLOSED, enclosing
from vitbook.store import store

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.environment import BuildEnvironment

GLOSSARY = "book/glossary"
# Where a term is not explained: headings, links, code and formulas, and what is read aloud or printed on its own.
NOT_HERE = (*CLOSED, nodes.strong, nodes.emphasis, nodes.caption, nodes.table)
MEANINGS = 240  # characters of a meaning that a link shows


def terms_of(entry: nodes.term) -> list[str]:
    """Return the terms that an entry explains: "Pre-LN, Post-LN" is two."""
    return [term.strip() for term in entry.astext().split(",") if term.strip()]


def anchor_of(term: str) -> str:
    """Return the anchor of a term."""
    return "term-" + nodes.make_id(term)


def collect(app: Sphinx, document: nodes.document) -> None:
    """Note the terms of the glossary page, and give each an anchor."""
    if app.env.docname != GLOSSARY:
        return
    found = {}
    for item in document.findall(nodes.definition_list_item):
        meaning = " ".join(item.next_node(nodes.definition).astext().split())
        for term in terms_of(item.next_node(nodes.term)):
            item.next_node(nodes.term)["ids"].append(anchor_of(term))
            found[term] = meaning if len(meaning) <= MEANINGS else meaning[:MEANINGS].rsplit(" ", 1)[0] + " …"
    store(app.env).terms = found


def pattern(term: str) -> re.Pattern[str]:
    """Return what finds a term as a whole word; in the plural, too, and without regard to case unless it is a name."""
    flags = re.IGNORECASE if term[1:].islower() or " " in term else 0
    return re.compile(rf"(?<![\w-]){re.escape(term)}s?(?![\w-])", flags)


class Terms(SphinxPostTransform):
    """Link the first use of each term on a lesson's page."""

    default_priority = 25  # after the mentions, so that links stay links

    def run(self, **kwargs: Any) -> None:
        """Walk through the running text once, looking for all terms that have not been met."""
        if not LESSON_FILE.fullmatch(self.env.docname):
            return
        terms = store(self.env).terms
        waiting = {term: pattern(term) for term in sorted(terms, key=len, reverse=True)}
        for text in list(self.document.findall(nodes.Text)):
            if isinstance(text.parent, nodes.paragraph) and not any(isinstance(n, NOT_HERE) for n in enclosing(text)):
                self.link_first(text, waiting, terms)

    def link_first(self, text: nodes.Text, waiting: dict[str, re.Pattern[str]], terms: dict[str, str]) -> None:
        """Link the terms that a text is the first to use."""
        words = text.astext()
        hits = sorted(
            (match.start(), match.end(), term) for term, wanted in waiting.items() if (match := wanted.search(words))
        )
        parts: list[nodes.Node] = []
        end = 0
        for start, stop, term in hits:
            if start < end:
                continue  # inside a longer term
            link = make_refnode(
                self.app.builder,
                self.env.docname,
                GLOSSARY,
                anchor_of(term),
                nodes.Text(words[start:stop]),
                terms[term],
            )
            link["classes"].append("term")
            parts += [nodes.Text(words[end:start])] * (start > end) + [link]
            end = stop
            del waiting[term]
        if parts:
            text.parent.replace(text, parts + [nodes.Text(words[end:])] * (end < len(words)))


def merge(app: Sphinx, env: BuildEnvironment, docnames: list[str], other: BuildEnvironment) -> None:
    """Take over what another process has read."""
    if GLOSSARY in docnames:
        store(env).terms = store(other).terms


def setup(app: Sphinx) -> None:
    """Register hooks and transform."""
    app.connect("doctree-read", collect)
    app.connect("env-merge-info", merge)
    app.add_post_transform(Terms)
