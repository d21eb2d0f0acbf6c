"""Check everything, fast things first, and stop at the first section that fails: `python -m tools.run.suite`."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tools.lesson.read import ROOT, lesson_paths
from tools.run.environment import clean_environment
from tools.run.strict import STRICT

PYTEST = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
# Two notebooks at a time; a notebook's cells must stay on one worker.
NBVAL = [*STRICT, "-n", "2", "--dist", "loadfile"]


def main() -> int:
    """Run the sections in order; the exit status of the first that fails, or 0."""
    start = time.monotonic()
    for title, run in sections():
        section_start = time.monotonic()
        print(f"\n━━ {title}", flush=True)
        status = run()
        print(f"   {time.monotonic() - section_start:.0f} s", flush=True)
        if status:
            print(f"\nFAILED in: {title} (the later sections were not run)", file=sys.stderr)
            return status
    print(f"\nAll passed in {time.monotonic() - start:.0f} s.")
    return 0


def sections() -> list[tuple[str, Callable[[], int]]]:
    """What is checked, in order."""
    return [
        ("Style of code and notebooks (mend with `ruff check --fix` and `ruff format`)", style),
        ("Rules of the lessons, and the tools", lambda: pytest("contract", "tools")),
        ("The book builds", lambda: call([sys.executable, "-m", "tools.site.build"])),
        ("Every cell's output, each lesson alone in an empty folder (mend with `make notebooks`)", stored_outputs),
        ("Exercises: solutions pass, wrong answers fail", lambda: pytest("exercises")),
        ("Agreement with independent implementations", lambda: pytest("parity")),
        ("The site, in a browser where there is one", lambda: pytest("site")),
        ("Falsified lessons fail where they should (a sample; all with `make mutants`)", lambda: pytest("mutants")),
    ]


def call(command: list[str], **options: object) -> int:
    """Run a command with its output on the terminal; its exit status."""
    return subprocess.run(command, stdin=subprocess.DEVNULL, check=False, **{"cwd": ROOT, **options}).returncode


def style() -> int:
    """Lint, then layout, of everything that is Python, in notebooks too."""
    ruff = [sys.executable, "-m", "ruff"]
    return call([*ruff, "check", "."]) or call([*ruff, "format", "--check", "."])


def pytest(*folders: str) -> int:
    """The tests in these folders of tests/."""
    paths = [str(Path("tests") / folder) for folder in folders if (ROOT / "tests" / folder).is_dir()]
    if not paths:
        print("   no tests here yet")
        return 0
    return call([*PYTEST, *paths])


def stored_outputs() -> int:
    """Strict comparison of every cell with what is stored, in a copy far from the repository."""
    if not lesson_paths():
        print("   no lesson yet")
        return 0
    with tempfile.TemporaryDirectory(prefix="lessons-") as folder, clean_environment() as environment:
        for path in lesson_paths():
            alone = Path(folder) / path.stem
            alone.mkdir()
            shutil.copy(path, alone)
        return call([*PYTEST, *NBVAL, folder], cwd=folder, env=environment)


if __name__ == "__main__":
    sys.exit(main())
