"""Check one lesson: `python -m tools.run.check 05`; with `--fast`, or FAST=1, without executing it."""

from __future__ import annotations

import argparse
import os
import sys

from tools.lesson.files import as_command
from tools.lesson.read import find_lesson
from tools.run.sections import of_lesson, of_lesson_unexecuted
from tools.run.suite import run
from tools.run.verdicts import Verdicts


def main(arguments: list[str] | None = None) -> int:
    """Run what concerns the lesson; 1 if anything failed, 2 if there is no such lesson."""
    parser = argparse.ArgumentParser(prog="python -m tools.run.check", description="Check one lesson.")
    parser.add_argument("lesson", nargs="?", help="its number or name")
    parser.add_argument("--fast", action="store_true", help="execute nothing (so does FAST=1)")
    options = parser.parse_args(arguments)
    if options.lesson is None:
        print("Which lesson? make check NB=05 checks one, make test everything.", file=sys.stderr)
        return 2
    try:
        lesson = find_lesson(options.lesson).stem
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    fast = options.fast or os.environ.get("FAST", "") not in ("", "0")
    status = run(of_lesson_unexecuted(lesson) if fast else of_lesson(lesson), Verdicts())
    if fast:
        print("Nothing was executed: `make check` without FAST=1 runs the lesson, its exercises and its comparisons.")
    print(f"The mutants were not tried: make mutants NB={lesson[:2]}")
    return status


if __name__ == "__main__":
    sys.exit(as_command(main))
