"""The environment that make sets up: one line for a wrong Python; a half-made one is noticed and redone."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tools.lesson.read import ROOT

pytestmark = pytest.mark.skipif(os.name == "nt", reason="make and sh are needed, which Windows lacks")

# Stands for an interpreter: tells its version, makes environments that hold itself, and notes what pip is asked for.
FAKE_PYTHON = """#!/bin/sh
case "$*" in
    *version_info*) echo {version} ;;
    *ensurepip*) {ensurepip} ;;
    "-m venv "*) mkdir -p "$3/bin" && cp "$0" "$3/bin/python" ;;
    "-m pip "*) shift 2; echo "$*" >>"$PIP_LOG"; [ ! -e "$PIP_FAILS" ] ;;
    *) exit 64 ;;
esac
"""
LISTS = (
    *("requirements.txt", "requirements.lock", "constraints.txt"),
    *("tests/requirements.txt", "tests/requirements.lock", "tests/requirements-no-deps.txt"),
)
TOOLS = ("sh", "cat", "cksum", "grep", "rm", "mkdir", "touch", "cp", "sleep")


class Machine:
    """A machine with these Pythons and nothing else."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.bin = folder, folder / "bin"
        self.bin.mkdir()
        for tool in TOOLS:
            (self.bin / tool).symlink_to(shutil.which(tool))
        (folder / "tools").mkdir()
        shutil.copy(ROOT / "tools" / "venv.sh", folder / "tools")
        (folder / "tests").mkdir()
        for name in LISTS:
            shutil.copy(ROOT / name, folder / name)
        self.log, self.fails = folder / "pip.log", folder / "pip-fails"

    def install(self, name: str, version: str, ensurepip: str = "exit 0") -> None:
        """Put an interpreter on the path."""
        path = self.bin / name
        path.write_text(FAKE_PYTHON.format(version=version, ensurepip=ensurepip))
        path.chmod(0o755)

    def start(self, purpose: str = "book", python: str = "", venv: str = ".venv") -> subprocess.Popen[str]:
        """What `make book PYTHON=…` does first."""
        return subprocess.Popen(
            [str(self.bin / "sh"), "tools/venv.sh", venv, purpose, python],
            cwd=self.folder,
            env={"PATH": str(self.bin), "PIP_LOG": str(self.log), "PIP_FAILS": str(self.fails)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def make(self, purpose: str = "book", python: str = "", venv: str = ".venv") -> subprocess.CompletedProcess[str]:
        """The same, to its end."""
        process = self.start(purpose, python, venv)
        output, complaints = process.communicate(timeout=60)
        return subprocess.CompletedProcess(process.args, process.returncode, output, complaints)

    def installed(self) -> list[str]:
        """What pip was asked for since the last look."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        self.log.unlink(missing_ok=True)
        return lines


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_no_python_at_all(machine: Machine) -> None:
    result = machine.make()
    assert result.returncode == 1
    assert result.stderr.count("\n") == 1
    assert result.stderr.startswith(
        "No Python found: install Python 3.11, 3.12, 3.13 or 3.14, or name it: make book PYTHON="
    )


@pytest.mark.parametrize("version", ["2.7", "3.9", "3.10", "3.15"])
def test_a_python_that_does_not_fit(machine: Machine, version: str) -> None:
    machine.install("python3", version)
    result = machine.make()
    assert result.returncode == 1
    assert result.stderr.count("\n") == 1
    assert f"python3 is Python {version}; install Python 3.11, 3.12, 3.13 or 3.14" in result.stderr
    assert not (machine.folder / ".venv").exists()


@pytest.mark.parametrize(
    ("named", "says"), [("python3.15", "is Python 3.15"), ("nope", "no working Python called 'nope'")]
)
def test_a_python_named_that_does_not_fit(machine: Machine, named: str, says: str) -> None:
    machine.install("python3.15", "3.15")
    machine.install("python3.12", "3.12")
    result = machine.make(python=named)
    assert result.returncode == 1
    assert result.stderr.count("\n") == 1
    assert says in result.stderr
    assert "try: make book PYTHON=python3.12" in result.stderr


def test_another_python_is_found(machine: Machine) -> None:
    machine.install("python3", "3.9")
    machine.install("python3.12", "3.12")
    result = machine.make()
    assert result.returncode == 0
    assert "Making .venv with Python 3.12" in result.stdout


def test_a_python_without_venv_says_what_to_install(machine: Machine) -> None:
    machine.install("python3", "3.11", ensurepip="exit 1")
    result = machine.make()
    assert result.returncode == 1
    assert result.stderr.count("\n") == 1
    assert "apt-get install python3.11-venv" in result.stderr
    assert not (machine.folder / ".venv").exists()


def test_torch_comes_first_then_the_rest_then_nothing(machine: Machine) -> None:
    machine.install("python3", "3.11")
    assert machine.make().stdout.count("\n") == 3
    torch, rest = machine.installed()
    assert "torch==2.13.0 -c constraints.txt" in torch
    assert "--require-hashes -r requirements.lock" in rest
    again = machine.make()
    assert (again.returncode, again.stdout, again.stderr, machine.installed()) == (0, "", "", [])


def test_test_packages_only_for_the_tests(machine: Machine) -> None:
    machine.install("python3", "3.11")
    machine.make()
    assert not any("tests/" in line for line in machine.installed())
    machine.make("test")
    assert [line.rpartition("-r ")[2] for line in machine.installed()] == [
        "tests/requirements.lock",
        "tests/requirements-no-deps.txt",
    ]


def test_an_interrupted_installation_is_taken_up_again(machine: Machine) -> None:
    machine.install("python3", "3.11")
    machine.fails.touch()
    result = machine.make()
    assert result.returncode == 1
    assert "run the same command again" in result.stderr
    machine.installed()
    machine.fails.unlink()
    assert machine.make().returncode == 0
    assert len(machine.installed()) == 2


def test_changed_requirements_are_installed(machine: Machine) -> None:
    machine.install("python3", "3.11")
    machine.make()
    machine.installed()
    with (machine.folder / "requirements.lock").open("a") as lock:
        lock.write("new==1\n")
    machine.make()
    assert len(machine.installed()) == 2


@pytest.mark.parametrize("damage", ["unfinished", "interpreter gone"])
def test_a_half_made_environment_is_made_anew(machine: Machine, damage: str) -> None:
    machine.install("python3", "3.11")
    machine.make()
    venv = machine.folder / ".venv"
    (venv / "stray").touch()
    if damage == "unfinished":
        (venv / ".unfinished").touch()
    else:
        (venv / "bin" / "python").unlink()
    result = machine.make()
    assert result.returncode == 0
    assert "anew" in result.stdout
    assert not (venv / "stray").exists()


def test_naming_another_python_makes_the_environment_anew(machine: Machine) -> None:
    machine.install("python3", "3.11")
    machine.install("python3.12", "3.12")
    machine.make()
    assert "Making .venv with Python 3.12" in machine.make(python="python3.12").stdout
    assert machine.make(python="python3.12").stdout == ""


def test_somebody_elses_environment_is_not_deleted(machine: Machine) -> None:
    machine.install("python3", "3.11")
    (machine.folder / ".venv").mkdir()
    (machine.folder / ".venv" / "precious").touch()
    result = machine.make()
    assert result.returncode == 1
    assert "was not made by make" in result.stderr
    assert (machine.folder / ".venv" / "precious").exists()


def test_the_second_of_two_waits_for_the_first(machine: Machine) -> None:
    machine.install("python3", "3.11")
    lock = machine.folder / ".venv.lock"
    lock.mkdir()
    (lock / "pid").write_text(str(os.getpid()))  # a process that is alive
    second = machine.start()
    assert second.stdout is not None
    assert "Another make is preparing .venv; waiting for it" in second.stdout.readline()
    assert machine.installed() == []
    shutil.rmtree(lock)
    assert second.wait(timeout=60) == 0
    assert len(machine.installed()) == 2
    assert not lock.exists()


def test_a_lock_whose_owner_is_gone_is_taken_over(machine: Machine) -> None:
    machine.install("python3", "3.11")
    gone = subprocess.Popen(["true"])
    gone.wait()
    lock = machine.folder / ".venv.lock"
    lock.mkdir()
    (lock / "pid").write_text(str(gone.pid))
    assert machine.make().returncode == 0
    assert not lock.exists()


def test_a_folder_that_cannot_be_written_to(machine: Machine) -> None:
    machine.install("python3", "3.11")
    result = machine.make(venv="nowhere/.venv")
    assert result.returncode == 1
    assert result.stderr == (
        "nowhere/.venv is not complete and cannot be made here: this folder cannot be written to\n"
    )
