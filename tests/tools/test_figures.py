"""`make figures`: a cell named after a figure has its function written to a file; what is stored is what is drawn."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from pathlib import Path

import matplotlib.pyplot as plt
import pytest
from matplotlib.figure import Figure
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook

from tools.lesson.normalise import text_of
from tools.lesson.read import lesson_paths, read_lesson
from tools.run.figures import FOLDER, drawings, figure_names, main, write

IMPORTS = "import matplotlib.pyplot as plt"
TWO_BARS = """def two_bars(height=3):
    figure, ax = plt.subplots(figsize=(3, 2))
    ax.bar([1, 2], [height, 1])
    return figure"""


def lesson(folder: Path, drawing: str = TWO_BARS) -> Path:
    cells: list[NotebookNode] = [
        new_code_cell(IMPORTS, id="imports", metadata={"tags": ["define", "imports"]}),
        new_code_cell(drawing, id="figure-tools", metadata={"tags": ["define", "plot"]}),
        new_code_cell("raise RuntimeError('an experiment ran')", id="experiment"),
        new_code_cell("_ = two_bars()\nplt.show()", id="figure-two-bars", metadata={"tags": ["plot"]}),
    ]
    path = folder / "01_first.ipynb"
    path.write_text(text_of(new_notebook(cells=cells)))
    return path


def test_drawing_twice_gives_the_same_file(tmp_path: Path) -> None:
    path, folder = lesson(tmp_path), tmp_path / "figures"
    assert main([str(path), "--folder", str(folder)]) == 0
    first = (folder / "two_bars.svg").read_bytes()
    assert first.startswith(b"<?xml")
    assert b"<dc:date>" not in first
    assert main([str(path), "--folder", str(folder)]) == 0
    assert (folder / "two_bars.svg").read_bytes() == first
    assert [file.name for file in folder.iterdir()] == ["two_bars.svg"]
    lesson(tmp_path, TWO_BARS.replace("height=3", "height=4"))
    assert main([str(path), "--folder", str(folder)]) == 0
    assert (folder / "two_bars.svg").read_bytes() != first


def test_a_missing_function_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = lesson(tmp_path, "def three_bars():\n    return plt.figure()")
    assert main([str(path), "--folder", str(tmp_path / "figures")]) == 1
    assert "01_first.ipynb, cell figure-two-bars: no `define` cell has a function two_bars()" in capsys.readouterr().err
    assert not (tmp_path / "figures").exists()


@cache
def drawn(path: Path) -> dict[str, Callable[[], Figure]]:
    """The functions of one lesson; its definitions are loaded once."""
    return drawings(path)


FIGURES_OF = [(path, name) for path in lesson_paths() for name in figure_names(read_lesson(path))]


@pytest.mark.parametrize(("path", "name"), FIGURES_OF, ids=[name for _, name in FIGURES_OF])
class TestEveryFigure:
    def test_the_stored_figure_is_what_is_drawn(self, tmp_path: Path, path: Path, name: str) -> None:
        """Its words, and how many pictures; machines differ in the last digits of lines and pictures."""
        write(drawn(path)[name](), tmp_path / f"{name}.svg")
        stored, fresh = ((folder / f"{name}.svg").read_text(encoding="utf-8") for folder in (FOLDER, tmp_path))
        words = [re.findall(r"<!-- (.*?) -->", text) for text in (stored, fresh)]
        assert words[0] == words[1], "run `make figures`"
        assert stored.count("<image") == fresh.count("<image"), "run `make figures`"
        assert len(stored) < 200_000
        assert "http://127" not in stored

    def test_it_fits_a_phone(self, path: Path, name: str) -> None:
        figure = drawn(path)[name]()
        assert figure.get_figwidth() <= 4.6
        assert figure.get_facecolor() == (1, 1, 1, 1)
        sizes = {text.get_fontsize() for text in figure.findobj(plt.Text) if text.get_text()}
        shrunk = 309 / (96 * figure.get_figwidth())  # of 360 pixels a page leaves 309 to a figure
        assert min(sizes) * shrunk >= (8 if path.stem.startswith("01") else 9), "too small on a phone"
        plt.close(figure)


def test_every_stored_figure_is_drawn_by_a_lesson() -> None:
    drawn = [name for path in lesson_paths() for name in figure_names(read_lesson(path))]
    assert sorted(drawn) == sorted(path.stem for path in FOLDER.glob("*.svg"))
