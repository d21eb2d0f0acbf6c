"""The environments of the matrix: made once, with the versions and on the CPU that a leg asks for, or not run."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tools.matrix import environments
from tools.matrix.legs import Leg, Matrix, read_matrix

HERE = Leg("here", "This environment.", "3.11", (), 1, "full")
ONLY = Matrix(("torch",), (HERE,))

FAKE_PYTHON = """#!/bin/sh
case "$*" in
    *get_cpu_capability*) echo '{{"python": "3.11.7", "cpu": "{cpu}", "versions": {{}}}}' ;;
    *version_info*) echo 3.11 ;;
    "-m venv "*) mkdir -p "$3/bin" && cp "$0" "$3/bin/python" ;;
    "-m pip "*) exit {pip} ;;
esac
"""


@pytest.fixture
def fake_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Let this be the only Python of the machine: its pip fails or not, its torch sees that CPU."""

    def install(pip: int = 0, cpu: str = "AVX2") -> None:
        path = tmp_path / "fake-python"
        path.write_text(FAKE_PYTHON.format(pip=pip, cpu=cpu))
        path.chmod(0o755)
        monkeypatch.setattr(environments, "_candidates", lambda version: iter([str(path)]))

    return install


def test_pythons_are_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    ours = ".".join(map(str, sys.version_info[:2]))
    monkeypatch.setattr(environments, "_candidates", lambda version: iter(["/nowhere/python", sys.executable]))
    assert environments.find_python(ours) == sys.executable
    assert environments.find_python("3.99") is None


def test_an_environment_is_made_once(tmp_path: Path, fake_python: Callable[..., None]) -> None:
    fake_python()
    python = environments.interpreter(HERE, ONLY, tmp_path)
    mark = python.parent.parent / "mark"
    mark.touch()
    assert environments.interpreter(HERE, ONLY, tmp_path) == python
    assert mark.exists()
    assert environments.unused(ONLY, tmp_path) == []
    assert environments.unused(Matrix(("numpy",), (HERE,)), tmp_path) == [mark.parent]


def test_versions_that_cannot_be_installed_are_not_run(tmp_path: Path, fake_python: Callable[..., None]) -> None:
    fake_python(pip=1)
    for _ in range(2):  # what is left of the first try is not taken for an environment
        with pytest.raises(environments.NotRunError, match="pip could not install"):
            environments.interpreter(HERE, ONLY, tmp_path)


@pytest.mark.parametrize(
    ("asked", "seen", "fits"),
    [("avx2", "AVX2", True), ("avx2", "DEFAULT", False), ("default", "AVX2", False), ("full", "DEFAULT", True)],
)
def test_the_cpu_is_what_the_leg_asks_for(
    tmp_path: Path, fake_python: Callable[..., None], asked: str, seen: str, fits: bool
) -> None:
    fake_python(cpu=seen)
    leg = Leg("x", "", "3.11", (), 1, asked)
    if fits:
        assert environments.inspect(tmp_path / "fake-python", leg)["cpu"] == seen
    else:
        with pytest.raises(environments.NotRunError, match="no"):
            environments.inspect(tmp_path / "fake-python", leg)


def test_versions_decide_where_an_environment_lies_and_comments_do_not() -> None:
    text = "# why\nnumpy==2.0.2  # because\n\n"
    assert environments.without_comments(text) == environments.without_comments("numpy==2.0.2\n")
    keys = [environments.key(leg, read_matrix()) for leg in read_matrix().legs]
    assert 1 < len(set(keys)) < len(keys), "some legs share an environment, some do not"
