"""The targets of make: one after the other, and with the same arguments for the same things."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tools.lesson.read import ROOT

# Stands for tools/venv.sh: notes when it begins and ends.
SLOW = 'echo "begin $2" >>log\nsleep 0.4\necho "end $2" >>log\n'


def make(*arguments: str, folder: Path = ROOT) -> str:
    """What make says, as to a person: not as a part of the make that runs these tests."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    command = ["make", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=True).stdout


def test_make_j_runs_one_target_at_a_time(tmp_path: Path) -> None:
    shutil.copy(ROOT / "Makefile", tmp_path)
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools" / "venv.sh").write_text(SLOW)
    make("-j2", "book-env", "test-env", folder=tmp_path)
    assert (tmp_path / "log").read_text().split("\n") == ["begin book", "end book", "begin test", "end test", ""]


@pytest.mark.parametrize(
    ("asked", "runs"),
    [
        ("check NB=05", "tools.run.check 05"),
        ("check NB=05 FAST=1", "tools.run.check --fast 05"),
        ("lesson NB=04", "tools.lesson.new 04"),
        ("notebooks NB=05", "tools.run.notebooks 05"),
        ("figures NB=05", "tools.run.figures 05"),
        ("student NB=05", "tools.lesson.student 05"),
        ("mutants NB=05", "tests.mutants.runner 05"),
        ("mutants Q=75", "tests.mutants.runner --question 75"),
        ("sabotage NB=05 COUNT=3", "tests.mutants.sabotage --count 3 05"),
        ("matrix NB=05 LEG=colab", "tools.matrix --leg colab 05"),
        ("diff-outputs NB=05", "tools.run.diff_outputs 05"),
        ("diff-outputs NB=05 LEG=colab", "tools.matrix.diff --leg colab 05"),
        ("repeat NB=05 SEED=3", "tools.run.repeat --seed 3 05"),
    ],
)
def test_a_lesson_is_nb_and_a_question_q(asked: str, runs: str) -> None:
    told = make("-n", *asked.split())
    command = told.strip().splitlines()[-1]
    assert " ".join(command.partition("python -m ")[2].split()) == runs


def test_help_names_every_target() -> None:
    text = (ROOT / "Makefile").read_text(encoding="utf-8").replace("\\\n", " ")
    targets = text.partition(".PHONY:")[2].partition("\n")[0].split()
    told = make("help")
    shown = {line.split()[0] for line in told.splitlines()[1:]}
    assert shown == set(targets) - {"book-env", "test-env"}
