"""Anchors for lessons, questions and exercises; badges and index entries for questions."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docutils import nodes
from sphinx import addnodes
from sphinx.transforms import SphinxTransform

from tools.lesson.format import EXERCISE, LESSON_FILE, QUESTION

if TYPE_CHECKING:
    from sphinx.application import Sphinx


@dataclass(frozen=True)
class QuestionInfo:
    """What a question's cell says about it."""

    difficulty: str
    topics: tuple[str, ...]


def notebook_cells(path: Path) -> list[dict[str, Any]]:
    """Return the cells of a notebook, or nothing for another kind of page."""
    if path.suffix != ".ipynb":
        return []
    return json.loads(path.read_text(encoding="utf-8"))["cells"]


def read_questions(cells: list[dict[str, Any]]) -> dict[int, QuestionInfo]:
    """Collect the metadata of all questions of a notebook."""
    found = {}
    for cell in cells:
        question = cell.get("metadata", {}).get("question")
        if question:
            found[question["id"]] = QuestionInfo(question["difficulty"], tuple(question["topics"]))
    return found


def badge(info: QuestionInfo) -> nodes.paragraph:
    """Build the line below a question's heading: how hard it is, and what it is about."""
    topics = ", ".join(info.topics)
    return nodes.paragraph(
        "",
        "",
        nodes.inline("", info.difficulty, classes=["difficulty", f"difficulty-{info.difficulty}"]),
        nodes.inline("", topics, classes=["topics"]),
        classes=["question-meta"],
    )


def index_entries(title: str, anchor: str, info: QuestionInfo | None) -> addnodes.index:
    """List a question under "Questions" and under each of its topics."""
    text = title.replace(";", ",")  # a semicolon would split the entry
    entries: list[tuple[str, str, str, str, str | None]] = [("single", text, anchor, "", "Questions")]
    entries += [("single", f"{topic}; {text}", anchor, "", None) for topic in (info.topics if info else ())]
    return addnodes.index(entries=entries)


class Anchors(SphinxTransform):
    """Give sections short, lasting anchors, and make them known as labels."""

    default_priority = 500

    def apply(self, **kwargs: Any) -> None:
        """Walk through all sections of the page."""
        info = read_questions(notebook_cells(Path(self.env.doc2path(self.env.docname))))
        lesson = LESSON_FILE.fullmatch(self.env.docname)
        sections = list(self.document.findall(nodes.section))
        if lesson and sections:
            name = f"lesson-{int(lesson[1])}"
            self.note_label(name, "", sections[0].next_node(nodes.title).astext())
            sections[0].next_node(nodes.title)["ids"].append(name)  # for who writes the address by hand
        for section in sections:
            title = section.next_node(nodes.title).astext()
            if match := QUESTION.match(title):
                anchor, number = f"q{match[1]}", int(match[1])
                self.add_anchor(section, anchor, title)
                section["classes"].append("question")
                section.insert(1, index_entries(title, anchor, info.get(number)))
                if number in info:
                    section.insert(2, badge(info[number]))
            elif match := EXERCISE.match(title):
                self.add_anchor(section, f"exercise-{match[1]}-{match[2]}", title)
                section["classes"].append("exercise")

    def add_anchor(self, section: nodes.section, anchor: str, title: str) -> None:
        """Put the short anchor before the one made from the heading; both work."""
        if anchor not in section["ids"]:
            section["ids"].insert(0, anchor)
            self.document.ids[anchor] = section
        self.note_label(anchor, anchor, title)

    def note_label(self, name: str, anchor: str, title: str) -> None:
        """Make `name` a target for references from any page; Sphinx forgets it with the page."""
        domain = self.env.domains["std"]
        domain.labels[name] = (self.env.docname, anchor, title)
        domain.anonlabels[name] = (self.env.docname, anchor)


def setup(app: Sphinx) -> None:
    """Register the transform."""
    app.add_transform(Anchors)
