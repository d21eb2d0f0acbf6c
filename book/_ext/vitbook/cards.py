"""Block quotes that open with a bold label become cards and admonitions; "Try" lines get a style."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from docutils import nodes
from sphinx.transforms import SphinxTransform

from tools.lesson.format import ASK_NEXT, CAREFUL, SHORT_ANSWER

if TYPE_CHECKING:
    from sphinx.application import Sphinx

# label in the notebook -> (title on the page, class)
CLASSES = {SHORT_ANSWER: "short-answer", CAREFUL: "careful", ASK_NEXT: "ask-next"}
CARDS = {f"{label}.": (label, name) for label, name in CLASSES.items()}
TRY = "Try:"


def drop_empty_texts(paragraph: nodes.paragraph) -> None:
    """Remove the empty texts that the Markdown parser leaves before bold and italic words."""
    paragraph.children = [child for child in paragraph.children if child.astext() or not isinstance(child, nodes.Text)]


def opening_label(node: nodes.Node) -> str | None:
    """Return the bold words that open a paragraph."""
    if not isinstance(node, nodes.paragraph):
        return None
    drop_empty_texts(node)
    return node[0].astext() if node.children and isinstance(node[0], nodes.strong) else None


def without_label(paragraph: nodes.paragraph) -> list[nodes.Node]:
    """Return the paragraph without its label; nothing if the label was all of it."""
    del paragraph[0]
    if paragraph.children and isinstance(paragraph[0], nodes.Text):
        paragraph[0] = nodes.Text(paragraph[0].lstrip())
    return [paragraph] if paragraph.astext().strip() else []


def split_cards(quote: nodes.block_quote) -> list[nodes.Element]:
    """Split a block quote at its labels; what stands before the first label stays a quote."""
    parts: list[nodes.Element] = []
    for child in list(quote.children):
        label = opening_label(child)
        if label in CARDS:
            title, name = CARDS[label]
            card = nodes.admonition("", nodes.title("", title), classes=["book-card", name])
            card.extend(without_label(child))
            parts.append(card)
        elif parts:
            parts[-1].append(child)
        else:
            parts.append(nodes.block_quote("", child))
    return parts


class Cards(SphinxTransform):
    """Turn the labelled block quotes of a page into cards."""

    default_priority = 510

    def apply(self, **kwargs: Any) -> None:
        """Replace quotes, and mark the "Try" paragraphs."""
        for quote in list(self.document.findall(nodes.block_quote)):
            if any(opening_label(child) in CARDS for child in quote.children):
                quote.replace_self(split_cards(quote))
        for paragraph in self.document.findall(nodes.paragraph):
            if opening_label(paragraph) == TRY:
                paragraph["classes"].append("try-this")


def setup(app: Sphinx) -> None:
    """Register the transform."""
    app.add_transform(Cards)
