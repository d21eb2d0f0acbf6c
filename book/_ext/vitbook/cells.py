"""Collapsed code cells with readable prompts, and a note where a live panel stands in the notebook."""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING, Any

from docutils import nodes
from myst_nb.sphinx_ import HideCodeCellNode
from sphinx.transforms import SphinxTransform

from tools.lesson.format import CARRIED_OVER, EXERCISE_TESTS, IMPORTS, LIVE, PLOT, SETUP, SOLUTION, TITLE_LINE
from vitbook.repository import colab_link

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.writers.html5 import HTML5Translator

# Needed to run the lesson, in the way of reading it: folded on the page, open in a notebook.
FOLDED_HERE = {IMPORTS: "imports", EXERCISE_TESTS: "tests", PLOT: "code of the picture"}

# Functions and classes that a cell defines.
DEFINED = re.compile(r"^(?:def|class) (\w+)", re.MULTILINE)


def is_cell(node: nodes.Node, part: str = "cell_code") -> bool:
    """Tell whether a node is a code cell, or a part of one."""
    return isinstance(node, nodes.container) and node.get("nb_element") == part


def cell_tags(cell: nodes.Element) -> list[str]:
    """Return the tags of a code cell."""
    return cell["cell_metadata"].get("tags", [])


def part_of(cell: nodes.Element, part: str) -> nodes.Element | None:
    """Return the source or the output of a code cell."""
    return next((child for child in cell.children if is_cell(child, part)), None)


def take_title(cell: nodes.Element) -> str | None:
    """Remove the `#@title` line, which Colab shows as the title of a collapsed cell, and return its text."""
    source = part_of(cell, "cell_code_source")
    block = source.next_node(nodes.literal_block) if source is not None else None
    if block is None or (match := TITLE_LINE.match(block.astext())) is None:
        return None
    text = block.astext()[match.end() :]
    block.rawsource = text  # Sphinx colours a block only where both are the same
    block.children = []
    block += nodes.Text(text)
    return match[1].strip()


def subject(tags: list[str], title: str | None) -> str:
    """Say what a collapsed cell holds."""
    if SETUP in tags:
        return "set-up"
    for tag, name in FOLDED_HERE.items():
        if tag in tags:
            return name
    if SOLUTION in tags:
        return "solution"
    if CARRIED_OVER in tags and title:
        return "code " + title[0].lower() + title[1:]
    return f"code: {title}" if title else "code"


def live_note(repository: str, branch: str, docname: str) -> nodes.admonition:
    """Build the note that stands where the notebook has a live panel."""
    text = nodes.paragraph("", "This panel recomputes live, which a page cannot do: ")
    link = colab_link(repository, branch, docname)
    if link:
        text += nodes.reference("", "open the lesson in Colab", refuri=link, internal=False)
        text += nodes.Text(", or download it and run it in Jupyter.")
    else:
        text += nodes.Text("download the lesson with the button at the top and run it in Jupyter or Colab.")
    return nodes.admonition("", nodes.title("", "Live panel"), text, classes=["book-card", "live-note"])


def code_button(source: nodes.Element | None) -> nodes.raw:
    """Build the button that opens a code cell on a narrow screen, where code is folded; elsewhere it does not show."""
    text = source.astext().strip() if source is not None else ""
    lines = text.count("\n") + 1
    names = ", ".join(DEFINED.findall(text)[:2])
    label = f"{names or 'Code'}, {lines} line{'s' * (lines != 1)}"
    return nodes.raw(
        "",
        f'<button type="button" class="show-code" aria-expanded="false">{escape(label)}</button>\n',
        format="html",
    )


class Cells(SphinxTransform):
    """Prepare the code cells of a page."""

    default_priority = 520

    def apply(self, **kwargs: Any) -> None:
        """Set the prompts and replace the output of live cells."""
        theme = self.config.html_theme_options
        for cell in list(self.document.findall(is_cell)):
            tags, title = cell_tags(cell), take_title(cell)
            if "image" in cell["cell_metadata"].get("mystnb", {}):
                tags = [*tags, PLOT]
            if FOLDED_HERE.keys() & set(tags):
                cell["hide_mode"] = "input"
            if cell.get("hide_mode"):
                name = subject(tags, title)
                cell["prompt_show"], cell["prompt_hide"] = f"Show {name}", f"Hide {name}"
            else:
                cell.insert(0, code_button(part_of(cell, "cell_code_source")))
            if LIVE in tags:
                if (output := part_of(cell, "cell_code_output")) is not None:
                    cell.remove(output)
                branch = theme.get("repository_branch") or "main"
                cell += live_note(self.config.vitbook_repository, branch, self.env.docname)


def visit_folded(self: HTML5Translator, node: HideCodeCellNode) -> None:
    """Open the collapsed part. The visible words are its accessible name."""
    self.body.append('<details class="folded">\n<summary>')
    self.body.append(f'<span class="when-closed">{escape(node["prompt_show"])}</span>')
    self.body.append(f'<span class="when-open">{escape(node["prompt_hide"])}</span></summary>\n')


def depart_folded(self: HTML5Translator, node: HideCodeCellNode) -> None:
    """Close the collapsed part."""
    self.body.append("</details>\n")


def setup(app: Sphinx) -> None:
    """Register the transform, and our HTML for myst-nb's collapsed cells."""
    app.setup_extension("myst_nb")
    app.add_transform(Cells)
    app.add_node(HideCodeCellNode, override=True, html=(visit_folded, depart_folded))
