"""Run a lesson's cells in a kernel of its own, in the clean environment."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode

from tools.lesson.normalise import with_restated_cells
from tools.lesson.read import cell_id, code_cells, read_lesson
from tools.lesson.validate import structure_problems
from tools.run.environment import CELL_LIMIT, clean_environment


class LessonError(Exception):
    """Why a lesson could not be run or stored, in a sentence that says how to mend it."""


class OneKernel(KernelSpecManager):
    """Knows one kernel, that of an interpreter; a user's own kernel called python3 is not asked."""

    def __init__(self, python: str | Path) -> None:
        super().__init__()
        self.python = str(python)

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        """The same whatever the name."""
        argv = [self.python, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        return KernelSpec(argv=argv, display_name="Python 3", language="python")


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


def execute(
    notebook: NotebookNode,
    progress: Progress,
    python: str | Path = sys.executable,
    settings: Mapping[str, str] | None = None,
) -> None:
    """Run every cell in a new kernel of this interpreter, in an empty folder, with these settings and no others."""
    with (
        clean_environment(settings, python) as environment,
        tempfile.TemporaryDirectory(prefix="lesson-") as folder,
    ):
        connection = Path(environment["JUPYTER_RUNTIME_DIR"], "kernel.json")
        client = NotebookClient(
            notebook,
            km=AsyncKernelManager(kernel_spec_manager=OneKernel(python), connection_file=str(connection)),
            timeout=CELL_LIMIT,
            record_timing=False,
            coalesce_streams=True,
            extra_arguments=["--log-level=ERROR"],  # not a warning about loopback for each kernel
            resources={"metadata": {"path": folder}},
        )
        progress.watch(client)
        try:
            client.execute(env=environment, cleanup_kc=True)
        except CellExecutionError as error:
            raise LessonError(f"cell {progress.cell} failed: {error.ename}: {error.evalue}") from None
        except CellTimeoutError:
            raise LessonError(f"cell {progress.cell} ran longer than {CELL_LIMIT} s; make it smaller") from None
        except DeadKernelError:
            raise LessonError(f"cell {progress.cell} killed the kernel (out of memory?); make it smaller") from None
        except RuntimeError as error:
            raise LessonError(f"no kernel could be started ({_first_line(error)})") from None


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


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
