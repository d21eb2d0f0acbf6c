"""Run a notebook's cells once, and variations of the rest of it in forked children.

A lesson takes a minute; a hundred mutants of it must not take a hundred. The *trunk*, the lesson as it stands, runs
once. Before a cell at which some variation begins, the process forks: the child goes on with the varied cells, the
parent with the trunk. A child inherits everything computed so far, random generators included, so it sees just what a
whole run of the varied notebook would see.

`explore` starts a fresh interpreter for this (tests/shared/interpreter.py): a test session is not to be forked.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from tools.lesson.read import ROOT
from tools.run.environment import CELL_LIMIT, clean_environment

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
            [sys.executable, "-m", "tests.shared.interpreter", str(request)],
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
