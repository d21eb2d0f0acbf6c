"""Exercises: what a reader is to write stands open before the answer, with a way to the student notebook."""

from __future__ import annotations

import re
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docutils import nodes
from sphinx.errors import ExtensionError
from sphinx.transforms import SphinxTransform

from tools.lesson.files import write_atomically
from tools.lesson.format import LESSON_FILE, SOLUTION
from tools.lesson.normalise import text_of
from tools.lesson.read import read_lesson
from tools.lesson.student import stub, student_notebook
from vitbook.cells import cell_tags, is_cell
from vitbook.questions import notebook_cells

if TYPE_CHECKING:
    from sphinx.application import Sphinx

FOLDER = "student"  # within the site
SIGNATURE = re.compile(r"((?:def|class) \w+)[^\n]*:")
INVITATION = "Write it in the student notebook"


def address_of(docname: str) -> str:
    """Return the address of a lesson's student notebook, as seen from the lesson's page."""
    return f"{'../' * docname.count('/')}{FOLDER}/{docname.rpartition('/')[2]}.ipynb"


def invitation(docname: str) -> nodes.raw:
    """Return the link to the student notebook. The browser shall save it, not show its text."""
    return nodes.raw(
        "",
        f'<p class="student-link"><a href="{escape(address_of(docname))}" download>{INVITATION}</a> (a download)</p>\n',
        format="html",
    )


class Exercises(SphinxTransform):
    """Show the stub of each exercise before its solution."""

    default_priority = 548  # after the cells have been folded, which a stub is not

    def apply(self, **kwargs: Any) -> None:
        """Walk through the solutions of a page."""
        cells = notebook_cells(Path(self.env.doc2path(self.env.docname)))
        for cell in list(self.document.findall(is_cell)):
            if SOLUTION not in cell_tags(cell):
                continue
            try:
                code = stub("".join(cells[cell["cell_index"]]["source"])).strip("\n")
            except ValueError as error:
                raise ExtensionError(f"{self.env.docname}: {error}") from None
            self.drop_signature(cell, code)
            block = nodes.literal_block(code, code, language="ipython3")
            shown = nodes.container("", nodes.container("", block, classes=["cell_input"]), classes=["cell", "stub"])
            cell.parent.insert(cell.parent.index(cell), [shown, invitation(self.env.docname)])

    @staticmethod
    def drop_signature(cell: nodes.Element, code: str) -> None:
        """Leave out the line of code in the statement that says no more than the stub: `def double(x):`."""
        for block in list(cell.parent.findall(nodes.literal_block)):
            signature = SIGNATURE.fullmatch(block.astext().strip())
            if block.parent is cell.parent and signature and re.search(rf"^{signature[1]}\b", code, re.MULTILINE):
                cell.parent.remove(block)


def write_notebooks(app: Sphinx, error: Exception | None) -> None:
    """Write the student notebook of each lesson into the finished site."""
    if error is not None or app.builder.format != "html":
        return
    for docname in sorted(app.env.found_docs):
        path = Path(app.env.doc2path(docname))
        if not LESSON_FILE.fullmatch(docname) or path.suffix != ".ipynb":
            continue
        target = Path(app.outdir, FOLDER, path.name)
        target.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(target, text_of(student_notebook(read_lesson(path))))


def setup(app: Sphinx) -> None:
    """Register transform and hook."""
    app.add_transform(Exercises)
    app.connect("build-finished", write_notebooks)
