"""The opening of a lesson: the picture of the whole stands directly under the promise, code below the table."""

from __future__ import annotations

from itertools import takewhile
from typing import TYPE_CHECKING, Any

from docutils import nodes
from sphinx.transforms import SphinxTransform

from tools.lesson.folding import Fold, count_lines
from tools.lesson.format import CARRIED_OVER, OPENING
from vitbook.cells import cell_tags, is_cell, part_of
from vitbook.folds import Folded, line_of

if TYPE_CHECKING:
    from sphinx.application import Sphinx


class Opening(SphinxTransform):
    """Move the picture of the cell tagged `opening` up, and the code before its text down."""

    default_priority = 545  # after captions and sliders

    def apply(self, **kwargs: Any) -> None:
        """Look for the cell, which stands in the first part of the page, before any heading but the title."""
        page = self.document.next_node(nodes.section)
        if page is None:
            return
        opening = next((node for node in page.children if is_cell(node) and OPENING in cell_tags(node)), None)
        picture = part_of(opening, "cell_code_output") if opening is not None else None
        promise = next((node for node in page.children if isinstance(node, nodes.paragraph)), None)
        if opening is None or picture is None or promise is None:
            return
        position = page.index(opening)
        code = [node for node in page.children[: position + 1] if is_cell(node)]
        text = takewhile(lambda node: not (is_cell(node) or isinstance(node, nodes.section)), page[position + 1 :])
        last = [opening, *text][-1]
        end = page.index(last) + 1
        code += takewhile(is_restated, page[end:])
        page[end:end] = [nodes.comment()]  # keeps the place while the code is moved
        place = page[end]
        for node in code:
            page.remove(node)
        opening.remove(picture)
        whole = nodes.container("", picture, classes=["cell", "opening"])
        answer = list(takewhile(lambda node: isinstance(node, nodes.paragraph), page[page.index(promise) + 1 :]))
        for node in answer:
            page.remove(node)
        page.insert(page.index(promise) + 1, nodes.container("", whole, *answer, classes=["first-screen"]))
        place.replace_self(folded_together(code))


def is_restated(node: nodes.Node) -> bool:
    """Tell whether a node is a cell that an earlier lesson has explained."""
    return is_cell(node) and CARRIED_OVER in cell_tags(node)


def folded_together(code: list[nodes.Element]) -> nodes.Element:
    """Put the cells that a reader may skip at first behind one line; each keeps its own behind it."""
    lines = sum(count_lines(block.astext()) for cell in code for block in cell.findall(nodes.literal_block))
    fold = Fold("Code", "what the lesson needs, and the picture above", lines)
    together = nodes.container("", Folded("", *code, line=line_of(fold, "")), classes=["cell", "has-fold"])
    return together


def setup(app: Sphinx) -> None:
    """Register the transform."""
    app.add_transform(Opening)
