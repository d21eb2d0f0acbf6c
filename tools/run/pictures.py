"""What a run may do to a lesson's stored pictures: none may be lost, and one that shows times is kept."""

from __future__ import annotations

import hashlib

import nbformat
from nbformat import NotebookNode

from tools.lesson.format import DEFINE, PLOT, TIMED
from tools.lesson.normalise import alt_text
from tools.lesson.read import cell_id, code_cells, has_tag

PNG = "image/png"
_EMBEDDED = "data:image/png;base64,"


def pictures(cell: NotebookNode) -> int:
    """How many pictures the cell's outputs show, those inside HTML included."""
    shown = [output.get("data", {}) for output in cell.get("outputs", [])]
    return sum((PNG in data) + str(data.get("text/html", "")).count(_EMBEDDED) for data in shown)


def lost_pictures(before: NotebookNode, after: NotebookNode) -> list[str]:
    """Cells that must show a picture and show none: after such a run nothing is stored."""
    showed = {cell_id(cell): pictures(cell) for cell in code_cells(before)}
    found = []
    for cell in code_cells(after):
        if pictures(cell):
            continue
        reasons = [
            "has an alt text (mystnb.image.alt)" if alt_text(cell) else "",
            "is tagged plot" if has_tag(cell, PLOT) and not has_tag(cell, DEFINE) else "",
            "showed a picture in the run before" if showed.get(cell_id(cell)) else "",
        ]
        if told := " and ".join(filter(None, reasons)):
            found.append(
                f"cell {cell_id(cell)} {told}, but this run drew none; let it end in plt.show(), "
                "or clear its output and remove the alt text and the tag if it is to draw none"
            )
    return found


def unsaid_pictures(notebook: NotebookNode) -> list[str]:
    """Cells whose picture has no alt text."""
    return [
        f'cell {cell_id(cell)}: its picture has no alt text; add metadata mystnb: {{"image": {{"alt": "A sentence."}}}}'
        for cell in code_cells(notebook)
        if any(PNG in output.get("data", {}) for output in cell.outputs) and not alt_text(cell)
    ]


def keep_timed_pictures(before: NotebookNode, after: NotebookNode) -> NotebookNode:
    """A copy of `after` in which pictures of cells tagged `timed` are the stored ones, as long as no code changed.

    They draw what a clock says, so every run draws them a little otherwise. Which code drew the stored one stands in
    the cell's metadata, as a checksum of all code down to this cell; prose and later cells may change.
    """
    result = nbformat.from_dict(after)
    stored = {cell_id(cell): cell for cell in code_cells(before)}
    code = hashlib.sha256()
    for cell in code_cells(result):
        code.update(cell.source.encode() + b"\0")
        if not has_tag(cell, TIMED):
            continue
        cell.metadata[TIMED] = {"code": code.hexdigest()[:12]}
        old = stored.get(cell_id(cell))
        if old is not None and old.metadata.get(TIMED) == cell.metadata[TIMED] and _same_but_pixels(old, cell):
            cell.outputs = nbformat.from_dict(old.outputs)
    return result


def _same_but_pixels(old: NotebookNode, new: NotebookNode) -> bool:
    """Whether the outputs of two cells differ in pictures' pixels only."""
    return _without_pixels(old) == _without_pixels(new)


def _without_pixels(cell: NotebookNode) -> list[NotebookNode]:
    outputs = [nbformat.from_dict({**output, "execution_count": None}) for output in cell.get("outputs", [])]
    for output in outputs:
        if PNG in output.get("data", {}):
            output.data[PNG] = ""
            for size in ("width", "height"):
                output.metadata.get(PNG, {}).pop(size, None)
    return outputs
