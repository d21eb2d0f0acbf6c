"""Each version is said once, or the same everywhere: of the book, of Python, and of every package."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
import yaml

from tools.lesson.read import ROOT

LOCKS = {
    "requirements.lock": ("requirements.txt",),
    "tests/requirements.lock": ("requirements.txt", "tests/requirements.txt"),
}
_PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", re.M)


def text(name: str) -> str:
    return Path(ROOT, name).read_text(encoding="utf-8")


def pins(name: str) -> dict[str, str]:
    """The packages of a list with their versions."""
    return {re.sub(r"[-_.]+", "-", package).lower(): version for package, version in _PIN.findall(text(name))}


def test_the_book_has_one_version() -> None:
    citation = yaml.safe_load(text("CITATION.cff"))
    newest = re.search(r"^## (\S+), (\S+)$", text("CHANGELOG.md"), re.M)
    assert newest, "CHANGELOG.md needs a heading `## 1.2.3, 2026-01-31`"
    project = tomllib.loads(text("pyproject.toml"))["project"]["version"]
    assert [project, citation["version"], str(citation["date-released"])] == [newest[1], *newest.groups()]


def test_python_is_said_alike() -> None:
    """What tools/venv.sh takes is what pyproject.toml allows."""
    low, high = re.fullmatch(
        r">=3\.(\d+),<3\.(\d+)", tomllib.loads(text("pyproject.toml"))["project"]["requires-python"]
    ).groups()
    allowed = [f"3.{minor}" for minor in range(int(low), int(high))]
    script = text("tools/venv.sh")
    assert re.search(r"in ([\d. |]+)\) return 0", script)[1].split(" | ") == allowed
    assert re.findall(r"3\.\d+", re.search(r'^versions="(.+)"$', script, re.M)[1]) == allowed
    readme = re.search(r"With Python (.+?) and make", text("README.md"))[1]
    assert re.findall(r"3\.\d+", readme) == allowed


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_holds_what_is_asked_for(lock: str) -> None:
    """The versions of constraints.txt, all that the lists name, and nothing without a hash."""
    locked, chosen = pins(lock), pins("constraints.txt")
    other = {name: version for name, version in locked.items() if chosen.get(name) != version}
    assert not other, f"{lock} and constraints.txt differ in {other}; run `make lock`"
    asked = {name: version for part in LOCKS[lock] for name, version in pins(part).items() if name != "torch"}
    missing = asked.items() - locked.items()
    assert not missing, f"{lock} lacks {dict(missing)}; run `make lock`"
    entries = re.split(r"\n(?=\S)", text(lock).partition("\n")[2])
    bare = [entry.split()[0] for entry in entries if entry.strip() and "--hash=sha256:" not in entry]
    assert not bare, f"{lock} has no hash for {bare}"


def test_no_lock_holds_torch() -> None:
    """Which build of torch fits depends on the machine."""
    for lock in LOCKS:
        platform = [name for name in pins(lock) if re.match(r"(torch|triton|nvidia-|cuda-)", name)]
        assert not platform, f"{lock} holds {platform}"
