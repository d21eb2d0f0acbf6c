"""All questions of the book, collected while the lessons are read: what the pages to look things up are made of."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from docutils import nodes

from tools.lesson.format import QUESTION, QUESTION_TAG
from vitbook.cells import cell_tags, is_cell
from vitbook.questions import notebook_cells, read_questions
from vitbook.store import Entry, store

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.environment import BuildEnvironment


def content_of(section: nodes.section, card: str) -> list[nodes.Node]:
    """Return copies of what stands in a question's cards of one kind, without their titles."""
    return [
        child.deepcopy()
        for found in section.findall(nodes.admonition)
        if card in found["classes"]
        for child in found.children
        if not isinstance(child, nodes.title)
    ]


def collect(app: Sphinx, document: nodes.document) -> None:
    """Note the questions of a page, and give the cell that proves each an anchor."""
    info = read_questions(notebook_cells(Path(app.env.doc2path(app.env.docname))))
    proofs: dict[int, str] = {}
    for cell in document.findall(is_cell):
        for tag in cell_tags(cell):
            if (match := QUESTION_TAG.fullmatch(tag)) and (number := int(match[1])) not in proofs:
                proofs[number] = f"proof-{tag}"
                cell["ids"].append(proofs[number])
    for section in document.findall(nodes.section):
        match = QUESTION.match(section.next_node(nodes.title).astext())
        if match and (number := int(match[1])) in info:
            store(app.env).entries[number] = Entry(
                number,
                match[2],
                app.env.docname,
                info[number],
                content_of(section, "short-answer"),
                content_of(section, "careful"),
                proofs.get(number),
            )


def forget(app: Sphinx, env: BuildEnvironment, docname: str) -> None:
    """Forget the questions of a page that is read anew."""
    known = store(env)
    known.entries = {number: entry for number, entry in known.entries.items() if entry.page != docname}


def merge(app: Sphinx, env: BuildEnvironment, docnames: list[str], other: BuildEnvironment) -> None:
    """Take over what another process has read."""
    found = store(other).entries.items()
    store(env).entries.update({number: entry for number, entry in found if entry.page in docnames})


def setup(app: Sphinx) -> None:
    """Register the hooks."""
    app.connect("doctree-read", collect)
    app.connect("env-purge-doc", forget)
    app.connect("env-merge-info", merge)
