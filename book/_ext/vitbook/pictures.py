"""The lessons' own figures: on the page of pictures, wherever one is shown again, and as vector files in the lessons.

A figure is a cell `figure-shifted-windows`: its alt text stands in its metadata, its caption in the italic line that
opens the next text cell, and the same picture as a vector file in book/figures/shifted_windows.svg.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docutils import nodes
from sphinx.transforms import SphinxTransform
from sphinx.util.docutils import SphinxDirective

from tools.lesson.format import QUESTION_LINE, figure_name
from vitbook.cells import is_cell, part_of
from vitbook.drawings import Drawings
from vitbook.questions import notebook_cells
from vitbook.registry import parsed
from vitbook.store import store

if TYPE_CHECKING:
    from sphinx.application import Sphinx

FOLDER = "book/figures"
CAPTION = re.compile(r"\*(?P<text>[^*]+)\*[ \t]*(?:\n|\Z)")


@dataclass(frozen=True)
class Picture:
    """A figure of a lesson."""

    name: str
    alt: str
    caption: str
    lesson: int
    question: int | None  # the one in whose answer it stands
    kind: str = ""  # whether it plots or shows images, as a class

    def markdown(self) -> str:
        """Return the figure as it is written on a page in `book/`; its place and size are found by the file."""
        place = f"From Lesson {self.lesson}" + (f", Q{self.question}." if self.question else ".")
        alt = json.dumps(self.alt, ensure_ascii=False)
        options = f":alt: {alt}\n:figclass: {self.kind}"
        return f":::{{figure}} /{FOLDER}/{self.name}.svg\n{options}\n\n{self.caption} {place}\n:::"


def pictures_of(cells: list[dict[str, Any]], lesson: int) -> Iterator[Picture]:
    """Yield the figures of a lesson, in order."""
    question: int | None = None
    drawings = Drawings(cells)
    for position, cell in enumerate(cells):
        text = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            for match in QUESTION_LINE.finditer(text):
                question = int(match[1])
        elif name := figure_name(cell.get("id", "")):
            following = "".join(cells[position + 1]["source"]) if position + 1 < len(cells) else ""
            caption = CAPTION.match(following)
            alt = cell["metadata"].get("mystnb", {}).get("image", {}).get("alt", "")
            yield Picture(name, alt, caption["text"].strip() if caption else "", lesson, question, drawings.kind(cell))


class Pictures(SphinxDirective):
    """Show the figures of one lesson, or one figure: `{pictures} 5`, `{pictures} shifted_windows`."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Read the lessons' notebooks."""
        wanted, found = self.arguments[0], []
        for lesson in store(self.env).registry.lessons:
            path = Path(self.env.srcdir, "notebooks", f"{lesson.name}.ipynb")
            if path.is_file() and (not wanted.isdigit() or int(wanted) == lesson.number):
                self.env.note_dependency(str(path))
                pictures = pictures_of(notebook_cells(path), lesson.number)
                found += [picture for picture in pictures if wanted.isdigit() or picture.name == wanted]
        return parsed(self, [picture.markdown() for picture in found if self.file(picture).is_file()])

    def file(self, picture: Picture) -> Path:
        """Return where the vector file lies."""
        return Path(self.env.srcdir, FOLDER, f"{picture.name}.svg")


class VectorFiles(SphinxTransform):
    """Show a figure's vector file in the place of what its cell has stored, which is made of pixels."""

    default_priority = 525  # before the captions are joined

    def apply(self, **kwargs: Any) -> None:
        """Look for the cells of figures."""
        cells = notebook_cells(Path(self.env.doc2path(self.env.docname)))
        for cell in self.document.findall(is_cell):
            name = figure_name(cells[cell["cell_index"]].get("id", ""))
            file = Path(self.env.srcdir, FOLDER, f"{name}.svg")
            output = part_of(cell, "cell_code_output")
            if name and file.is_file() and output is not None:
                for image in output.findall(nodes.image):
                    image["uri"] = f"/{FOLDER}/{name}.svg"
                    image.attributes.pop("width", None)
                    image.attributes.pop("height", None)


def setup(app: Sphinx) -> None:
    """Register directive and transform."""
    app.add_directive("pictures", Pictures)
    app.add_transform(VectorFiles)
