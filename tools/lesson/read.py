"""A lesson notebook as the tools and the tests see it: cells, tags, and where to find things."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4.rwbase import rejoin_lines

from tools.lesson.format import DEFINING, LESSON_NAME

ROOT = Path(__file__).resolve().parent.parent.parent
NOTEBOOKS = ROOT / "notebooks"


def lesson_paths(folder: Path = NOTEBOOKS) -> list[Path]:
    """Every lesson, in reading order."""
    return sorted(path for path in folder.glob("*.ipynb") if LESSON_NAME.fullmatch(path.stem))


def find_lesson(lesson: str | int | Path, folder: Path = NOTEBOOKS) -> Path:
    """The notebook meant by `1`, `"01"`, `"01_vit_fundamentals"` or a path to it."""
    as_path = Path(str(lesson))
    if as_path.suffix == ".ipynb" and as_path.is_file():
        return as_path
    wanted = as_path.stem if as_path.suffix == ".ipynb" else as_path.name
    if wanted.isdigit():
        wanted = f"{int(wanted):02d}"
    paths = lesson_paths(folder)
    matches = [path for path in paths if path.stem == wanted or path.stem.startswith(wanted + "_")]
    if len(matches) != 1:
        known = ", ".join(path.stem for path in paths) or "none yet"
        raise ValueError(f"there is no lesson {str(lesson)!r}; the lessons are: {known}")
    return matches[0]


def find_lessons(lessons: Iterable[str | int | Path]) -> list[Path]:
    """The notebooks meant; all of them, in reading order, when none is named."""
    return [find_lesson(lesson) for lesson in lessons] or lesson_paths()


def read_lesson(path: Path) -> NotebookNode:
    """The notebook of `path`; ValueError with a plain sentence when it cannot be read."""
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ValueError(
            f"{path.name} is not valid JSON ({error}); mend the text there, or restore it with `git checkout`"
        ) from None
    if not isinstance(raw, dict) or raw.get("nbformat") != 4 or not isinstance(raw.get("cells"), list):
        raise ValueError(f"{path.name} is not a version 4 notebook; save it again from Jupyter as nbformat 4.5")
    try:
        return rejoin_lines(nbformat.from_dict(raw))
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"{path.name} has a malformed cell ({error!r}); save it again from Jupyter") from None


def tags(cell: NotebookNode) -> list[str]:
    """The tags of a cell, in stored order."""
    return list(cell.get("metadata", {}).get("tags", []))


def has_tag(cell: NotebookNode, *wanted: str) -> bool:
    """Whether the cell carries at least one of these tags."""
    return any(tag in wanted for tag in tags(cell))


def cell_id(cell: NotebookNode) -> str:
    """The cell's id, or a phrase that says it has none."""
    return cell.get("id") or "(a cell without id)"


def code_cells(notebook: NotebookNode) -> Iterator[NotebookNode]:
    """The code cells, in order."""
    return (cell for cell in notebook.cells if cell.cell_type == "code")


def markdown_cells(notebook: NotebookNode) -> Iterator[NotebookNode]:
    """The markdown cells, in order."""
    return (cell for cell in notebook.cells if cell.cell_type == "markdown")


def defining_cells(notebook: NotebookNode) -> Iterator[NotebookNode]:
    """The code cells that only define: imports, set-up, carried-over and `define` cells."""
    return (cell for cell in code_cells(notebook) if DEFINING.intersection(tags(cell)))


def question_of(cell: NotebookNode) -> dict | None:
    """The `question` metadata of a question's heading cell, if this is one."""
    question = cell.get("metadata", {}).get("question")
    return question if isinstance(question, dict) else None


def without_magics(source: str) -> str:
    """Cell source as plain Python: lines of IPython magic become comments, so line numbers stay."""
    return "\n".join("#" + line if line.startswith(("%", "!")) else line for line in source.split("\n"))
