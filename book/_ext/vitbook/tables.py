"""Tables without a heading: Markdown demands a head, so an empty one is left out of the page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from docutils import nodes
from sphinx.transforms import SphinxTransform

if TYPE_CHECKING:
    from sphinx.application import Sphinx


class EmptyHeads(SphinxTransform):
    """Remove table heads in which nothing is written: a screen reader would announce empty headings."""

    default_priority = 550

    def apply(self, **kwargs: Any) -> None:
        """Walk through all tables of the page."""
        for head in list(self.document.findall(nodes.thead)):
            if not head.astext().strip():
                head.parent.remove(head)


def setup(app: Sphinx) -> None:
    """Register the transform."""
    app.add_transform(EmptyHeads)
