"""Run a notebook's cells once, and variations of the rest of it in forked children.

A lesson takes a minute; a hundred mutants of it must not take a hundred. The *trunk*, the lesson as it stands, runs
once. Before a cell at which some variation begins, the process forks: the child goes on with the varied cells, the
parent with the trunk. A child inherits everything computed so far, random generators included, so it sees just what a
whole run of the varied notebook would see.

`explore` starts a fresh interpreter for this (this module, run as a script): a test session is not to be forked.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tools.lesson.read import ROOT
from tools.run.environment import CELL_LIMIT, clean_environment

# Longest message a child reports; it must fit a pipe's buffer, which nobody empties before the child has ended.
_MESSAGE_LIMIT = 2_000
_WHOLE_RUN_LIMIT = 3_600


@dataclass(frozen=True)
class Step:
    """One cell to run. An error in a judged step ends the branch; in another it is noted and the branch goes on."""

    cell: str
    source: str
    judged: bool = True


@dataclass(frozen=True)
class Branch:
    """A variation: what to run instead of the trunk's steps from number `at` on."""

    name: str
    at: int
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class Outcome:
    """How a branch ended.

    `end` is "ran" (to its last step, or to an error in a judged one; then `cell`, `error` and `message` tell),
    "timeout" or "died" (the process was lost). `asserted`: the error is a failed assertion of the cell or of a
    testing function, not one of a library's own. `noted`: the first error outside the judged steps.
    """

    name: str
    end: str
    seconds: float = 0.0
    cell: str | None = None
    error: str | None = None
    message: str = ""
    asserted: bool = False
    noted: str | None = None


class TrunkError(Exception):
    """The unvaried cells do not run; nothing can be said about variations."""


Progress = Callable[[str], None]


def explore(
    trunk: Sequence[Step],
    branches: Iterable[Branch],
    *,
    jobs: int = 2,
    timeout: float = CELL_LIMIT,
    progress: Progress = lambda _: None,
) -> dict[str, Outcome]:
    """Run the trunk and all branches in a fresh interpreter and an empty folder; the outcomes by branch name."""
    varied = [asdict(branch) for branch in branches]
    steps = [asdict(step) for step in trunk]
    job = {"trunk": steps, "branches": varied, "jobs": jobs, "timeout": timeout}
    settings = {"MPLBACKEND": "Agg", "PYTHONPATH": str(ROOT)}  # no kernel here, so no pictures in outputs
    with (
        clean_environment(settings) as environment,
        tempfile.TemporaryDirectory(prefix="lesson-") as folder,
        tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as complaints,
    ):
        # A file, not a pipe: both sides would otherwise wait for each other once a job exceeds the pipe's buffer.
        request = Path(folder, "job.json")
        request.write_text(json.dumps(job), encoding="utf-8")
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.shared.branches", str(request)],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=complaints,
            encoding="utf-8",
            start_new_session=True,  # so that its children can be ended with it
        )
        outcomes: dict[str, Outcome] = {}
        failure: str | None = None
        finished = False
        watchdog = threading.Timer(_WHOLE_RUN_LIMIT, _end_group, [process])
        watchdog.start()
        try:
            for line in process.stdout or ():
                event = json.loads(line)
                match event.pop("event"):
                    case "outcome":
                        outcome = Outcome(**event)
                        outcomes[outcome.name] = outcome
                        progress(f"{outcome.name}: {len(outcomes)} of {len(varied)} done")
                    case "cell":
                        progress(f"the lesson itself: {event['cell']}")
                    case "trunk failed":
                        failure = f"cell {event['cell']} fails without any change: {event['message']}"
                    case "finished":
                        finished = True
            process.wait()
        finally:
            watchdog.cancel()
            _end_group(process)
        if failure is None and not finished:
            complaints.seek(0)
            last = complaints.read()[-1500:]
            failure = f"the interpreter running the cells was lost (exit {process.returncode}): {last}"
    if failure is not None:
        raise TrunkError(failure)
    return outcomes


def _end_group(process: subprocess.Popen) -> None:
    """End the interpreter and what it forked, if it is still at work. Its number is free only once it is waited for."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


# What follows runs in the fresh interpreter.


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
