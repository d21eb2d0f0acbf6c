"""`make matrix`: a value off by one unit in its last place fails a leg; a leg that cannot be had never passes."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from nbformat.v4 import new_code_cell, new_notebook

from tools.lesson.normalise import text_of
from tools.lesson.read import ROOT, lesson_paths
from tools.matrix import __main__ as matrix_run
from tools.matrix import environments, record
from tools.matrix.legs import CPU_SETTINGS, Leg, Matrix, read_matrix
from tools.run import notebooks
from tools.run.strict import run_strictly

HERE = Leg("here", "This environment.", "3.11", (), 1, "full")
ONLY = Matrix(("torch",), (HERE,))

LIVE = """import ipywidgets as widgets
class LivePanel(widgets.VBox):
    def __repr__(self):
        return "<LivePanel: turn>"
knob, picture = widgets.IntSlider(), widgets.Image(value=b"0")
{wiring}
LivePanel([knob, picture])"""
WIRING = "knob.observe(lambda _: setattr(picture, 'value', b'%d' % knob.value), 'value')"


@pytest.fixture
def store(tmp_path: Path) -> Callable[..., Path]:
    """Write a lesson of these cells (source, tags) and store its outputs."""

    def write(*cells: tuple[str, list[str]]) -> Path:
        path = tmp_path / "01_first.ipynb"
        made = [
            new_code_cell(source, id=f"cell-{number}", metadata={"tags": tags})
            for number, (source, tags) in enumerate(cells, start=1)
        ]
        path.write_text(text_of(new_notebook(cells=made)))
        assert notebooks.main([str(path)]) == 0
        return path

    return write


@pytest.fixture
def aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Record and page go elsewhere; the leg's environment is this one."""
    monkeypatch.setattr(record, "DATA", tmp_path / "status.json")
    monkeypatch.setattr(record, "PAGE", tmp_path / "status.md")
    monkeypatch.setattr(matrix_run, "LOGS", tmp_path / "logs")
    monkeypatch.setattr(environments, "interpreter", lambda leg, matrix: Path(sys.executable))
    monkeypatch.setattr(environments, "inspect", lambda python, leg: {"python": "3.11.7", "cpu": "AVX2"})
    return tmp_path


def test_one_unit_in_the_last_printed_place_fails_the_leg(
    store: Callable[..., Path], aside: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = store(("names = sorted(globals())\nprint(f'{2 / 3:.3f}')", []), ("'json' in names or 'watch' in names", []))
    found = {"legs": {}, "weights": {}}
    assert matrix_run.run_leg(HERE, ONLY, [path], found) == 0
    assert found["legs"]["here"]["lessons"]["01_first"]["verdict"] == "passed"
    assert "False" in path.read_text(), "the probe leaves no name in the lesson"

    stored = path.read_text()
    assert stored.count("0.667") == 1
    path.write_text(stored.replace("0.667", "0.668"))
    capsys.readouterr()
    assert matrix_run.run_leg(HERE, ONLY, [path], found) == matrix_run.FAILED
    assert json.loads(record.DATA.read_text())["legs"]["here"]["lessons"]["01_first"]["verdict"] == "FAILED"
    out = capsys.readouterr().out
    assert "01_first: FAILED, 2 cells, 0 widgets tried" in out
    assert re.search(r"cell cell-1: .*0\.668.*0\.667", out)
    assert "make diff-outputs LEG=here NB=01_first" in out
    assert "cell-2" not in out


def test_what_does_not_work_in_the_kernel_fails_the_run(store: Callable[..., Path]) -> None:
    path = store((LIVE.format(wiring=WIRING), ["live"]), (LIVE.format(wiring=""), ["live"]), ("1", ["frame-slider"]))
    verdict = run_strictly(sys.executable, path, {})
    assert (verdict.cells, verdict.tried) == (3, 2)
    assert verdict.failures == {
        "cell-2": "turning IntSlider '' changes no picture",
        "cell-3": "it shows no LivePanel and no FrameSlider to try",
    }


def test_a_cell_that_fails_is_named_with_its_error(store: Callable[..., Path]) -> None:
    path = store(("import os\nassert 'LEG' not in os.environ, 'holds for 3'", []), ("print(1)", []))
    verdict = run_strictly(sys.executable, path, {"LEG": "1"})
    assert list(verdict.failures) == ["cell-1"]
    assert "AssertionError: holds for 3" in verdict.failures["cell-1"]


def test_a_run_that_tells_nothing_fails_every_cell(store: Callable[..., Path]) -> None:
    verdict = run_strictly("/bin/true", store(("1", [])), {})
    assert verdict.failures == {"cell-1": "it was not run"}


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


def test_a_leg_without_its_python_is_not_run(aside: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(leg: Leg, matrix: Matrix) -> Path:
        raise environments.NotRunError("no Python 3.99")

    monkeypatch.setattr(environments, "interpreter", absent)
    found = {"legs": {}, "weights": {}, "machine": "2 cores"}
    assert matrix_run.run_leg(HERE, ONLY, [], found) == matrix_run.NOT_RUN
    page = record.page_text(found, ONLY, {"01_first": "abc"})
    assert "not run: no Python 3.99" in page
    assert "passed" not in page


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


def pins(*files: str) -> dict[str, str]:
    lines = "\n".join(environments.without_comments((ROOT / file).read_text()) for file in files).splitlines()
    return {name.lower().replace("_", "-"): version for name, _, version in (line.partition("==") for line in lines)}


def test_the_legs_cover_what_readers_have() -> None:
    legs = read_matrix().legs
    assert {leg.python for leg in legs} == {"3.11", "3.12", "3.13"}
    assert {leg.threads for leg in legs} == {1, 2}
    assert {leg.cpu for leg in legs} == set(CPU_SETTINGS) == {"default", "avx2", "full"}
    by_name = {leg.name: pins(*leg.constraints) for leg in legs}
    torches = {name: tuple(map(int, found["torch"].split("."))) for name, found in by_name.items()}
    assert min(torches.values()) == torches["lowest"] < torches["colab"] < torches["book"] < torches["newest"]
    short = {name: "{}.{}".format(*version) for name, version in torches.items()}
    assert f"torch {short['lowest']} to {short['newest']}" in (ROOT / "README.md").read_text(encoding="utf-8")
    widgets = {name: found["ipywidgets"].split(".")[0] for name, found in by_name.items()}
    assert widgets.pop("colab") == "7"
    assert set(widgets.values()) == {"8"}


def test_colabs_versions() -> None:
    leg = read_matrix().leg("colab")
    assert leg.python == "3.13"
    assert {
        "torch": "2.11.0",
        "numpy": "2.1.3",
        "matplotlib": "3.10.0",
        "ipywidgets": "7.7.1",
        "scikit-learn": "1.6.1",
        "scikit-image": "0.25.2",
        "einops": "0.8.2",
    }.items() <= pins(*leg.constraints).items()
    text = (ROOT / leg.constraints[0]).read_text()
    assert re.search(r"Read on \d{4}-\d\d-\d\d", text)
    assert "To refresh:" in text
    assert "The nearest" in text


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('cpu = "avx2"', 'cpu = "avx3"', "must be one of default, avx2, full"),
        ("threads = 2", 'threads = "2"', "threads must be int, not '2'"),
        ("threads = 2", "threads = 0", "must be 1 or more"),
        ('python = "3.12"', "", "python is missing"),
        ('name = "avx2"', 'name = "book"', "two legs of one name"),
        ("[[leg]]", "[[log]]", "unknown table"),
        ("packages", "= packages", "not valid TOML"),
    ],
)
def test_a_wrong_entry_is_explained(tmp_path: Path, old: str, new: str, says: str) -> None:
    text = (ROOT / "tests" / "matrix.toml").read_text()
    assert old in text
    (tmp_path / "matrix.toml").write_text(text.replace(old, new))
    with pytest.raises(ValueError, match=says):
        read_matrix(tmp_path / "matrix.toml")


def test_an_unknown_leg_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert matrix_run.main(["--leg", "colub"]) == 1
    assert "there is no leg 'colub'; the legs are: book, avx2" in capsys.readouterr().err


def verdict(fingerprint: str = "abc", word: str = "passed", seconds: int = 70) -> record.Record:
    return {"verdict": word, "cells": 3, "seconds": seconds, "date": "2026-01-02", "fingerprint": fingerprint}


def found_by(**lessons: record.Record) -> record.Record:
    entry = record.enter({"legs": {}, "weights": {}, "machine": "2 cores"}, HERE, "key")
    entry |= {"python": "3.11.7", "cpu": "AVX512", "versions": {"torch": "2.13.0+cpu"}, "lessons": lessons}
    return {"legs": {"here": entry}, "weights": {"01_first": [400, 900]}, "machine": "2 cores"}


def test_the_page_says_what_was_found() -> None:
    found = found_by(**{"01_first": verdict(), "02_second": verdict("old"), "03_third": verdict(word="FAILED")})
    now = dict.fromkeys(("01_first", "02_second", "03_third", "04_fourth"), "abc")
    page = record.page_text(found, ONLY, now)
    assert "| here | passed | passed, changed since | FAILED | not run yet |" in page
    assert "| here | 3.11.7 | 1 | AVX-512 | 2.13.0 | – | – | – |" in page
    assert "The last run was on 2026-01-02, on 2 cores." in page
    assert "| Lesson 1 | under 2 min | 400 kB | 900 kB | unchanged |" in page
    assert "| Lesson 2 | under 2 min | not measured | not measured | code or outputs changed |" in page
    assert "| Lesson 4 | not run yet | not measured | not measured | – |" in page


def test_verdicts_of_other_versions_are_dropped() -> None:
    found = found_by(**{"01_first": verdict()})
    assert record.enter(found, HERE, "key")["lessons"]
    assert record.enter(found, HERE, "another key") == {
        "environment": "another key",
        "settings": ["3.11", 1, "full"],
        "not_run": None,
        "lessons": {},
    }


def test_a_leg_whose_settings_changed_since_its_run_has_no_verdict() -> None:
    found = found_by(**{"01_first": verdict()})
    changed = Matrix(("torch",), (Leg("here", "", "3.11", (), 2, "full"),))
    assert "passed" not in record.page_text(found, changed, {"01_first": "abc"})


@pytest.mark.parametrize(
    ("seconds", "says"), [(29.9, "under 30 s"), (30, "under 1 min"), (599, "under 10 min"), (601, "under 20 min")]
)
def test_run_times_come_in_classes(seconds: float, says: str) -> None:
    assert record.run_time(seconds) == says


def test_the_committed_page_is_of_the_lessons_as_they_are() -> None:
    """It names every lesson, says which changed since they were run, and is what the tool writes of its record."""
    page = record.PAGE.read_text(encoding="utf-8")
    assert page == record.page_text(record.read_record(), read_matrix(), matrix_run.present_lessons()), (
        "book/status.md is not of the lessons as they are now; run `make status` (or `make matrix`, which runs them)"
    )
    for path in lesson_paths():
        assert f"Lesson {int(path.stem[:2])}" in page
    assert record.DATA.read_text(encoding="utf-8") == record.record_text(record.read_record())


def test_the_record_names_no_machine() -> None:
    text = record.DATA.read_text(encoding="utf-8") + record.PAGE.read_text(encoding="utf-8")
    assert not re.search(r"https?:|(?<![\w.])/(?:\w+/)+|localhost", text)
