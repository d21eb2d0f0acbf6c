"""Every output of a lesson, compared with what is stored: `python -m tools.run.cells 05`."""

from __future__ import annotations

import sys

from tools.lesson.files import as_command
from tools.lesson.read import find_lesson
from tools.run.strict import run_strictly, told


def main(arguments: list[str]) -> int:
    """Run the lessons named, each alone; 1 if a cell prints something else than is stored."""
    try:
        paths = [find_lesson(lesson) for lesson in arguments]
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    different = 0
    for path in paths:
        verdict = run_strictly(sys.executable, path)
        print(told(path, verdict))
        if not verdict.passed:
            print(f"If the new outputs are right, store them: make notebooks NB={path.stem}")
        different += not verdict.passed
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(as_command(lambda: main(sys.argv[1:])))
