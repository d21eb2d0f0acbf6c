"""What passed before need not run again while nothing it depends on has changed.

Kept in `_build/verdicts`, on this machine only: a file for each check, with the checksum of every tracked file the
check reads, of the interpreter, the installed versions, the browser, and the variables that reach the tests. Only what
passed, with nothing skipped, is kept. Under CI=true or BOOK_REQUIRE_ALL=1 nothing is looked up and nothing is kept.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import importlib.metadata
import json
import os
import platform
import subprocess
import sys
from fnmatch import fnmatchcase
from pathlib import Path

from tools.lesson.files import write_atomically
from tools.lesson.read import ROOT
from tools.run.browser import find_chromium
from tools.run.sections import Check

# Variables by which a person or a machine changes what the tests do.
VARIABLES = ("BOOK_", "GITHUB_", "OMP_", "MKL_", "PYTHON", "PYTEST", "MPL", "HF_", "TORCH", "CHROMIUM")
ALL_RUN = {"CI": "true", "BOOK_REQUIRE_ALL": "1"}


class Verdicts:
    """The checks that passed, and how long each took."""

    def __init__(self, root: Path = ROOT) -> None:
        """Look at the files of this repository as they are now."""
        self.root = root
        self.folder = root / "_build" / "verdicts"
        self.known = not any(os.environ.get(name) == value for name, value in ALL_RUN.items()) and is_repository(root)

    def holds(self, check: Check) -> bool:
        """Whether the check passed with everything as it is now."""
        if not self.known or not check.keeps:
            return False
        kept = self._read(check)
        return "checksum" in kept and kept["checksum"] == self.checksum(check)

    def seconds(self, check: Check) -> float:
        """How long the check took last time, or takes usually."""
        kept = self._read(check) if check.keeps else {}
        return kept.get("seconds", check.usual_seconds)

    def keep(self, check: Check, checksum: str | None, seconds: float) -> None:
        """Note how long a check took, and, unless `checksum` is None, that it passed with these files."""
        if not self.known or not check.keeps:
            return
        passed = {"checksum": checksum} if checksum and checksum == self.checksum(check) else {}
        with contextlib.suppress(OSError):  # a checkout that cannot be written to keeps none
            self.folder.mkdir(parents=True, exist_ok=True)
            write_atomically(self.folder / f"{check.name}.json", json.dumps({"seconds": round(seconds, 1)} | passed))

    def checksum(self, check: Check) -> str:
        """A checksum of all that the check depends on."""
        digest = hashlib.sha256(self.surroundings.encode())
        digest.update(repr(check.commands).encode())
        for name in present_files(self.root):
            if any(fnmatchcase(name, pattern) for pattern in check.reads):
                path = self.root / name
                content = path.read_bytes() if path.is_file() else b"gone"
                digest.update(f"\n{name} {len(content)}\n".encode() + content)
        return digest.hexdigest()

    @functools.cached_property
    def surroundings(self) -> str:
        """All that matters besides the repository's files."""
        return surroundings(self.root)

    def _read(self, check: Check) -> dict:
        try:
            kept = json.loads((self.folder / f"{check.name}.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return kept if isinstance(kept, dict) else {}


def is_repository(root: Path) -> bool:
    """Whether this folder is a repository of its own; what an archive consists of, nobody can tell."""
    return _git(root, "rev-parse", "--show-toplevel").strip() == str(root.resolve())


def present_files(root: Path) -> list[str]:
    """The tracked files, and those that are new and not ignored."""
    return sorted(set(_git(root, "ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0")) - {""})


def surroundings(root: Path) -> str:
    """All that matters besides the repository's files."""
    variables = {name: value for name, value in sorted(os.environ.items()) if name.startswith(VARIABLES)}
    return json.dumps([platform.platform(), sys.version, installed(), browser(), address(root), variables])


@functools.cache
def installed() -> list[str]:
    """The installed packages with their versions."""
    return sorted(f"{package.name}=={package.version}" for package in importlib.metadata.distributions())


def browser() -> str:
    """Which Chromium there is: its path, size and age."""
    named = find_chromium()
    if not named or not Path(named).is_file():
        return ""
    state = Path(named).resolve().stat()
    return f"{named} {state.st_size} {state.st_mtime_ns}"


def address(root: Path) -> str:
    """The remote's address, which the pages link to."""
    return _git(root, "config", "--get", "remote.origin.url").strip()


def _git(root: Path, *arguments: str) -> str:
    try:
        result = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return result.stdout if result.returncode == 0 else ""
