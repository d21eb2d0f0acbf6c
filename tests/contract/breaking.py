"""Small changes of the example lesson, each of which a rule must report."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output

from tests.contract.example import cell_of
from tests.contract.rules import Lesson


@dataclass(frozen=True)
class Break:
    """One way to break the example, and what must be said about it."""

    rule: str
    says: str
    change: Callable[[Lesson], Lesson | None]

    def __str__(self) -> str:
        return f"{self.rule}: {self.says}"


def source(name: str, old: str, new: str) -> Callable[[Lesson], None]:
    """Replace text in a cell's source."""

    def change(lesson: Lesson) -> None:
        cell = cell_of(lesson, name)
        assert old in cell.source, f"{old!r} is not in {cell.source!r}"
        cell.source = cell.source.replace(old, new)

    return change


def add(name: str, text: str) -> Callable[[Lesson], None]:
    """Add a line to a cell's source."""
    return lambda lesson: setattr(cell_of(lesson, name), "source", f"{cell_of(lesson, name).source}\n{text}")


def prints(name: str, text: str, stream: str = "stdout") -> Callable[[Lesson], None]:
    """Give a cell another output."""
    return lambda lesson: cell_of(lesson, name).outputs.append(new_output("stream", name=stream, text=text))


def metadata(name: str, **changes: object) -> Callable[[Lesson], None]:
    """Set metadata of a cell; None removes."""

    def change(lesson: Lesson) -> None:
        for key, value in changes.items():
            cell_of(lesson, name).metadata.pop(key, None)
            if value is not None:
                cell_of(lesson, name).metadata[key] = value

    return change


def tagged(name: str, tags: str) -> Callable[[Lesson], None]:
    """Set the tags of a cell."""
    return metadata(name, tags=tags.split())


def remove(*names: str) -> Callable[[Lesson], None]:
    """Take cells out."""

    def change(lesson: Lesson) -> None:
        lesson.notebook.cells = [cell for cell in lesson.cells if cell.id not in names]

    return change


def insert(after: str, *cells: NotebookNode) -> Callable[[Lesson], None]:
    """Put cells behind another."""

    def change(lesson: Lesson) -> None:
        position = lesson.cells.index(cell_of(lesson, after)) + 1
        lesson.cells[position:position] = cells

    return change


def code(text: str, name: str = "added") -> NotebookNode:
    return new_code_cell(text, id=name)


def markdown(text: str, name: str = "added") -> NotebookNode:
    return new_markdown_cell(text, id=name)


def html(text: str) -> Callable[[Lesson], None]:
    """Set the slider's HTML."""
    return lambda lesson: cell_of(lesson, "slide").outputs[0].data.update({"text/html": text})


def in_html(old: str, new: str, count: int = -1) -> Callable[[Lesson], None]:
    """Replace text in the slider's HTML."""

    def change(lesson: Lesson) -> None:
        data = cell_of(lesson, "slide").outputs[0].data
        assert old in data["text/html"]
        data["text/html"] = data["text/html"].replace(old, new, count)

    return change


def alt(text: str) -> Callable[[Lesson], None]:
    """Set the alt text in both places."""

    def change(lesson: Lesson) -> None:
        cell = cell_of(lesson, "bars")
        cell.metadata.mystnb.image.alt = text
        cell.outputs[0].metadata["image/png"] = {"alt": text}

    return change


def question(number: int, **changes: object) -> Callable[[Lesson], None]:
    """Change a question's metadata."""
    return lambda lesson: cell_of(lesson, f"question-{number}").metadata.question.update(changes)


def nbgrader(name: str, **changes: object) -> Callable[[Lesson], None]:
    """Change a cell's nbgrader metadata."""
    return lambda lesson: cell_of(lesson, name).metadata.nbgrader.update(changes)
