"""What concerns a page as a whole: its description, and the order of the index."""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING, Any

from docutils import nodes

if TYPE_CHECKING:
    from sphinx.application import Sphinx

DESCRIPTION_LENGTH = 160


def shorten(text: str, length: int = DESCRIPTION_LENGTH) -> str:
    """Cut a text at a word, with an ellipsis."""
    text = " ".join(text.split())
    return text if len(text) <= length else text[: length - 1].rsplit(" ", 1)[0].rstrip(",;:") + "…"


def describe(doctree: nodes.document | None, default: str) -> str:
    """Describe a page by its first paragraph."""
    paragraph = doctree.next_node(nodes.paragraph) if doctree is not None else None
    return shorten(paragraph.astext() if paragraph is not None else default)


def by_number(text: str) -> list[Any]:
    """Sort key under which Q4 comes before Q10."""
    return [int(part) if part.isdigit() else part.lower() for part in re.split(r"(\d+)", text)]


def sort_index(groups: list[Any]) -> None:
    """Put the questions of the general index in their own order, not that of the alphabet."""
    for _, entries in groups:
        entries.sort(key=lambda entry: by_number(entry[0]))
        for _, (_, subentries, _) in entries:
            subentries.sort(key=lambda subentry: by_number(subentry[0]))


def complete_page(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Add the description, and put the index in order."""
    description = describe(doctree, f"{context.get('title', '')}: {app.config.html_title}")
    context["metatags"] = context.get("metatags", "") + f'<meta name="description" content="{escape(description)}">\n'
    if "genindexentries" in context:
        sort_index(context["genindexentries"])


def setup(app: Sphinx) -> None:
    """Register the hook."""
    app.connect("html-page-context", complete_page)
