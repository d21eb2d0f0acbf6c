"""Links for `Q42`, `Lesson 5` and `Exercise 5.2` in running text, where the target is in the book."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Any

from docutils import nodes
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.nodes import make_refnode

if TYPE_CHECKING:
    from sphinx.application import Sphinx

MENTION = re.compile(r"(?<![\w./#])(?:Q(?P<q>\d+)|Lesson\s(?P<lesson>\d+)|Exercise\s(?P<exercise>\d+\.\d+))(?!\w|\.\d)")
# Words inside these are left as they are.
CLOSED = (nodes.title, nodes.reference, nodes.literal, nodes.FixedTextElement, nodes.raw, nodes.math, nodes.Invisible)

Target = tuple[str, str, str]  # page, anchor, title


def label_of(match: re.Match[str]) -> str:
    """Return the label that a mention stands for."""
    if match["q"]:
        return f"q{int(match['q'])}"
    if match["lesson"]:
        return f"lesson-{int(match['lesson'])}"
    return "exercise-" + match["exercise"].replace(".", "-")


def linked(text: str, make_link: Callable[[str, str], nodes.Node | None]) -> list[nodes.Node] | None:
    """Split a text at its mentions; None if nothing in it can be linked."""
    parts: list[nodes.Node] = []
    end = 0
    for match in MENTION.finditer(text):
        link = make_link(label_of(match), match[0])
        if link is not None:
            parts += [nodes.Text(text[end : match.start()])] * (match.start() > end) + [link]
            end = match.end()
    if not parts:
        return None
    return parts + [nodes.Text(text[end:])] * (end < len(text))


def enclosing(node: nodes.Node) -> Iterable[nodes.Node]:
    """Yield all nodes around a node, innermost first."""
    while (node := node.parent) is not None:
        yield node


class Links(SphinxPostTransform):
    """Link the mentions on a page when it is written, so that all targets are known."""

    default_priority = 20

    def run(self, **kwargs: Any) -> None:
        """Replace the texts that mention something."""
        for text in list(self.document.findall(nodes.Text)):
            around = list(enclosing(text))
            if any(isinstance(node, CLOSED) for node in around):
                continue
            here = {anchor for node in around if isinstance(node, nodes.section) for anchor in node["ids"]}
            parts = linked(text.astext(), partial(self.link, here))
            if parts:
                text.parent.replace(text, parts)

    def link(self, here: set[str], label: str, words: str) -> nodes.Node | None:
        """Build a link, unless the target is missing or is the place where the words stand."""
        target: Target | None = self.env.domains["std"].labels.get(label)
        if target is None or label in here:
            return None
        page, anchor, title = target
        if not anchor and page == self.env.docname:
            return None
        node = make_refnode(self.app.builder, self.env.docname, page, anchor, nodes.Text(words), title)
        node["classes"].append("mention")
        return node


def setup(app: Sphinx) -> None:
    """Register the transform."""
    app.add_post_transform(Links)
