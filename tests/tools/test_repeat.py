"""`make repeat`: a lesson that prints something else on another run is found."""

from __future__ import annotations

import time
from contextlib import nullcontext
from pathlib import Path

import psutil
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from tools.lesson.normalise import text_of
from tools.run import notebooks, repeat


def lesson(folder: Path, source: str) -> Path:
    path = folder / "01_first.ipynb"
    path.write_text(text_of(new_notebook(cells=[new_code_cell(source, id="only")])))
    assert notebooks.main([str(path)]) == 0
    return path


def test_every_lesson_as_often_as_asked_in_an_order_that_can_be_had_again() -> None:
    paths = [Path(name) for name in "abcd"]
    order = repeat.order(paths, 5, seed=3)
    assert sorted(order) == sorted(paths * 5)
    assert order != sorted(order)
    assert order == repeat.order(paths, 5, seed=3) != repeat.order(paths, 5, seed=4)


def test_busy_loops_end() -> None:
    before = psutil.Process().children()
    with repeat.busy(1):
        time.sleep(0.3)
        (loop,) = set(psutil.Process().children()) - set(before)
        assert loop.cpu_times().user > 0
    assert not loop.is_running()


def test_pictures_of_times_may_differ_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "01_first.ipynb"

    def stored(tags: list[str], picture: str, text: str) -> str:
        output = new_output("display_data", {"image/png": picture, "text/plain": text})
        cell = new_code_cell("show()", id="only", metadata={"tags": tags}, outputs=[output])
        path.write_text(text_of(new_notebook(cells=[cell])))
        return repeat.without_timed_pictures(path)

    assert stored(["timed"], "one", "figure") == stored(["timed"], "two", "figure")
    assert stored(["timed"], "one", "figure") != stored(["timed"], "one", "3 s")
    assert stored(["plot"], "one", "figure") != stored(["plot"], "two", "figure")


@pytest.fixture
def idle(monkeypatch: pytest.MonkeyPatch) -> None:
    """No busy loops, which would only make these tests slow."""
    monkeypatch.setattr(repeat, "busy", nullcontext)


@pytest.mark.usefixtures("idle")
def test_the_same_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = lesson(tmp_path, "print(1)")
    before = path.read_bytes()
    assert repeat.main([str(path), "--runs", "1", "--seed", "7"]) == 0
    out = capsys.readouterr().out
    assert "the order of seed 7" in out
    assert "01_first: the same, 1 cells" in out
    assert "01_first: no difference" in out
    assert path.read_bytes() == before


@pytest.mark.usefixtures("idle")
def test_another_number_each_time(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = lesson(tmp_path, "import random\n\nprint(random.random())")
    assert repeat.main([str(path), "--runs", "1"]) == 1
    out = capsys.readouterr().out
    assert "01_first: DIFFERS, 1 cells" in out
    assert "01_first: DIFFERS from its first run" in out
