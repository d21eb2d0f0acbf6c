"""What concerns a page as a whole: its description, its preview where somebody links to it, the order of the index."""

from __future__ import annotations

import re
from html import escape, unescape
from typing import TYPE_CHECKING, Any

from docutils import nodes

if TYPE_CHECKING:
    from sphinx.application import Sphinx

DESCRIPTION_LENGTH = 160
TAG = re.compile(r"<[^>]*>")
PREVIEW = "_static/screenshot.png"
PREVIEW_ALT = "The page of a lesson: a photograph of a cat, cut into 14 by 14 patches."


def shorten(text: str, length: int = DESCRIPTION_LENGTH) -> str:
    """Cut a text at a word, with an ellipsis."""
    text = " ".join(text.split())
    return text if len(text) <= length else text[: length - 1].rsplit(" ", 1)[0].rstrip(",;:") + "…"


def describe(doctree: nodes.document | None, default: str) -> str:
    """Describe a page by its first paragraph."""
    paragraph = doctree.next_node(nodes.paragraph) if doctree is not None else None
    return shorten(paragraph.astext() if paragraph is not None else default)


def preview(title: str, description: str, page: str, site: str, address: str) -> dict[str, str]:
    """Return what a link to a page shows elsewhere (https://ogp.me); the site's address must be known for it."""
    return {
        "og:type": "article",
        "og:site_name": site,
        "og:title": unescape(TAG.sub("", title)),
        "og:description": description,
        "og:url": address + page,
        "og:image": address + PREVIEW,
        "og:image:alt": PREVIEW_ALT,
    }


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
    title = context.get("title", "")
    description = describe(doctree, f"{title}: {app.config.html_title}")
    tags = f'<meta name="description" content="{escape(description)}">\n'
    if address := app.config.html_baseurl:
        shown = preview(title or app.config.html_title, description, f"{pagename}.html", app.config.html_title, address)
        tags += "".join(f'<meta property="{name}" content="{escape(value)}">\n' for name, value in shown.items())
    context["metatags"] = context.get("metatags", "") + tags
    context["default_mode"] = "light"  # the colours of a page without scripts; layout.html asks the reader's system
    if "genindexentries" in context:
        sort_index(context["genindexentries"])


def setup(app: Sphinx) -> None:
    """Register the hook."""
    app.connect("html-page-context", complete_page, priority=900)  # after the theme
