"""Run lessons from top to bottom and store their outputs: `python -m tools.run.notebooks [lesson …] [--check]`."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode

from tools.lesson.files import write_atomically
from tools.lesson.normalise import normalised, text_of, with_restated_cells
from tools.lesson.read import cell_id, code_cells, find_lessons, read_lesson
from tools.lesson.validate import count_problems, output_problems, structure_problems

CELL_TIMEOUT = 300  # seconds; a stuck cell, not a slow one


class LessonError(Exception):
    """Why a lesson could not be run or stored, in a sentence that says how to mend it."""


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
    return max([check(path) if options.check else refresh(path) for path in paths])


def check(path: Path) -> int:
    """Print what `make notebooks` would rewrite besides outputs; 1 if there is anything."""
    differences = stored_form_differences(path)
    for difference in differences:
        print(f"{path.name}, {difference}", file=sys.stderr)
    return 1 if differences else 0


def refresh(path: Path) -> int:
    """Run one lesson and store it; on failure say why and leave the file as it is."""
    try:
        progress = Progress(path.stem)
        notebook = prepared(path)
        execute(notebook, progress)
        text = finished(notebook, path)
    except LessonError as error:
        print(f"\n{path.name}, {error}\nThe file is untouched.", file=sys.stderr)
        return 1
    before = path.read_text(encoding="utf-8")
    if text != before:
        write_atomically(path, text)
    progress.done("rewritten" if text != before else "no difference")
    return 0


def prepared(path: Path) -> NotebookNode:
    """The lesson as it will be run: restated cells refreshed, old outputs gone."""
    try:
        notebook = with_restated_cells(read_lesson(path), path.stem, path.parent)
    except ValueError as error:
        raise LessonError(str(error)) from None
    problems = structure_problems(notebook)
    if problems:
        raise LessonError("\n".join(problems))
    for cell in code_cells(notebook):
        cell.outputs, cell.execution_count = [], None
        cell.metadata.pop("execution", None)
    return notebook


def finished(notebook: NotebookNode, path: Path) -> str:
    """The text to store, once the run has proved sound."""
    stored = normalised(notebook)
    rerun = f"run `make notebooks NB={path.stem}` again"
    problems = output_problems(stored, rerun) + count_problems(stored, rerun)
    if problems:
        raise LessonError("\n".join(problems))
    return text_of(stored)


def execute(notebook: NotebookNode, progress: Progress) -> None:
    """Run every cell in a kernel of its own, in an empty folder, on one thread, with no settings of the user's."""
    with quiet_environment() as folder:
        client = NotebookClient(
            notebook,
            timeout=CELL_TIMEOUT,
            kernel_name="python3",
            record_timing=False,
            coalesce_streams=True,
            extra_arguments=["--log-level=ERROR"],  # not a warning about loopback for each kernel
            resources={"metadata": {"path": folder}},
        )
        progress.watch(client)
        try:
            client.execute(env=dict(os.environ))
        except CellExecutionError as error:
            raise LessonError(f"cell {progress.cell} failed: {error.ename}: {error.evalue}") from None
        except CellTimeoutError:
            raise LessonError(f"cell {progress.cell} ran longer than {CELL_TIMEOUT} s; make it smaller") from None
        except DeadKernelError:
            raise LessonError(f"cell {progress.cell} killed the kernel (out of memory?); make it smaller") from None


@contextmanager
def quiet_environment() -> Iterator[str]:
    """An empty working folder, and an environment in which a run depends on nothing but the lesson."""
    with tempfile.TemporaryDirectory(prefix="lesson-") as folder, tempfile.TemporaryDirectory() as settings:
        wanted = {
            "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "1"),
            "BOOK_QUIET": "1",
            "IPYTHONDIR": settings,
            "JUPYTER_CONFIG_DIR": settings,
            "JUPYTER_PREFER_ENV_PATH": "1",
        }
        before = {name: os.environ.get(name) for name in wanted}
        os.environ.update(wanted)
        try:
            yield folder
        finally:
            for name, value in before.items():
                if value is None:
                    del os.environ[name]
                else:
                    os.environ[name] = value


class Progress:
    """Tells a person at a terminal which cell is running, and anyone how long the lesson took."""

    def __init__(self, lesson: str) -> None:
        self.lesson = lesson
        self.start = self.cell_start = time.monotonic()
        self.slowest = (0.0, "none")
        self.total = self.number = 0
        self.cell = "(none)"

    def watch(self, client: NotebookClient) -> None:
        """Follow the run of this client."""
        self.total = sum(1 for _ in code_cells(client.nb))
        client.on_cell_execute = self._before
        client.on_cell_executed = self._after

    def done(self, verdict: str) -> None:
        """The line that stays."""
        seconds, cell = self.slowest
        self._show(f"{self.lesson}: {self.total} cells in {time.monotonic() - self.start:.0f} s", end="")
        print(f" (slowest: {cell}, {seconds:.1f} s); {verdict}", flush=True)

    def _before(self, cell: NotebookNode, cell_index: int) -> None:
        if cell.cell_type != "code":
            return
        self.number += 1
        self.cell = cell_id(cell)
        self.cell_start = time.monotonic()
        if sys.stdout.isatty():
            self._show(f"{self.lesson}: cell {self.number} of {self.total}, {self.cell}", end="")

    def _after(self, cell: NotebookNode, cell_index: int, execute_reply: dict) -> None:
        if cell.cell_type == "code":
            self.slowest = max(self.slowest, (time.monotonic() - self.cell_start, self.cell))

    @staticmethod
    def _show(text: str, end: str) -> None:
        # Erase the line before, which may have been longer.
        print(("\r\033[K" if sys.stdout.isatty() else "") + text, end=end, flush=True)


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
    sys.exit(main())
