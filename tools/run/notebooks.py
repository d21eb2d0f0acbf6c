"""Run lessons from top to bottom and store their outputs: `python -m tools.run.notebooks [lesson …] [--check]`."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from nbformat import NotebookNode

from tools.lesson.files import as_command, locked, write_atomically
from tools.lesson.normalise import normalised, text_of, with_restated_cells
from tools.lesson.read import cell_id, find_lessons, read_lesson
from tools.lesson.validate import count_problems, output_problems
from tools.run.execute import LessonError, Progress, execute, prepared
from tools.run.pictures import keep_timed_pictures, lost_pictures, unsaid_pictures
from tools.run.rules import complaints


def main(arguments: list[str] | None = None) -> int:
    """Run, or with `--check` only compare, the lessons asked for."""
    parser = argparse.ArgumentParser(prog="python -m tools.run.notebooks", description=__doc__)
    parser.add_argument("lessons", nargs="*", help="numbers, names or paths; all lessons when none is given")
    parser.add_argument("--check", action="store_true", help="run nothing; say what a run would rewrite")
    options = parser.parse_args(arguments)
    try:
        paths = find_lessons(options.lessons)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    if not paths:
        print("There is no lesson in notebooks/ yet.", file=sys.stderr)
        return 1
    # Every lesson is attempted, so that one run tells all that is wrong.
    if options.check:
        return max(check(path) for path in paths)
    statuses = {path: refresh(path) for path in paths}
    show_complaints([path for path, status in statuses.items() if status == 0])
    return max(statuses.values())


def show_complaints(paths: list[Path]) -> None:
    """What the rules say of lessons just stored. They are stored all the same: one mends them and runs on."""
    found = complaints(paths)
    if found:
        print("\nStored, but `make test` will complain:", file=sys.stderr)
        print("\n".join(found), file=sys.stderr)


def check(path: Path) -> int:
    """Print what `make notebooks` would rewrite besides outputs; 1 if there is anything."""
    differences = stored_form_differences(path)
    for difference in differences:
        print(f"{path.name}, {difference}", file=sys.stderr)
    return 1 if differences else 0


def refresh(path: Path) -> int:
    """Run one lesson and store it; on failure say why and leave the file as it is."""
    try:
        if not os.access(path.parent, os.W_OK):
            raise LessonError("its folder cannot be written to, so nothing was run; copy the book to one that can")
        with locked(path, f"another `make notebooks` is running {path.stem}; waiting for it"):
            progress = Progress(path.stem)
            stored = read_lesson(path)
            before = path.read_text(encoding="utf-8")
            notebook = prepared(path)
            execute(notebook, progress)
            text = finished(notebook, stored, path)
            if path.read_text(encoding="utf-8") != before:
                raise LessonError("the file was changed while it was run; run it again")
            if text != before:
                write_atomically(path, text)
    except (LessonError, ValueError) as error:
        print(f"\n{path.name}, {error}\nThe file is untouched.", file=sys.stderr)
        return 1
    progress.done("rewritten" if text != before else "no difference")
    for problem in unsaid_pictures(notebook):
        print(f"{path.name}, {problem}", file=sys.stderr)
    return 0


def finished(notebook: NotebookNode, before: NotebookNode, path: Path) -> str:
    """The text to store, once the run has proved sound. `before`: the lesson with the outputs of the last run."""
    stored = normalised(notebook)
    rerun = f"run `make notebooks NB={path.stem}` again"
    problems = output_problems(stored, rerun) + count_problems(stored, rerun) + lost_pictures(before, stored)
    if problems:
        raise LessonError("\n".join(problems))
    return text_of(keep_timed_pictures(before, stored))


def stored_form_differences(path: Path) -> list[str]:
    """What a run would rewrite in the file although no output changed."""
    try:
        notebook = read_lesson(path)
        wanted = normalised(with_restated_cells(notebook, path.stem, path.parent))
    except ValueError as error:
        return [str(error)]
    rerun = f"run `make notebooks NB={path.stem}`"
    found = []
    for cell, other in zip(notebook.cells, wanted.cells, strict=True):
        parts = [part for part in ("source", "metadata", "outputs") if cell.get(part) != other.get(part)]
        if parts:
            found.append(f"cell {cell_id(cell)}: its {' and '.join(parts)} are not in stored form; {rerun}")
    if not found and text_of(wanted) != path.read_text(encoding="utf-8"):
        found.append(f"the file's layout or metadata is not in stored form; {rerun}")
    return found


if __name__ == "__main__":
    sys.exit(as_command(main))
