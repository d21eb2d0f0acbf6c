"""`make diff-outputs`: the values that changed, by question; nothing is rewritten."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from tools.lesson.normalise import text_of
from tools.matrix import diff
from tools.matrix.legs import Leg
from tools.run import notebooks
from tools.run.diff_outputs import Change, changes, differing, main, marked, table

PAGE = "from IPython.display import HTML\n\nHTML('<p>loss <b>0.25</b></p>')"


@pytest.fixture
def lesson(tmp_path: Path) -> Path:
    """A lesson with two questions and stored outputs."""
    question = {"question": {"id": 7, "difficulty": "core", "topics": []}}
    cells = [
        new_code_cell("print(f'{1 / 3:.3f} of {3}')\nprint('same')", id="first"),
        new_markdown_cell("### Q7 · Why?", id="q7", metadata=question),
        new_code_cell(PAGE, id="page"),
        new_code_cell("import os\n'a' * (3 + len(os.environ.get('MORE', '')))", id="own", metadata={"tags": ["q9"]}),
    ]
    path = tmp_path / "01_first.ipynb"
    path.write_text(text_of(new_notebook(cells=cells)))
    assert notebooks.main([str(path)]) == 0
    return path


def test_changed_values_stand_side_by_side(lesson: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert main([str(lesson)]) == 0
    assert capsys.readouterr().out.strip().endswith("no printed value changed")

    stored = lesson.read_text()
    for old, new in (("0.333 of 3\\n", "0.334 of 3\\n"), ('<b>0.25</b></p>"', '<b>0.75</b></p>"')):
        assert stored.count(old) == 1
        stored = stored.replace(old, new)
    lesson.write_text(stored)
    assert main([str(lesson)]) == 1
    out = capsys.readouterr().out
    assert "01_first: 2 changes in 2 cells" in out
    lines = [line.split() for line in out.splitlines()]
    assert ["–", "first", "«0.334»", "of", "3", "«0.333»", "of", "3"] in lines
    assert ["Q7", "page", "(text/html)", "<p>loss", "<b>«0.75»</b></p>", "<p>loss", "<b>«0.25»</b></p>"] in lines
    assert not [line for line in lines if "same" in line or "own" in line]
    assert lesson.read_text() == stored, "the notebook is left as it is"


def test_a_cell_that_fails_is_shown_with_what_ran_before_it(lesson: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lesson.write_text(lesson.read_text().replace("HTML('<p>", "HTML(0 / 0, '<p>"))
    assert main([str(lesson)]) == 1
    said = capsys.readouterr()
    assert "cell page failed: ZeroDivisionError" in said.err
    assert "not compared" in said.err
    assert "page (error)" in said.out
    assert "own" not in said.out


def test_a_leg_runs_with_its_interpreter_and_its_settings(
    lesson: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(diff.environments, "interpreter", lambda leg, matrix: Path(sys.executable))
    monkeypatch.setattr(Leg, "settings", lambda leg: {"MORE": leg.name})
    monkeypatch.setenv("MORE", "of the user's")
    capsys.readouterr()
    assert diff.main(["--leg", "avx2", str(lesson)]) == 1
    assert capsys.readouterr().out.split()[-4:] == ["Q9", "own", "«'aaa'»", "«'aaaaaaa'»"]


def test_a_leg_that_is_not_there_is_told(
    lesson: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def absent(leg: Leg, matrix: object) -> Path:
        raise diff.environments.NotRunError(f"no Python {leg.python}")

    monkeypatch.setattr(diff.environments, "interpreter", absent)
    assert diff.main(["--leg", "colub", str(lesson)]) == 1
    assert diff.main(["--leg", "colab", str(lesson)]) == 1
    says = capsys.readouterr().err.splitlines()
    assert says[0].startswith("there is no leg 'colub'; the legs are: book")
    assert says[1:] == ["The leg colab cannot be run here: no Python 3.13"]


def test_a_question_is_a_tag_or_the_heading_above() -> None:
    def lesson(value: str) -> list:
        outputs = [new_output("stream", name="stdout", text=value)]
        return new_notebook(
            cells=[
                new_markdown_cell("### Q2 · What?", metadata={"question": {"id": 2}}),
                new_code_cell("x", id="a", outputs=outputs),
                new_code_cell("x", id="b", outputs=outputs, metadata={"tags": ["q5", "define"]}),
            ]
        )

    assert list(changes(lesson("1\n"), lesson("2\n"))) == [
        Change("Q2", "a", "«1»", "«2»"),
        Change("Q5", "b", "«1»", "«2»"),
    ]


def test_pictures_are_left_out() -> None:
    def lesson(picture: str) -> list:
        data = {"image/png": picture, "text/html": f'<img src="data:image/png;base64,{picture}">', "text/plain": "<x>"}
        return new_notebook(cells=[new_code_cell("x", outputs=[new_output("display_data", data=data)])])

    assert not list(changes(lesson("AAAA"), lesson("BBBB")))


def test_lines_that_came_or_went() -> None:
    assert list(differing("a\nb\n", "a\n")) == [("b", "(nothing)")]
    assert list(differing("", "a\nb")) == [("(nothing)", "a"), ("(nothing)", "b")]


def test_of_a_long_line_only_the_surroundings() -> None:
    before, after = ("word " * 80 + f"{value} " + "word " * 80 for value in (1, 2))
    old, new = marked(before, after)
    assert "«1»" in old and "«2»" in new
    assert len(old) < 200 < len(before)


def test_the_table_fits_the_terminal() -> None:
    text = table([Change("Q1", "a-cell", "old " * 40, "new " * 10)], width=80)
    assert max(map(len, text.splitlines())) <= 80
    assert text.count("old") == 41
    assert text.count("new") == 11
