"""The values that a leg of the matrix prints otherwise: `python -m tools.matrix.diff --leg NAME [lesson …]`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from tools.lesson.files import as_command
from tools.lesson.read import find_lessons
from tools.matrix import environments
from tools.matrix.legs import read_matrix
from tools.run.diff_outputs import show


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the lessons asked for with the interpreter and the settings of a leg; 1 if they print anything otherwise."""
    parser = argparse.ArgumentParser(prog="python -m tools.matrix.diff", description=__doc__)
    parser.add_argument("lessons", nargs="*", help="numbers, names or paths; all lessons when none is given")
    parser.add_argument("--leg", required=True, help="a leg of tests/matrix.toml")
    options = parser.parse_args(arguments)
    try:
        matrix = read_matrix()
        leg = matrix.leg(options.leg)
        paths = find_lessons(options.lessons)
        python = environments.interpreter(leg, matrix)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    except environments.NotRunError as reason:
        print(f"The leg {options.leg} cannot be run here: {reason}", file=sys.stderr)
        return 1
    return max([show(path, python, leg.settings()) for path in paths], default=0)


if __name__ == "__main__":
    sys.exit(as_command(main))
