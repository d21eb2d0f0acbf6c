"""Apply each mutant to its lesson and see whether the question's own assertion notices.

python -m tests.mutants.runner                                  all lessons
python -m tests.mutants.runner 01_vit_fundamentals --question 11
python -m tests.mutants.runner 1 --list
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from nbformat import NotebookNode

from tests.mutants.mutant import Mutant, mutants_path, place, questions, read_mutants, sample
from tests.shared.branches import Branch, Outcome, Step, TrunkError, explore
from tools.lesson.read import cell_id, code_cells, find_lessons, has_tag, read_lesson

# Seconds that a mutant may take. The limit is for a stuck one; one that trains again is slow on a busy machine.
LIMIT = 600
# Cells nothing depends on; a proof among them runs all the same.
_SKIPPED = ("live", "frame-slider", "solution", "exercise-tests")


class Verdict(StrEnum):
    """What became of a mutant."""

    KILLED = "killed"  # the question's own proof failed, by assertion
    SURVIVED = "survived"  # nothing noticed
    ELSEWHERE = "died elsewhere"  # only cells of other questions failed
    OTHER_ERROR = "died by another error"  # the proof cell failed, but not by assertion
    TIMEOUT = "timeout"
    DIED = "process died"


@dataclass(frozen=True)
class Result:
    """The verdict on one mutant, and the sentence that explains it."""

    mutant: Mutant
    verdict: Verdict
    cell: str
    explanation: str
    seconds: float


def try_mutants(
    notebook: NotebookNode,
    mutants: Iterable[Mutant],
    *,
    jobs: int = 2,
    timeout: float = LIMIT,
    progress: Callable[[str], None] = lambda _: None,
) -> list[Result]:
    """Verdicts in the order of `mutants`. EntryError: one does not fit. TrunkError: the lesson fails by itself."""
    placed = [place(mutant, notebook) for mutant in mutants]
    if not placed:
        return []
    cells = list(code_cells(notebook))
    # Steps count only the cells that are run; `step_of` finds a cell among them.
    run = [index for index, cell in enumerate(cells) if questions(cell) or not has_tag(cell, *_SKIPPED)]
    run += [entry.index for entry in placed if entry.index not in run]
    run.sort()
    step_of = {index: number for number, index in enumerate(run)}

    branches = []
    last_needed = 0
    for entry in placed:
        question = entry.mutant.question
        last = max(index for index in run if question in questions(cells[index]))
        last_needed = max(last_needed, last)
        steps = [
            Step(
                cell_id(cells[index]),
                entry.source if index == entry.index else cells[index].source,
                judged=question in questions(cells[index]),
            )
            for index in run
            if entry.index <= index <= last
        ]
        branches.append(Branch(entry.mutant.name, step_of[entry.index], tuple(steps)))
    trunk = [Step(cell_id(cells[index]), cells[index].source) for index in run if index <= last_needed]
    outcomes = explore(trunk, branches, jobs=jobs, timeout=timeout, progress=progress)
    return [judge(entry.mutant, outcomes[entry.mutant.name]) for entry in placed]


def judge(mutant: Mutant, outcome: Outcome) -> Result:
    """Put what happened into one of the verdicts."""
    cell, explanation = outcome.cell or "", f"{outcome.error}: {outcome.message}"
    if outcome.end != "ran":
        verdict, explanation = Verdict.TIMEOUT if outcome.end == "timeout" else Verdict.DIED, outcome.message
    elif outcome.asserted:
        verdict = Verdict.KILLED
    elif outcome.error is not None:
        verdict = Verdict.OTHER_ERROR
        if outcome.noted:
            explanation += f" (before it, {outcome.noted})"
    elif outcome.noted:
        verdict, explanation = Verdict.ELSEWHERE, outcome.noted
        cell = outcome.noted.partition(":")[0]
    else:
        verdict, explanation = Verdict.SURVIVED, f"every cell tagged q{mutant.question} still passes"
    return Result(mutant, verdict, cell, explanation, outcome.seconds)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; 0 when every mutant was killed."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.mutants.runner",
        description="Apply each mutant to its lesson and see whether the question's own assertion notices.",
    )
    parser.add_argument("lessons", nargs="*", help="numbers or names; all lessons when none is given")
    parser.add_argument("--question", type=int, action="append", help="only the mutants of this question; repeatable")
    parser.add_argument("--sample", action="store_true", help="only those that make test tries")
    parser.add_argument("--list", action="store_true", help="show the mutants, run nothing")
    parser.add_argument("--jobs", type=int, default=2, help="how many at once (default 2)")
    parser.add_argument("--timeout", type=float, default=LIMIT, help=f"seconds allowed to one mutant (default {LIMIT})")
    options = parser.parse_args(arguments)
    try:
        paths = find_lessons(options.lessons)
        if not paths:
            raise ValueError("there is no lesson in notebooks/ yet")
        failures = sum(_lesson(path, options) for path in paths)
    except (TrunkError, ValueError) as error:
        print(f"mutants: {error}", file=sys.stderr)
        return 2
    return 1 if failures else 0


def _lesson(path: Path, options: argparse.Namespace) -> int:
    notebook = read_lesson(path)
    mutants = read_mutants(mutants_path(path.stem))
    if options.sample:
        mutants = sample(mutants)
    if options.question:
        mutants = [mutant for mutant in mutants if mutant.question in options.question]
    print(f"{path.stem}: {len(mutants)} mutants")
    if options.list:
        for mutant in mutants:
            print(f"  {mutant.name:<8} {mutant.why}")
            print(f"           - {_one_line(mutant.find)}\n           + {_one_line(mutant.put)}")
        return 0
    started = time.monotonic()
    show = _progress_line()
    results = try_mutants(notebook, mutants, jobs=options.jobs, timeout=options.timeout, progress=show)
    show("")
    print(table(results))
    alive = [result for result in results if result.verdict is not Verdict.KILLED]
    seconds = time.monotonic() - started
    print(f"{len(results) - len(alive)} of {len(results)} killed in {seconds:.0f} s")
    return len(alive)


def table(results: Sequence[Result]) -> str:
    """One line a mutant; below it, for one that was not killed, what happened instead."""
    lines = []
    for result in results:
        mutant = result.mutant
        lines.append(f"  {mutant.name:<8} {result.verdict:<22} {result.cell:<28} {result.seconds:5.1f} s  {mutant.why}")
        if result.verdict is not Verdict.KILLED:
            lines.append(f"           {_one_line(result.explanation)}")
            lines.append(f"           - {_one_line(mutant.find)}\n           + {_one_line(mutant.put)}")
    return "\n".join(lines)


def _one_line(text: str, limit: int = 150) -> str:
    text = " ⏎ ".join(line.strip() for line in text.strip().splitlines())
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _progress_line() -> Callable[[str], None]:
    """Overwrites one line of a terminal; says nothing in a log or under BOOK_QUIET=1."""
    if not sys.stderr.isatty() or os.environ.get("BOOK_QUIET") == "1":
        return lambda _: None
    return lambda text: print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
