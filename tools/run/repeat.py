"""Do the lessons print the same again? `python -m tools.run.repeat [--runs 5] [--seed N] [lesson …]`

Each lesson is run several times, in shuffled order, while a busy loop keeps every core from it; then it is stored
twice, which must leave no difference but in the pictures of cells tagged `timed`, which draw what a clock says. The
files in notebooks/ are not touched.
"""

from __future__ import annotations

import argparse
import os
import random
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tools.lesson.files import as_command
from tools.lesson.format import TIMED
from tools.lesson.normalise import text_of
from tools.lesson.read import code_cells, find_lessons, has_tag, lesson_paths, read_lesson
from tools.run import notebooks
from tools.run.strict import run_strictly, told

# Ends by itself when whoever started it is gone.
BUSY = "import os\nparent = os.getppid()\nwhile os.getppid() == parent:\n    sum(range(100_000))"


def main(arguments: Sequence[str] | None = None) -> int:
    """All runs are made, whatever fails; 1 if one differed."""
    parser = argparse.ArgumentParser(prog="python -m tools.run.repeat", description=__doc__.splitlines()[0])
    parser.add_argument("lessons", nargs="*", help="numbers, names or paths; all lessons when none is given")
    parser.add_argument("--runs", type=int, default=5, help="how often each lesson is run (5)")
    parser.add_argument("--seed", type=int, default=None, help="of the order; printed, so that it can be had again")
    options = parser.parse_args(arguments)
    try:
        paths = find_lessons(options.lessons)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    seed = secrets.randbelow(10_000) if options.seed is None else options.seed
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    print(f"{options.runs} runs of each lesson in the order of seed {seed}, beside {cores} busy loops", flush=True)
    with busy(cores):
        status = max([run(path) for path in order(paths, options.runs, seed)], default=0)
    print("Storing each lesson twice:", flush=True)
    return max([status, *(stored_twice(path) for path in paths)])


def order(paths: Sequence[Path], runs: int, seed: int) -> list[Path]:
    """Every lesson as often as asked for, shuffled."""
    everything = [path for path in paths for _ in range(runs)]
    random.Random(seed).shuffle(everything)
    return everything


@contextmanager
def busy(loops: int) -> Iterator[None]:
    """So many processes that do nothing but compute."""
    # In sessions of their own: Linux shares its time among sessions first.
    command = [sys.executable, "-c", BUSY]
    running = [subprocess.Popen(command, start_new_session=True) for _ in range(loops)]
    try:
        yield
    finally:
        for process in running:
            process.kill()
            process.wait()


def run(path: Path) -> int:
    """One strict run; 1 if something came out otherwise."""
    verdict = run_strictly(sys.executable, path)
    print(told(path, verdict), flush=True)
    return 0 if verdict.passed else 1


def stored_twice(path: Path) -> int:
    """Store a copy of the lesson two times; 1 if the second changes what the first wrote."""
    with tempfile.TemporaryDirectory(prefix="stored-") as folder:
        for other in lesson_paths(path.parent):  # carried-over cells are read from the lessons beside it
            shutil.copy(other, folder)
        copy = Path(folder) / path.name
        if notebooks.refresh(copy):
            return 1
        first, start = without_timed_pictures(copy), time.monotonic()
        if notebooks.refresh(copy):
            return 1
        same = without_timed_pictures(copy) == first
    seconds = time.monotonic() - start
    print(f"   {path.stem}: " + ("no difference" if same else "DIFFERS from its first run") + f", {seconds:.0f} s")
    return 0 if same else 1


def without_timed_pictures(path: Path) -> str:
    """A lesson's file without the pictures that show times."""
    lesson = read_lesson(path)
    for cell in code_cells(lesson):
        if has_tag(cell, TIMED):
            for output in cell.outputs:
                output.get("data", {}).pop("image/png", None)
    return text_of(lesson)


if __name__ == "__main__":
    sys.exit(as_command(main))
