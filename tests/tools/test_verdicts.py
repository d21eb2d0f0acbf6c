"""A verdict is kept only for what passed whole, and holds only while nothing it depends on has changed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tools.lesson.read import lesson_paths
from tools.run import verdicts
from tools.run.sections import Check, everything, of_lesson
from tools.run.suite import run
from tools.run.verdicts import Verdicts

OTHER, LESSON = (path.stem for path in lesson_paths()[:2])
FILES = (
    *("tools/run/suite.py", "tools/lesson/read.py", "tests/conftest.py", "tests/sanitize.cfg", "tests/matrix.toml"),
    *("tests/shared/branches.py", "requirements.txt", "constraints.txt", "tests/requirements.txt", "pyproject.toml"),
    *("tests/contract/rules/code.py", "tests/tools/test_probe.py", "tests/exercises/test_exercises.py"),
    *("tests/parity/lesson_02/cases.py", "tests/portable/check.py", "tests/mutants/runner.py"),
    *("tests/site/test_cards.py", "tests/site/browser/test_grid.py", "book/lessons.toml", "book/_ext/vitbook/links.py"),
    *("_config.yml", f"notebooks/{LESSON}.ipynb", f"notebooks/{OTHER}.ipynb"),
)
CHECKS = {check.name: check for check in everything() if check.keeps and check.lesson in (LESSON, None)}
CHECKS |= {check.name: check for check in of_lesson(LESSON) if check.keeps}
FOLDERS = {"rules": "tests/contract/rules/code.py", "tools": "tests/tools/test_probe.py"} | {
    "exercises": "tests/exercises/test_exercises.py",
    "parity": "tests/parity/lesson_02/cases.py",
    "portable": "tests/portable/check.py",
    "mutants": "tests/mutants/runner.py",
    "site": "tests/site/test_cards.py",
    "browser": "tests/site/browser/test_grid.py",
}
# The kinds of files that every check reads.
COMMON = [name for name in FILES if not name.startswith("notebooks/") and name not in FOLDERS.values()]


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with a file of each kind, on a machine where verdicts are kept."""
    for name in ("CI", "BOOK_REQUIRE_ALL"):
        monkeypatch.delenv(name, raising=False)
    for name in FILES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("before")
    (tmp_path / ".gitignore").write_text("_build/\n")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", "-A")
    return tmp_path


def git(folder: Path, *arguments: str) -> None:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    subprocess.run(["git", "-C", str(folder), *arguments], check=True, env=kept, capture_output=True)


def holds_after(root: Path, check: Check, change: Callable[[], object]) -> bool:
    """Keep a verdict, change something, and ask again."""
    before = Verdicts(root)
    before.keep(check, before.checksum(check), 1)
    assert before.holds(check)
    change()
    return Verdicts(root).holds(check)


@pytest.mark.parametrize("name", CHECKS)
def test_a_change_of_anything_read_calls_for_a_new_run(repository: Path, name: str) -> None:
    check = CHECKS[name]
    read = [*COMMON, f"notebooks/{check.lesson or LESSON}.ipynb"]
    read += [FOLDERS[check.section]] if check.section in FOLDERS else []
    kept = Verdicts(repository)
    kept.keep(check, kept.checksum(check), 1)
    for file in [*read, "tools/added.py", "tests/shared/added.py"]:
        path = repository / file
        before = path.read_text() if path.is_file() else None
        path.write_text("after")
        assert not kept.holds(check), file
        path.unlink()
        assert kept.holds(check) is (before is None), f"{file} is gone"
        if before is not None:
            path.write_text(before)
        assert kept.holds(check)


@pytest.mark.parametrize("section", ["cells", "exercises", "mutants"])
def test_another_lesson_leaves_these_alone(repository: Path, section: str) -> None:
    check = CHECKS[f"{section} {LESSON[:2]}"]
    assert holds_after(repository, check, lambda: (repository / f"notebooks/{OTHER}.ipynb").write_text("after"))


@pytest.mark.parametrize("section", ["rules", "parity", "portable", "browser"])
def test_what_looks_at_other_lessons_runs_when_one_changes(repository: Path, section: str) -> None:
    check = CHECKS[f"{section} {LESSON[:2]}"]
    assert not holds_after(repository, check, lambda: (repository / f"notebooks/{OTHER}.ipynb").write_text("after"))


def test_versions_python_browser_and_variables_count(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check = CHECKS[f"cells {LESSON[:2]}"]
    for change in (
        lambda: monkeypatch.setattr(verdicts, "installed", lambda: ["torch==0.1"]),
        lambda: monkeypatch.setattr(verdicts.sys, "version", "3.99"),
        lambda: monkeypatch.setattr(verdicts, "browser", lambda: "another"),
        lambda: monkeypatch.setenv("BOOK_SITE", "elsewhere"),
        lambda: git(repository, "remote", "add", "origin", "https://example.org/book"),
    ):
        assert not holds_after(repository, check, change)
    assert holds_after(repository, check, lambda: monkeypatch.setenv("SHLVL", "7"))


@pytest.mark.parametrize(("variable", "value"), [("CI", "true"), ("BOOK_REQUIRE_ALL", "1")])
def test_where_nothing_may_be_skipped_everything_runs(
    repository: Path, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    check = CHECKS[f"cells {LESSON[:2]}"]
    assert not holds_after(repository, check, lambda: monkeypatch.setenv(variable, value))
    strict = Verdicts(repository)
    strict.keep(check, strict.checksum(check), 2)
    monkeypatch.delenv(variable)
    assert Verdicts(repository).seconds(check) == 1, "nothing is kept there either"


def ends_with(status: int, says: str = "") -> Check:
    return Check(
        "cells", ((sys.executable, "-c", f"print({says!r}); raise SystemExit({status})"),), ("tools/*",), LESSON
    )


@pytest.mark.parametrize(
    ("check", "kept"),
    [
        (ends_with(0, "3 passed in 1.2s"), True),
        (ends_with(0, "3 passed, 1 skipped in 1.2s"), False),
        (ends_with(1, "1 failed in 1.2s"), False),
    ],
    ids=["passed", "a test skipped", "failed"],
)
def test_only_what_passed_whole_is_kept(
    repository: Path, check: Check, kept: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    status = run([check], Verdicts(repository))
    assert Verdicts(repository).holds(check) is kept
    capsys.readouterr()
    assert run([check], Verdicts(repository)) == status
    assert ("unchanged since it passed" in capsys.readouterr().out) is kept


def test_a_quick_look_neither_uses_nor_spoils_a_verdict(repository: Path) -> None:
    whole, kept = CHECKS[f"exercises {LESSON[:2]}"], Verdicts(repository)
    kept.keep(whole, kept.checksum(whole), 1)
    quick = Check(whole.section, ends_with(0).commands, whole.reads, LESSON, keeps=False)
    assert run([quick], Verdicts(repository)) == 0
    assert not Verdicts(repository).holds(quick)
    assert Verdicts(repository).holds(whole)


def test_a_failure_after_a_success_is_not_forgotten(repository: Path) -> None:
    good = Verdicts(repository)
    check = ends_with(1)
    good.keep(check, good.checksum(check), 1)
    (repository / "tools/lesson/read.py").write_text("after")
    assert run([check], Verdicts(repository)) == 1
    (repository / "tools/lesson/read.py").write_text("before")
    assert run([check], Verdicts(repository)) == 1


def test_a_file_changed_during_the_run_spoils_the_verdict(repository: Path) -> None:
    code = f"open({str(repository / 'tools/lesson/read.py')!r}, 'a').write('more')"
    check = Check("cells", ((sys.executable, "-c", code),), ("tools/*",), LESSON)
    assert run([check], Verdicts(repository)) == 0
    assert not Verdicts(repository).holds(check)


def test_no_verdict_without_a_repository_of_its_own(repository: Path) -> None:
    archive = repository / "unpacked"
    archive.mkdir()
    assert not Verdicts(archive).known
    assert Verdicts(repository).known


def test_a_broken_file_is_no_verdict(repository: Path) -> None:
    check = CHECKS[f"cells {LESSON[:2]}"]
    kept = Verdicts(repository)
    kept.keep(check, kept.checksum(check), 1)
    for file in kept.folder.iterdir():
        file.write_text("[]")
    assert not kept.holds(check)
