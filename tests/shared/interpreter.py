"""The interpreter that tests/shared/branches.py starts: it runs the trunk, and forks a child for each branch."""

from __future__ import annotations

import json
import os
import select
import signal
import sys
import time
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.lesson.read import ROOT

# Longest message a child reports; it must fit a pipe's buffer, which nobody empties before the child has ended.
_MESSAGE_LIMIT = 2_000


class Notebook:
    """An IPython shell without display, history or figures on screen."""

    def __init__(self) -> None:
        import matplotlib.pyplot as plt
        from IPython.core.interactiveshell import InteractiveShell
        from traitlets.config import Config

        class Shell(InteractiveShell):
            def showtraceback(self, *_: Any, **__: Any) -> None:
                """Errors are reported by what they are."""

            showsyntaxerror = showtraceback

            def enable_matplotlib(self, gui: str | None = None) -> tuple[None, str]:
                """`%matplotlib inline` would draw every figure into outputs that nobody looks at here."""
                return None, "agg"

        config = Config()
        config.HistoryManager.enabled = False
        self._shell = Shell.instance(config=config)
        plt.show = lambda *_, **__: plt.close("all")

    def run(self, source: str) -> BaseException | None:
        """Execute one cell; the error it raised, if any."""
        result = self._shell.run_cell(source, store_history=False, silent=True)
        return result.error_before_exec or result.error_in_exec


def describe(error: BaseException) -> dict[str, Any]:
    """An exception as plain data."""
    return {
        "error": type(error).__name__,
        "message": str(error)[:_MESSAGE_LIMIT],
        "asserted": isinstance(error, AssertionError) and _is_the_cells_own(error),
    }


def _is_the_cells_own(error: BaseException) -> bool:
    """Whether an assertion failed in a cell or a testing helper, not among a library's own checks of its arguments."""
    frames = traceback.extract_tb(error.__traceback__)
    if not frames:
        return False
    last = Path(frames[-1].filename)
    return not {"site-packages", "dist-packages"} & {*last.parts} or "testing" in last.parts


def run_branch(notebook: Notebook, branch: dict[str, Any]) -> dict[str, Any]:
    """Run a branch's steps in this process; the fields of its Outcome but `seconds`."""
    noted = None
    for step in branch["steps"]:
        error = notebook.run(step["source"])
        if error is None:
            continue
        if step["judged"]:
            return {"end": "ran", "cell": step["cell"], "noted": noted, **describe(error)}
        noted = noted or f"{step['cell']}: {type(error).__name__}: {error}"[:300]
    return {"end": "ran", "noted": noted}


@dataclass
class Child:
    """A forked process working on one branch."""

    name: str
    pid: int
    started: float


class Children:
    """At most `jobs` children at a time."""

    def __init__(self, jobs: int, timeout: float, report: Callable[..., None]) -> None:
        self._jobs, self._timeout, self._report = jobs, timeout, report
        self._active: dict[int, Child] = {}

    def start(self, notebook: Notebook, branch: dict[str, Any]) -> None:
        """Fork a child for the branch, once there is room for one."""
        self.wait(leaving=self._jobs - 1)
        reading, writing = os.pipe()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Python 3.12 warns of forking beside threads; torch runs on one here
            pid = os.fork()
        if pid == 0:
            status = 1
            try:
                os.close(reading)
                signal.signal(signal.SIGALRM, signal.SIG_DFL)
                signal.setitimer(signal.ITIMER_REAL, self._timeout)
                os.write(writing, json.dumps(run_branch(notebook, branch)).encode())
                status = 0
            finally:
                os._exit(status)
        os.close(writing)
        self._active[reading] = Child(branch["name"], pid, time.monotonic())

    def wait(self, leaving: int = 0) -> None:
        """Report children that have ended until no more than `leaving` are at work."""
        while len(self._active) > leaving:
            for reading in select.select(list(self._active), [], [])[0]:
                child = self._active.pop(reading)
                with os.fdopen(reading, "rb") as pipe:
                    answer = pipe.read()
                _, status = os.waitpid(child.pid, 0)
                if status == 0:
                    fields = json.loads(answer)
                elif os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGALRM:
                    fields = {"end": "timeout", "message": f"not done after {self._timeout:g} s"}
                else:
                    fields = {"end": "died", "message": f"the process ended with wait status {status}"}
                self._report("outcome", name=child.name, seconds=round(time.monotonic() - child.started, 1), **fields)


def main(request: str) -> None:
    """Run the job in the file `request` and print its events, one JSON object a line."""
    job = json.loads(Path(request).read_text(encoding="utf-8"))
    # A lesson stands alone: an empty folder, and nothing of this repository to import.
    Path(request).unlink()
    sys.path[:] = [entry for entry in sys.path if entry and Path(entry).resolve() != ROOT]
    os.environ.pop("PYTHONPATH", None)
    for name in [name for name in sys.modules if name.partition(".")[0] in ("tests", "tools")]:
        del sys.modules[name]
    sys.argv = ["lesson"]

    events = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)

    def report(event: str, **fields: Any) -> None:
        print(json.dumps({"event": event, **fields}), file=events, flush=True)

    notebook = Notebook()
    children = Children(job["jobs"], job["timeout"], report)
    for number, step in enumerate([*job["trunk"], None]):
        for branch in job["branches"]:
            if branch["at"] == number:
                children.start(notebook, branch)
        if step is None:
            break
        report("cell", cell=step["cell"])
        error = notebook.run(step["source"])
        if error is not None:
            report("trunk failed", cell=step["cell"], message=f"{type(error).__name__}: {error}"[:_MESSAGE_LIMIT])
            os._exit(1)
    children.wait()
    report("finished")
    # Not sys.exit: a lesson's exit handlers are of no interest.
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1])
