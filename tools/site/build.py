"""Build the site from the stored outputs and check it before it replaces the last: `python -m tools.site.build`."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from tools.lesson.files import as_command, locked
from tools.site.check import problems
from tools.site.complaints import complaints
from tools.site.sources import addresses, copied_sources, fingerprint

ROOT = Path(__file__).resolve().parent.parent.parent


class BuildError(Exception):
    """Why there is no new site, one problem a line."""


def main(root: Path = ROOT) -> int:
    """Build the book of `root`; on failure say why and leave the last good site in place."""
    with locked(root / "_build", "another build of this book is at work; this one waits for it"):
        return build(root)


def build(root: Path) -> int:
    """Build the book, alone in its folder."""
    start = time.monotonic()
    site = root / "_build" / "html"
    stamp = root / "_build" / "html.inputs"
    restore_interrupted_swap(site)
    try:
        inputs = fingerprint(root)
        if (site / "index.html").is_file() and stamp.is_file() and stamp.read_text() == inputs:
            print(f"Nothing has changed; the book is in {shown(site)}: open index.html there, or run `make serve`.")
            return 0
        check_notebooks(root)
        fresh = run_jupyter_book(root)
        check_site(root, fresh)
    except (BuildError, ValueError) as error:
        kept = f"\nThe last good site is still in {shown(site)}." if site.is_dir() else ""
        print(f"The book was not built:\n{error}{kept}", file=sys.stderr)
        return 1
    stamp.unlink(missing_ok=True)
    swap(fresh, site)
    stamp.write_text(inputs)
    shutil.rmtree(root / "_build" / "work", ignore_errors=True)
    seconds = time.monotonic() - start
    print(f"The book is in {shown(site)} ({seconds:.0f} s): open index.html there, or run `make serve`.")
    return 0


def shown(path: Path) -> str:
    """The path as a person at the repository's root would type it."""
    return os.path.relpath(path)


def check_notebooks(root: Path) -> None:
    """Refuse a lesson that is not fit to be made a page of."""
    from tools.lesson.read import lesson_paths  # here, because a build with nothing to do should take no time
    from tools.lesson.validate import problems_of_file

    paths = lesson_paths(root / "notebooks")
    found = [f"notebooks/{problem}" for path in paths for problem in problems_of_file(path)]
    if found:
        raise BuildError("\n".join(found))


def run_jupyter_book(root: Path) -> Path:
    """Make the pages in a work folder from scratch (a warning about an unchanged page would not be repeated)."""
    from tools.run.environment import clean_environment

    print("Building the pages …", flush=True)
    work = root / "_build" / "work"
    shutil.rmtree(work, ignore_errors=True)
    source = copied_sources(root, work / "source")
    command = [sys.executable, "-c", "from jupyter_book.cli.main import main; main()", "build", str(source)]
    options = ["--path-output", str(work), "-n", "-W", "--keep-going"]
    with clean_environment(addresses(root) | {"NO_COLOR": "1"}) as environment:
        result = subprocess.run(
            command + options,
            cwd=source,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
    log = root / "_build" / "build.log"
    log.write_text(result.stdout, encoding="utf-8")
    if result.returncode:
        raise BuildError("\n".join(complaints(result.stdout, source)) + f"\nThe whole record is in {shown(log)}.")
    return work / "_build" / "html"


def check_site(root: Path, site: Path) -> None:
    """Look at the finished pages before anyone else does."""
    if found := problems(site, root / "notebooks"):
        raise BuildError("\n".join(found))


def swap(fresh: Path, site: Path) -> None:
    """Put the fresh site in the place of the old one; two renames, no moment with half a site."""
    old = site.with_name("html.old")
    shutil.rmtree(old, ignore_errors=True)
    if site.exists():
        site.rename(old)
    fresh.rename(site)
    shutil.rmtree(old, ignore_errors=True)


def restore_interrupted_swap(site: Path) -> None:
    """If a build died between the two renames, take the old site back."""
    old = site.with_name("html.old")
    if old.is_dir() and not site.exists():
        old.rename(site)


if __name__ == "__main__":
    sys.exit(as_command(main))
