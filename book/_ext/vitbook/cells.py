"""Code cells on the page: what is folded, what stays open, and a note where a live panel stands in the notebook."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docutils import nodes
from sphinx.transforms import SphinxTransform

from tools.lesson.folding import NAMES, PURPOSE_LINE, Fold, count_lines, fold_of
from tools.lesson.format import (
    BEGIN_HIDDEN_TESTS,
    BEGIN_SOLUTION,
    END_HIDDEN_TESTS,
    END_SOLUTION,
    FRAME_SLIDER,
    LIVE,
    OPEN,
    PLOT,
    QUESTION_TAG,
    TITLE_LINE,
)
from vitbook.folds import Folded, line_of, verdict_of
from vitbook.mutants import Mutant, mutants_file, note, read_mutants
from vitbook.questions import notebook_cells
from vitbook.repository import colab_link

if TYPE_CHECKING:
    from sphinx.application import Sphinx

# Functions and classes that a cell defines.
DEFINED = re.compile(r"^(?:def|class) (\w+)", re.MULTILINE)
MARKER = re.compile(
    rf"^[ \t]*(?:{BEGIN_SOLUTION}|{END_SOLUTION}|{BEGIN_HIDDEN_TESTS}|{END_HIDDEN_TESTS})[^\n]*(?:\n|\Z)", re.MULTILINE
)
SHORT = 4  # lines of code that stay open on a narrow screen


def is_cell(node: nodes.Node, part: str = "cell_code") -> bool:
    """Tell whether a node is a code cell, or a part of one."""
    return isinstance(node, nodes.container) and node.get("nb_element") == part


def cell_tags(cell: nodes.Element) -> list[str]:
    """Return the tags of a code cell."""
    return cell["cell_metadata"].get("tags", [])


def part_of(cell: nodes.Element, part: str) -> nodes.Element | None:
    """Return the source or the output of a code cell."""
    return next(cell.findall(lambda node: is_cell(node, part)), None)


def draws(cell: nodes.Element) -> bool:
    """Tell whether a code cell shows a picture, which is what has an alt text."""
    return "image" in cell["cell_metadata"].get("mystnb", {})


def show_code(block: nodes.Element, text: str) -> None:
    """Put other code into a block."""
    block.rawsource = text  # Sphinx colours a block only where both are the same
    block.children = []
    block += nodes.Text(text)


def without_opening(source: str) -> str:
    """Leave out what the page says in other words: its first line, marks round solutions and tests."""
    match = PURPOSE_LINE.match(source) or TITLE_LINE.match(source)
    return MARKER.sub("", source[match.end() :] if match else source).strip("\n")


def live_note(repository: str, branch: str, docname: str) -> nodes.admonition:
    """Build the note that stands where the notebook has a live panel."""
    text = nodes.paragraph("", "This panel recomputes live, which a page cannot do: ")
    link = colab_link(repository, branch, docname)
    if link:
        text += nodes.reference("", "open the lesson in Colab", refuri=link, internal=False)
        text += nodes.Text(", or download it and run it in Jupyter.")
    else:
        text += nodes.Text("download the lesson with the button at the top and run it in Jupyter or Colab.")
    return nodes.admonition("", nodes.title("", "Live panel"), text, classes=["book-card", "live-note"])


def code_button(code: str) -> nodes.raw:
    """Build the button that opens a code cell on a narrow screen, where code is folded; elsewhere it does not show."""
    lines = count_lines(code)
    names = ", ".join(DEFINED.findall(code)[:2])
    label = f"{names or 'Code'}, {lines} line{'s' * (lines != 1)}"
    return nodes.raw(
        "",
        f'<button type="button" class="show-code" aria-expanded="false">{escape(label)}</button>\n',
        format="html",
    )


def proofs_of(cells: list[dict[str, Any]]) -> dict[int, tuple[int, int]]:
    """Return for each question the cell beside which it stands what makes its proof fail, and how many cells prove it.

    That is the proof that stays open, or else the last cell: all of them together are the proof.
    """
    found: dict[int, list[tuple[bool, int]]] = {}
    for index, cell in enumerate(cells):
        tags = cell["metadata"].get("tags", [])
        for tag in tags:
            if match := QUESTION_TAG.fullmatch(tag):
                found.setdefault(int(match[1]), []).append((OPEN in tags, index))
    return {question: (max(places)[1], len(places)) for question, places in found.items()}


class Cells(SphinxTransform):
    """Prepare the code cells of a page."""

    default_priority = 520

    def apply(self, **kwargs: Any) -> None:
        """Fold what is folded, and replace the output of live cells."""
        path = Path(self.env.doc2path(self.env.docname))
        stored = notebook_cells(path)
        if not stored:
            return
        mutants_path = mutants_file(Path(self.env.srcdir), path.stem)
        self.env.note_dependency(str(mutants_path))
        mutants = read_mutants(mutants_path)
        for cell in list(self.document.findall(is_cell)):
            index = cell["cell_index"]
            cell["ids"].append(f"cell-{nodes.make_id(stored[index].get('id', str(index)))}")
            notes = list(self.failing(index, mutants, stored))
            self.fold(cell, stored[index], notes)
            if LIVE in cell_tags(cell):
                self.replace_panel(cell)

    @staticmethod
    def failing(index: int, mutants: dict[int, list[Mutant]], cells: list[dict[str, Any]]) -> Iterator[nodes.Element]:
        """Yield what makes the proofs fail that end in a cell."""
        proofs = proofs_of(cells)
        here = [question for question, (place, _) in proofs.items() if place == index and question in mutants]
        for question in here:
            alone = proofs[question][1] == 1 and len(here) == 1
            subject = "This cell" if alone else f"The proof of Q{question}"
            yield note(mutants[question], subject, cells, index)

    @staticmethod
    def fold(cell: nodes.Element, stored: dict[str, Any], notes: list[nodes.Element]) -> None:
        """Put a cell's code behind one line, or leave it open, with a button for narrow screens."""
        source = part_of(cell, "cell_code_source")
        block = source.next_node(nodes.literal_block) if source is not None else None
        if source is None or block is None:
            return
        text, tags = "".join(stored["source"]), cell_tags(cell)
        code = without_opening(text)
        show_code(block, code)
        cell.attributes.pop("hide_mode", None)
        fold = fold_of(text, tags, draws(cell))
        purpose = PURPOSE_LINE.match(text)
        verdict = verdict_of(stored) if purpose else ""
        if fold is not None:
            fold = Fold(fold.kind, fold.words, count_lines(code))  # without the marks of solutions and tests
            cell["classes"] += ["has-fold"] + ["has-output"] * (part_of(cell, "cell_code_output") is not None)
            cell.replace(source, folded := Folded("", source, *notes, line=line_of(fold, verdict)))
            if fold.kind in (NAMES[PLOT], NAMES[FRAME_SLIDER]):  # a picture is looked at before its code
                cell.remove(folded)
                cell += folded
            return
        position = cell.index(source)
        if OPEN in tags:
            cell[position + 1 : position + 1] = notes
        if count_lines(code) > SHORT:
            cell.insert(position, code_button(code))
        else:
            cell["classes"].append("short-code")
        if purpose:
            line = line_of(Fold(purpose[1], purpose[2].rstrip(". "), count_lines(code)), verdict)
            cell.insert(position, nodes.raw("", f'<p class="open-proof">{line}</p>\n', format="html"))

    def replace_panel(self, cell: nodes.Element) -> None:
        """Put a note in the place of a live panel."""
        if (output := part_of(cell, "cell_code_output")) is not None:
            cell.remove(output)
        branch = self.config.html_theme_options.get("repository_branch") or "main"
        cell += live_note(self.config.vitbook_repository, branch, self.env.docname)


def setup(app: Sphinx) -> None:
    """Register the transform."""
    app.setup_extension("myst_nb")
    app.add_transform(Cells)
