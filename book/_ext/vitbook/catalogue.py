"""All questions of the book, collected while the lessons are read: what the pages to look things up are made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from docutils import nodes

from tools.lesson.format import QUESTION, QUESTION_TAG
from vitbook.cells import cell_tags, is_cell
from vitbook.questions import QuestionInfo, notebook_cells, read_questions

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.environment import BuildEnvironment


@dataclass
class Entry:
    """A question that a lesson answers: where it stands, and its cards."""

    number: int
    title: str
    page: str
    info: QuestionInfo
    answer: list[nodes.Node] = field(default_factory=list)
    careful: list[nodes.Node] = field(default_factory=list)
    proof: str | None = None  # anchor of its first cell of code


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
            entries(app.env)[number] = Entry(
                number,
                match[2],
                app.env.docname,
                info[number],
                content_of(section, "short-answer"),
                content_of(section, "careful"),
                proofs.get(number),
            )


def entries(env: BuildEnvironment) -> dict[int, Entry]:
    """Return the questions found so far, by number."""
    if not hasattr(env, "vitbook_entries"):
        env.vitbook_entries = {}
    return env.vitbook_entries


def forget(app: Sphinx, env: BuildEnvironment, docname: str) -> None:
    """Forget the questions of a page that is read anew."""
    env.vitbook_entries = {number: entry for number, entry in entries(env).items() if entry.page != docname}


def merge(app: Sphinx, env: BuildEnvironment, docnames: list[str], other: BuildEnvironment) -> None:
    """Take over what another process has read."""
    entries(env).update({number: entry for number, entry in entries(other).items() if entry.page in docnames})


def setup(app: Sphinx) -> None:
    """Register the hooks."""
    app.connect("doctree-read", collect)
    app.connect("env-purge-doc", forget)
    app.connect("env-merge-info", merge)
