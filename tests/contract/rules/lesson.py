"""What a rule is given: a lesson, and what the book says elsewhere that the lesson must agree with."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

from nbformat import NotebookNode

from tools.lesson.format import lesson_number, read_registry
from tools.lesson.read import (
    ROOT,
    cell_id,
    code_cells,
    has_tag,
    lesson_paths,
    markdown_cells,
    question_of,
    read_lesson,
)

# The questions of each lesson, first and last.
QUESTIONS_OF = {lesson.number: (lesson.first, lesson.last) for lesson in read_registry().lessons}

_TOPIC_ROW = re.compile(r"^\|\s*`([^`]+)`\s*\|", re.M)


@dataclass(frozen=True)
class Book:
    """What lessons share: the wording of the questions, the topics, the other lessons' set-up cell."""

    wordings: dict[int, str]
    topics: frozenset[str]
    setup: str | None = None


@dataclass(frozen=True)
class Lesson:
    """One notebook by name, with the book it stands in."""

    name: str
    notebook: NotebookNode
    book: Book
    path: Path | None = field(default=None, compare=False)

    @property
    def cells(self) -> list[NotebookNode]:
        return self.notebook.cells

    @property
    def code(self) -> list[NotebookNode]:
        return list(code_cells(self.notebook))

    @property
    def markdown(self) -> list[NotebookNode]:
        return list(markdown_cells(self.notebook))

    @property
    def questions(self) -> list[NotebookNode]:
        """The heading cells of the questions, in order."""
        return [cell for cell in self.markdown if question_of(cell)]

    @property
    def opening(self) -> list[NotebookNode]:
        """The cells before the first part."""
        cells = []
        for cell in self.cells:
            if cell.cell_type == "markdown" and cell.source.startswith("## "):
                break
            cells.append(cell)
        return cells

    @property
    def number(self) -> int | None:
        return lesson_number(self.name)

    def tagged(self, *wanted: str) -> list[NotebookNode]:
        """The code cells with one of these tags."""
        return [cell for cell in self.code if has_tag(cell, *wanted)]


Rule = Callable[[Lesson], list[str]]


def rules_of(module: ModuleType) -> list[Rule]:
    """The public functions of a rule module that it defines itself, in order."""
    own = [value for value in vars(module).values() if getattr(value, "__module__", None) == module.__name__]
    return [
        value for value in own if callable(value) and not value.__name__.startswith("_") and not isinstance(value, type)
    ]


def at(cell: NotebookNode, complaint: str) -> str:
    """A complaint with the cell it is about."""
    return f"cell {cell_id(cell)}: {complaint}"


def read_topics(path: Path = ROOT / "book" / "notation.md") -> frozenset[str]:
    """The keys in the table of the notation page's section on topics."""
    if not path.is_file():
        return frozenset()
    _, _, section = path.read_text(encoding="utf-8").partition("\n## Topics\n")
    return frozenset(_TOPIC_ROW.findall(section.partition("\n## ")[0]))


def all_lessons() -> list[Lesson]:
    """The lessons of the book."""
    notebooks = {path: read_lesson(path) for path in lesson_paths()}
    setups = [cell.source for notebook in notebooks.values() for cell in code_cells(notebook) if has_tag(cell, "setup")]
    book = Book(read_registry().wordings, read_topics(), setups[0] if setups else None)
    return [Lesson(path.stem, notebook, book, path) for path, notebook in notebooks.items()]
