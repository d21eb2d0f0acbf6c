"""Block quotes that open with a bold label become cards and admonitions; "Try" lines get a style."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from docutils import nodes
from sphinx.transforms import SphinxTransform

from tools.lesson.format import ASK_NEXT, CAREFUL, CAREFUL_OPEN, SHORT_ANSWER
from vitbook.claims import claim_of
from vitbook.questions import notebook_cells

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.writers.html5 import HTML5Translator

# label in the notebook -> (title on the page, class)
CLASSES = {SHORT_ANSWER: "short-answer", CAREFUL: "careful", ASK_NEXT: "ask-next"}
CARDS = {f"{label}.": (label, name) for label, name in CLASSES.items()}
TRY = "Try:"
LINES_OF_A_CELL = 10_000  # the notebook's parser numbers lines so: the second line of the first cell is 10,002


class FoldedCard(nodes.admonition):
    """A card behind its title."""


class CardLine(nodes.title):
    """The title behind which a card is folded."""


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


def folded(card: nodes.admonition) -> FoldedCard:
    """Fold a correction under the claim that it corrects."""
    title, *rest = card.children
    claim = claim_of(rest[0]) if rest and isinstance(rest[0], nodes.paragraph) else []
    line = CardLine("", title.astext() + (": " if claim else ""))
    if claim:
        line += nodes.inline("", "", *claim, classes=["claim"])
    result = FoldedCard("", line, *rest, classes=[*card["classes"], "folded-card"])
    result.source, result.line = card.source, card.line
    return result


def cell_of(quote: nodes.block_quote) -> int | None:
    """Return the number of the notebook's cell in which a quote stands."""
    lines = [node.line for node in quote.findall(nodes.Element) if node.line]
    return lines[0] // LINES_OF_A_CELL - 1 if lines else None


class Cards(SphinxTransform):
    """Turn the labelled block quotes of a page into cards."""

    default_priority = 510

    def apply(self, **kwargs: Any) -> None:
        """Replace quotes, and mark the "Try" paragraphs."""
        cells = notebook_cells(Path(self.env.doc2path(self.env.docname)))
        kept = {i for i, cell in enumerate(cells) if CAREFUL_OPEN in cell["metadata"].get("tags", [])}
        for quote in list(self.document.findall(nodes.block_quote)):
            if any(opening_label(child) in CARDS for child in quote.children):
                parts = split_cards(quote)
                if cells and cell_of(quote) not in kept:
                    parts = [folded(part) if CLASSES[CAREFUL] in part["classes"] else part for part in parts]
                quote.replace_self(parts)
        for paragraph in self.document.findall(nodes.paragraph):
            if opening_label(paragraph) == TRY:
                paragraph["classes"].append("try-this")


def visit_card(self: HTML5Translator, node: FoldedCard) -> None:
    """Open a folded card."""
    self.body.append(self.starttag(node, "details", CLASS="admonition"))


def depart_card(self: HTML5Translator, node: FoldedCard) -> None:
    """Close a folded card."""
    self.body.append("</details>\n")


def visit_line(self: HTML5Translator, node: CardLine) -> None:
    """Open the line of a folded card."""
    self.body.append('<summary class="admonition-title"><span>')


def depart_line(self: HTML5Translator, node: CardLine) -> None:
    """Close the line of a folded card."""
    self.body.append("</span></summary>\n")


def setup(app: Sphinx) -> None:
    """Register the nodes and the transform."""
    app.add_node(FoldedCard, html=(visit_card, depart_card))
    app.add_node(CardLine, html=(visit_line, depart_line))
    app.add_transform(Cards)
