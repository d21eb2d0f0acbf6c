"""Every stored output in every environment of tests/matrix.toml: `python -m tools.matrix [--leg NAME] [lesson …]`."""

from __future__ import annotations

import argparse
import datetime
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tools.lesson.files import as_command, write_atomically
from tools.lesson.outputs import fingerprint
from tools.lesson.read import ROOT, find_lessons, lesson_paths
from tools.matrix import environments, record
from tools.matrix.legs import Leg, Matrix, read_matrix
from tools.run.strict import run_strictly
from tools.site import build as build_book
from tools.site.weight import weigh

LOGS = environments.FOLDER / "logs"
FAILED, NOT_RUN = 1, 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the legs asked for, enter what they found, show all that is known; 1 if one failed, 2 if one did not run."""
    parser = argparse.ArgumentParser(prog="python -m tools.matrix", description=__doc__)
    parser.add_argument("lessons", nargs="*", help="numbers, names or paths; all lessons when none is given")
    parser.add_argument("--leg", action="append", default=[], help="a leg's name; all legs when none is given")
    parser.add_argument(
        "--page", action="store_true", help="run nothing; write the page for the lessons as they are now"
    )
    options = parser.parse_args(arguments)
    try:
        matrix = read_matrix()
        legs = [matrix.leg(name) for name in options.leg] or list(matrix.legs)
        lessons = find_lessons(options.lessons)
        found = record.read_record()  # what cannot be read is said before anything runs
    except ValueError as error:
        print(error, file=sys.stderr)
        return FAILED
    if options.page:
        write_page(found, matrix)
        return 0
    statuses = [run_leg(leg, matrix, lessons) for leg in legs]
    write_page(record.read_record(), matrix)
    status = FAILED if FAILED in statuses else max(statuses, default=0)
    status = weigh_pages(lessons) or status
    found = record.read_record()
    write_page(found, matrix)
    for path in environments.unused(matrix):
        print(f"No leg uses {os.path.relpath(path)} any more; delete it when you like.")
    show(found, matrix)
    return status


def run_leg(leg: Leg, matrix: Matrix, lessons: Sequence[Path]) -> int:
    """Run the lessons in one leg and enter the verdicts."""
    print(f"\n━━ {leg.name}: {leg.why}", flush=True)
    environment = environments.key(leg, matrix)
    try:
        python = environments.interpreter(leg, matrix)
        facts = environments.inspect(python, leg)
    except environments.NotRunError as reason:
        with kept_record() as kept:
            record.enter(kept, leg, environment)["not_run"] = str(reason)
        print(f"   NOT RUN: {reason}", flush=True)
        return NOT_RUN
    verdicts = {}
    status = 0
    for lesson in lessons:
        verdict = run_strictly(python, lesson, leg.settings())
        log = LOGS / f"{leg.name}-{lesson.stem}.txt"
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text(verdict.record, encoding="utf-8")
        word = record.PASSED if verdict.passed else record.FAILED
        times = f"{verdict.seconds:.0f} s, {verdict.cpu_seconds:.0f} CPU s"
        print(f"   {lesson.stem}: {word}, {verdict.cells} cells, {verdict.tried} widgets tried, {times}", flush=True)
        for cell, says in verdict.failures.items():
            print(f"      cell {cell}: {says}", flush=True)
        if not verdict.passed:
            status = FAILED
            print(f"      whole record: {os.path.relpath(log)}")
            print(f"      side by side: make diff-outputs LEG={leg.name} NB={lesson.stem}", flush=True)
        verdicts[lesson.stem] = {
            "verdict": word,
            "cells": verdict.cells,
            "seconds": round(verdict.seconds),
            "date": datetime.date.today().isoformat(),
            "fingerprint": fingerprint(lesson),
        }
    with kept_record() as kept:
        entry = record.enter(kept, leg, environment)
        entry |= facts
        entry["lessons"] |= verdicts
    return status


def weigh_pages(lessons: Sequence[Path]) -> int:
    """Build the site and enter what the lessons' pages weigh."""
    if build_book.main():
        return FAILED
    site = ROOT / "_build" / "html"
    names = {f"notebooks/{path.stem}.html": path.stem for path in lessons if path.parent == ROOT / "notebooks"}
    weights = weigh(site, [name for name in names if (site / name).is_file()])  # a draft has no page yet
    if weights is None:
        print("The pages were not weighed: there is no Chromium (install it, or set CHROMIUM to its path).")
        return 0
    with kept_record() as kept:
        kept["weights"] |= {names[page]: list(sizes) for page, sizes in weights.items()}
    return 0


@contextmanager
def kept_record() -> Iterator[record.Record]:
    """The record as it is now, written again: another run may have entered its findings meanwhile."""
    kept = record.read_record()
    yield kept
    kept["machine"] = f"{os.cpu_count()} cores"
    write_atomically(record.DATA, record.record_text(kept))


def write_page(found: record.Record, matrix: Matrix) -> None:
    """Write the record and the page made of it."""
    write_atomically(record.DATA, record.record_text(found))
    write_atomically(record.PAGE, record.page_text(found, matrix, present_lessons()))


def present_lessons() -> dict[str, str]:
    """The fingerprint of every lesson there is."""
    return {path.stem: fingerprint(path) for path in lesson_paths()}


def show(found: record.Record, matrix: Matrix) -> None:
    """The table of legs, for a terminal."""
    head, rows = record.environments(found, matrix)
    other_head, other_rows = record.verdicts(found, matrix, present_lessons())
    lines = [head + other_head[1:], *(row + other[1:] for row, other in zip(rows, other_rows, strict=True))]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    print()
    for line in lines:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
    print(f"\nThe same stands in {os.path.relpath(record.PAGE)}.")


if __name__ == "__main__":
    sys.exit(as_command(main))
