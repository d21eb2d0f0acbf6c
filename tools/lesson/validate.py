"""What must hold of a stored notebook before a page is made of it: readable, run in order, run without complaint."""

from __future__ import annotations

from pathlib import Path

import nbformat
from nbformat import NotebookNode

from tools.lesson.read import cell_id, code_cells, read_lesson


def problems_of_file(path: Path) -> list[str]:
    """What is wrong with the notebook file, each with the cell and how to mend it; empty when it is sound."""
    try:
        notebook = read_lesson(path)
    except (OSError, ValueError) as error:
        return [str(error)]
    rerun = f"run `make notebooks NB={path.stem}`"
    found = structure_problems(notebook) or (output_problems(notebook, rerun) + count_problems(notebook, rerun))
    return [f"{path.name}, {problem}" for problem in found]


def structure_problems(notebook: NotebookNode) -> list[str]:
    """Cells that are not well-formed, or whose ids are missing or used twice."""
    found, seen = [], set()
    for position, cell in enumerate(notebook.cells, start=1):
        name = cell.get("id")
        if not name:
            found.append(f"cell number {position} has no id; give it one that says what it is for")
        elif name in seen:
            found.append(f"cell {name}: two cells have this id; rename the second")
        seen.add(name)
    if found:
        return found
    for position, cell in enumerate(notebook.cells, start=1):
        try:
            nbformat.validate(cell, ref=f"{cell.get('cell_type')}_cell", version=4, version_minor=5)
        except (nbformat.ValidationError, KeyError) as error:
            reason = str(error).splitlines()[0]
            found.append(
                f"cell {cell_id(cell)} (number {position}) is malformed ({reason}); save it again from Jupyter"
            )
    return found


def count_problems(notebook: NotebookNode, rerun: str) -> list[str]:
    """Code cells whose execution counts do not run 1, 2, 3 …: they were not run once, from top to bottom."""
    found = []
    for expected, cell in enumerate(code_cells(notebook), start=1):
        if not cell.source.strip():
            found.append(f"cell {cell_id(cell)}: the code cell is empty; delete it")
        elif cell.get("execution_count") != expected:
            found.append(
                f"cell {cell_id(cell)}: its execution count is {cell.get('execution_count')}, not {expected}, "
                f"so its outputs are not those of one run from top to bottom; {rerun}"
            )
    return found[:1]  # the ones after the first are mere consequences


def output_problems(notebook: NotebookNode, rerun: str) -> list[str]:
    """Errors, complaints on stderr and widget state among the stored outputs."""
    found = []
    if "widgets" in notebook.metadata:
        found.append(f"the notebook's metadata holds widget state, which GitHub refuses to show; {rerun}")
    for cell in code_cells(notebook):
        for output in cell.get("outputs", []):
            if output.output_type == "error":
                found.append(
                    f"cell {cell_id(cell)}: it stored an error ({output.ename}: {_first_line(output.evalue)}); "
                    f"mend the code, then {rerun}"
                )
            elif output.output_type == "stream" and output.name == "stderr":
                found.append(
                    f"cell {cell_id(cell)}: it wrote to stderr ({_first_line(output.text)}); "
                    f"mend what it complains of, then {rerun}"
                )
    return found


def _first_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[0][:160] if lines else "nothing"
