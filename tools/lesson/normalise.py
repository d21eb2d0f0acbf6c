"""Bring a notebook into its one stored form, so that two runs leave no difference to review."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from tools.lesson.format import COLLAPSED, HIDDEN, TIMED, lesson_number
from tools.lesson.read import cell_id, code_cells, find_lesson, has_tag, read_lesson, tags
from tools.lesson.times import times_of, with_times

KERNELSPEC = {"display_name": "Python 3", "language": "python", "name": "python3"}
# What `jupyter nbconvert --to script` writes, and how it names the file.
LANGUAGE = {
    "file_extension": ".py",
    "mimetype": "text/x-python",
    "name": "python",
    "nbconvert_exporter": "python",
}
# Everything else in a cell's metadata is noise of an editor. Beside the tag `timed`: which code drew the picture.
KEPT_METADATA = ("tags", "question", "mystnb", "nbgrader", "carried_over", TIMED)
WIDGET_TYPES = ("application/vnd.jupyter.widget-view+json", "application/vnd.jupyter.widget-state+json")

_CARRIED_TITLE = re.compile(r"#\s?@title Carried over from Lesson \d+: (.+)")


def normalised(notebook: NotebookNode) -> NotebookNode:
    """A copy of the notebook in stored form: metadata, collapsing, alt texts, outputs and the times it takes."""
    result = nbformat.from_dict(notebook)
    times = times_of(result.cells)
    result.nbformat, result.nbformat_minor = 4, 5
    result.metadata = nbformat.from_dict({"kernelspec": KERNELSPEC, "language_info": LANGUAGE})
    for cell in result.cells:
        cell.source = cell.source.rstrip("\n")
        cell.metadata = nbformat.from_dict(_cell_metadata(cell))
        if cell.cell_type == "code":
            alt = alt_text(cell)
            cell.outputs = [nbformat.from_dict(output) for output in _outputs(cell, alt)]
        elif cell.cell_type == "markdown":
            cell.source = with_times(cell.source, times)
    return result


def text_of(notebook: NotebookNode) -> str:
    """The notebook as it stands in its file."""
    return nbformat.writes(notebook, version=nbformat.NO_CONVERT) + "\n"


def alt_text(cell: NotebookNode) -> str | None:
    """The sentence that says what the cell's picture shows."""
    return cell.metadata.get("mystnb", {}).get("image", {}).get("alt")


def _cell_metadata(cell: NotebookNode) -> dict:
    """The metadata a stored cell keeps, with the marks that collapse it in each renderer."""
    metadata = {key: cell.metadata[key] for key in KEPT_METADATA if key in cell.metadata}
    marks = tags(cell)
    if has_tag(cell, *COLLAPSED) and HIDDEN not in marks:
        marks.append(HIDDEN)
    if marks:
        metadata["tags"] = marks
    if cell.cell_type == "code" and HIDDEN in marks:
        metadata["jupyter"] = {"source_hidden": True}
        metadata["cellView"] = "form"
    return metadata


def _outputs(cell: NotebookNode, alt: str | None) -> list[dict]:
    """The cell's outputs without widget views, streams in one piece, pictures with their alt text."""
    stored: list[dict] = []
    for output in cell.outputs:
        output = dict(output)
        if output["output_type"] == "stream":
            last = stored[-1] if stored else {}
            if last.get("output_type") == "stream" and last["name"] == output["name"]:
                last["text"] += output["text"]
                continue
        elif "data" in output:
            output["data"] = {kind: data for kind, data in output["data"].items() if kind not in WIDGET_TYPES}
            if not output["data"]:
                continue
            output["metadata"] = _output_metadata(output, alt)
        stored.append(output)
    return stored


def _output_metadata(output: dict, alt: str | None) -> dict:
    """Size and alt text of a picture; nothing else."""
    if "image/png" not in output["data"]:
        return {}
    old = output.get("metadata", {}).get("image/png", {})
    picture = {key: old[key] for key in ("width", "height") if key in old}
    if alt:
        picture["alt"] = alt
    return {"image/png": picture} if picture else {}


def with_restated_cells(notebook: NotebookNode, name: str, folder: Path) -> NotebookNode:
    """A copy whose carried-over cells and set-up cell are written as their origin lesson writes them now."""
    result = nbformat.from_dict(notebook)
    origins: dict[str, NotebookNode] = {}

    def origin(lesson: str) -> NotebookNode:
        if lesson not in origins:
            origins[lesson] = read_lesson(find_lesson(lesson, folder))
        return origins[lesson]

    for cell in code_cells(result):
        reference = cell.metadata.get("carried_over")
        if reference:
            lesson = reference["lesson"]
            source = _source_of(origin(lesson), reference["cell"], f"cell {cell_id(cell)} of {name}", lesson)
            cell.source = carried_source(lesson, source, _carried_name(cell.source, source))
        elif has_tag(cell, "setup") and lesson_number(name) not in (None, 1):
            first = [other for other in code_cells(origin("01")) if has_tag(other, "setup")]
            if first:
                cell.source = first[0].source
    return result


def carried_source(lesson: str, source: str, name: str) -> str:
    """The source of a carried-over cell: a title line, then the origin's source byte for byte."""
    return f"# @title Carried over from Lesson {lesson_number(lesson)}: {name}\n{source}"


def _source_of(origin: NotebookNode, wanted: str, who: str, lesson: str) -> str:
    for cell in code_cells(origin):
        if cell.get("id") == wanted:
            return cell.source
    raise ValueError(
        f"{who} is carried over from cell {wanted!r} of {lesson}, which has no such cell; mend its metadata"
    )


def _carried_name(present: str, origin: str) -> str:
    """What the title line calls the cell: as it does now, or after the first thing the origin defines."""
    match = _CARRIED_TITLE.match(present)
    if match:
        return match.group(1)
    for node in ast.parse(origin).body:
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
            return node.name
    return "constants"
