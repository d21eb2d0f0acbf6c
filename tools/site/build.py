"""Build the site from the stored outputs and check it before it replaces the last: `python -m tools.site.build`."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import platform
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

from tools.site.generated import write_cram_pages

ROOT = Path(__file__).resolve().parent.parent.parent
# What else decides how the pages look: the address that the buttons lead to.
ADDRESS_VARIABLES = ("BOOK_REPOSITORY_URL", "BOOK_SITE_URL", "GITHUB_SERVER_URL", "GITHUB_REPOSITORY")
# What the pages are made of, and what lies beside them and is not.
SOURCES = ("_config.yml", "_toc.yml", "book", "notebooks", "tools")
NOISE = ("__pycache__", ".ipynb_checkpoints")
# myst-nb numbers the lines of a notebook as 10000 × the cell's position + the line in the cell.
LINES_PER_CELL = 10000

_WARNING = re.compile(
    r"^(?P<file>.+?\.(?:ipynb|md|py|yml|bib))(?::(?P<line>\d+))?: (?P<text>(?:WARNING|ERROR|CRITICAL).*)$"
)
_PROGRESS = re.compile(r"^(?:[\w ]+\.\.\. +(?:\[[^\]]*\] *)?)+")
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


class BuildError(Exception):
    """Why there is no new site, one problem a line."""


def main(root: Path = ROOT) -> int:
    """Build the book of `root`; on failure say why and leave the last good site in place."""
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
    except BuildError as error:
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


def input_files(root: Path) -> Iterator[Path]:
    """Every file that the site is made of or made by."""
    for name in ("_config.yml", "_toc.yml", "requirements.txt", "constraints.txt"):
        yield root / name
    for folder in ("notebooks", "book", "tools"):
        for path in sorted((root / folder).rglob("*")):
            if path.is_file() and not set(NOISE).intersection(path.parts):
                yield path


def fingerprint(root: Path) -> str:
    """A checksum of everything the site depends on."""
    digest = hashlib.sha256(platform.python_version().encode())
    for path in input_files(root):
        content = path.read_bytes() if path.is_file() else b""
        digest.update(f"\n{path.relative_to(root)} {len(content)}\n".encode() + content)
    for variable in ADDRESS_VARIABLES:
        digest.update(f"\n{variable}={os.environ.get(variable, '')}".encode())
    digest.update(remote_address(root).encode())
    return digest.hexdigest() + "\n"


def remote_address(root: Path) -> str:
    """The address of the git remote, empty without one (a downloaded archive, say)."""
    command = ["git", "-C", str(root), "remote", "get-url", "origin"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    except OSError:
        return ""


def check_notebooks(root: Path) -> None:
    """Refuse a lesson that is not fit to be made a page of."""
    from tools.lesson.read import lesson_paths  # here, because a build with nothing to do should take no time
    from tools.lesson.validate import problems_of_file

    paths = lesson_paths(root / "notebooks")
    problems = [f"notebooks/{problem}" for path in paths for problem in problems_of_file(path)]
    if problems:
        raise BuildError("\n".join(problems))


def run_jupyter_book(root: Path) -> Path:
    """Make the pages in a work folder from scratch (a warning about an unchanged page would not be repeated)."""
    print("Building the pages …", flush=True)
    work = root / "_build" / "work"
    shutil.rmtree(work, ignore_errors=True)
    source = copied_sources(root, work / "source")
    command = [sys.executable, "-c", "from jupyter_book.cli.main import main; main()", "build", str(source)]
    options = ["--path-output", str(work), "-n", "-W", "--keep-going"]
    environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "1", "NO_COLOR": "1"}
    result = subprocess.run(
        command + options,
        cwd=source,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    log = root / "_build" / "build.log"
    log.parent.mkdir(exist_ok=True)
    log.write_text(result.stdout, encoding="utf-8")
    if result.returncode:
        raise BuildError("\n".join(complaints(result.stdout, source)) + f"\nThe whole record is in {shown(log)}.")
    return work / "_build" / "html"


def copied_sources(root: Path, target: Path) -> Path:
    """A copy of just the book's files: Sphinx would also read a Markdown file that happens to lie beside them."""
    for name in SOURCES:
        source = root / name
        if source.is_dir():
            shutil.copytree(source, target / name, ignore=shutil.ignore_patterns(*NOISE))
        elif source.is_file():
            target.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target / name)
        else:
            raise BuildError(f"{name} is missing; restore it with `git checkout -- {name}`")
    write_cram_pages(target)
    return target


def complaints(log: str, root: Path) -> list[str]:
    """The warnings of a build, each with its file and cell; the end of the record when there are none."""
    lines = [_COLOUR.sub("", line) for line in log.splitlines()]
    found = [located(line, root) for line in lines if re.search(r"\b(WARNING|ERROR|CRITICAL):", line)]
    return list(dict.fromkeys(found)) or lines[-15:]


def located(line: str, root: Path) -> str:
    """A warning of Sphinx with `notebooks/x.ipynb, cell y, line z` in place of a path and a coded line number."""
    match = _WARNING.match(_PROGRESS.sub("", line))
    if not match:
        return line
    path = Path(match["file"])
    where = path.relative_to(root).as_posix() if path.is_relative_to(root) else match["file"]
    if match["line"]:
        cell, cell_line = divmod(int(match["line"]), LINES_PER_CELL)
        if path.suffix == ".ipynb" and cell:
            where += f", cell {cell_name(path, cell)}, line {cell_line}"
        else:
            where += f", line {match['line']}"
    return f"{where}: {match['text']}"


def cell_name(path: Path, position: int) -> str:
    """The id of the cell at this position, counted from 1."""
    from tools.lesson.read import cell_id, read_lesson

    try:
        return cell_id(read_lesson(path).cells[position - 1])
    except (OSError, ValueError, IndexError):
        return f"number {position}"


def check_site(root: Path, site: Path) -> None:
    """Let the site's own checker look at the pages before anyone else does."""
    problems = load_checker(root).problems(site, root / "notebooks")
    if problems:
        raise BuildError("\n".join(problems))


def load_checker(root: Path) -> ModuleType:
    """The checker, by its path: importing its package would import Sphinx."""
    path = root / "book" / "_ext" / "vitbook" / "check.py"
    specification = importlib.util.spec_from_file_location("vitbook_check", path)
    if specification is None or specification.loader is None or not path.is_file():
        raise BuildError(f"{path.relative_to(root)} is missing; restore it with `git checkout`")
    module = importlib.util.module_from_spec(specification)
    sys.modules[module.__name__] = module
    specification.loader.exec_module(module)
    return module


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
    sys.exit(main())
