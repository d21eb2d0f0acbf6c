"""`make matrix`: a value off by one unit in its last place fails a leg; a leg that cannot be had never passes."""

from __future__ import annotations

import dataclasses
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from nbformat.v4 import new_code_cell, new_notebook

from tools.lesson.normalise import text_of
from tools.matrix import __main__ as matrix_run
from tools.matrix import environments, record
from tools.matrix.legs import Leg, Matrix
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
    assert matrix_run.run_leg(HERE, ONLY, [path]) == 0
    assert record.read_record()["legs"]["here"]["lessons"]["01_first"]["verdict"] == "passed"
    assert "False" in path.read_text(), "the probe leaves no name in the lesson"

    stored = path.read_text()
    assert stored.count("0.667") == 1
    path.write_text(stored.replace("0.667", "0.668"))
    capsys.readouterr()
    assert matrix_run.run_leg(HERE, ONLY, [path]) == matrix_run.FAILED
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


def test_a_leg_without_its_python_is_not_run(aside: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(leg: Leg, matrix: Matrix) -> Path:
        raise environments.NotRunError("no Python 3.99")

    monkeypatch.setattr(environments, "interpreter", absent)
    assert matrix_run.run_leg(HERE, ONLY, []) == matrix_run.NOT_RUN
    page = record.page_text(record.read_record(), ONLY, {"01_first": "abc"})
    assert "not run: no Python 3.99" in page
    assert "passed" not in page


def test_two_runs_at_once_keep_both_findings(aside: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = dataclasses.replace(HERE, name="there")

    def meanwhile(python: Path, leg: Leg) -> dict[str, str]:
        if leg is HERE:
            matrix_run.run_leg(other, ONLY, [])
        return {"python": "3.11.7", "cpu": "AVX2"}

    monkeypatch.setattr(environments, "inspect", meanwhile)
    matrix_run.run_leg(HERE, ONLY, [])
    assert set(record.read_record()["legs"]) == {"here", "there"}


def test_an_unknown_leg_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert matrix_run.main(["--leg", "colub"]) == 1
    assert "there is no leg 'colub'; the legs are: book, avx2" in capsys.readouterr().err
