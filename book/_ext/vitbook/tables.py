"""Tables: without a heading, Markdown's empty one is left out; figures keep on one line, words get room on a phone."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from docutils import nodes
from sphinx.transforms import SphinxTransform

if TYPE_CHECKING:
    from sphinx.application import Sphinx

FIGURES, WORDS = "figures", "words"  # classes
LONGEST_FIGURES = 24  # characters
LETTERS = 4  # at most, as in `28.3 M` or `224 px`
LONG = 40  # characters of a cell that would grow tall in a narrow column


def kind_of(text: str) -> str | None:
    """Return the class of a cell that holds `2, 2, 18, 2` or a sentence."""
    figures = re.search(r"\d", text) and sum(map(str.isalpha, text)) <= LETTERS
    if figures and len(text) <= LONGEST_FIGURES:
        return FIGURES
    return WORDS if len(text) > LONG else None


class Tables(SphinxTransform):
    """Remove table heads in which nothing is written (a screen reader would announce them), and mark cells."""

    default_priority = 550

    def apply(self, **kwargs: Any) -> None:
        """Walk through all tables of the page."""
        for head in list(self.document.findall(nodes.thead)):
            if not head.astext().strip():
                head.parent.remove(head)
        for cell in self.document.findall(nodes.entry):
            if kind := kind_of(cell.astext().strip()):
                cell["classes"].append(kind)


def setup(app: Sphinx) -> None:
    """Register the transform."""
    app.add_transform(Tables)
