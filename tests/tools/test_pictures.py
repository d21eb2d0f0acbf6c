"""A run that would lose a picture stores nothing; a picture of times is kept until its code changes."""

from __future__ import annotations

import shutil
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from tools.lesson.normalise import text_of
from tools.lesson.read import ROOT, read_lesson
from tools.run import notebooks, rules
from tools.run.pictures import keep_timed_pictures, lost_pictures, unsaid_pictures

ALT = {"mystnb": {"image": {"alt": "A line that rises from left to right."}}}
DRAW = "import matplotlib.pyplot as plt\n\n_ = plt.plot([1, 2])\nplt.show()"


def shown(**data: str) -> NotebookNode:
    return new_output("display_data", data={kind.replace("_", "/"): value for kind, value in data.items()})


def cell(*outputs: NotebookNode, source: str = "draw()", name: str = "draw", **metadata: object) -> NotebookNode:
    return new_code_cell(source, id=name, outputs=list(outputs), metadata=metadata)


def lesson(*cells: NotebookNode) -> NotebookNode:
    return new_notebook(cells=list(cells))


PNG, TEXT = shown(image_png="iVBO", text_plain="<Figure>"), shown(text_plain="<Figure>")
FRAMES = shown(text_html='<img src="data:image/png;base64,iVBO">', text_plain="<FrameSlider>")


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        (cell(PNG), cell(TEXT), "showed a picture in the run before"),
        (cell(FRAMES), cell(TEXT), "showed a picture in the run before"),
        (cell(), cell(TEXT, **ALT), "has an alt text"),
        (cell(), cell(tags=["plot"]), "is tagged plot"),
        (
            cell(PNG, **ALT),
            cell(TEXT, tags=["plot"], **ALT),
            "an alt text (mystnb.image.alt) and is tagged plot and",
        ),
    ],
)
def test_a_lost_picture_is_told(before: NotebookNode, after: NotebookNode, says: str) -> None:
    (problem,) = lost_pictures(lesson(before), lesson(after))
    assert problem.startswith("cell draw ")
    assert says in problem


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (cell(PNG), cell(PNG)),
        (cell(TEXT), cell(TEXT)),
        (cell(PNG), cell(FRAMES)),
        (cell(PNG, name="old"), cell(TEXT)),
        (cell(), cell(tags=["define", "plot"])),
    ],
)
def test_nothing_is_lost(before: NotebookNode, after: NotebookNode) -> None:
    assert lost_pictures(lesson(before), lesson(after)) == []


def test_a_picture_needs_an_alt_text() -> None:
    (problem,) = unsaid_pictures(lesson(cell(PNG), cell(PNG, name="said", **ALT), cell(TEXT, name="text")))
    assert problem.startswith("cell draw: its picture has no alt text; add")


def timed(
    picture: str, *, prose: str = "Text.", code: str = "x = 1", later: str = "z = 1", text: str = ""
) -> NotebookNode:
    """A lesson whose second cell draws times, run."""
    return lesson(
        cell(source=code, name="first"),
        new_markdown_cell(prose, id="prose"),
        cell(shown(image_png=picture, text_plain="<Figure>" + text), tags=["timed"]),
        cell(source=later, name="later"),
    )


def picture_kept(before: NotebookNode, after: NotebookNode) -> str:
    return keep_timed_pictures(before, after).cells[2].outputs[0].data["image/png"]


def test_timed_pictures_are_kept_until_their_code_changes() -> None:
    first = keep_timed_pictures(timed("never stored"), timed("one"))
    assert picture_kept(first, timed("one")) == "one"
    assert picture_kept(first, timed("two")) == "one"
    assert picture_kept(first, timed("two", prose="A typo mended.", later="z = 2")) == "one"
    assert picture_kept(first, timed("two", code="x = 2")) == "two", "what it draws was changed above it"
    assert picture_kept(first, timed("two", text=" of 3")) == "two", "more than pixels differ"
    second = keep_timed_pictures(first, timed("two", code="x = 2"))
    assert picture_kept(second, timed("three", code="x = 2")) == "two"
    assert picture_kept(second, timed("three")) == "three"
    assert picture_kept(timed("an older one, code unknown"), timed("two")) == "two"


def test_other_pictures_are_drawn_anew() -> None:
    result = keep_timed_pictures(lesson(cell(PNG)), lesson(cell(shown(image_png="new"))))
    assert result.cells[0].outputs[0].data["image/png"] == "new"


def test_a_run_without_its_picture_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "01_first.ipynb"
    path.write_text(text_of(lesson(new_code_cell(DRAW, id="line", metadata=ALT | {"tags": ["timed"]}))))
    assert notebooks.main([str(path)]) == 0
    stored = path.read_bytes()
    assert notebooks.main([str(path)]) == 0
    assert path.read_bytes() == stored
    path.write_bytes(stored.replace(b"plt.show()", b"plt.close()"))
    edited = path.read_bytes()
    capsys.readouterr()
    assert notebooks.main([str(path)]) == 1
    assert (
        "01_first.ipynb, cell line has an alt text (mystnb.image.alt) and showed a picture" in capsys.readouterr().err
    )
    assert path.read_bytes() == edited


def test_a_picture_without_words_is_stored_and_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "01_first.ipynb"
    path.write_text(text_of(lesson(new_code_cell(DRAW, id="line"))))
    assert notebooks.main([str(path)]) == 0
    assert "01_first.ipynb, cell line: its picture has no alt text" in capsys.readouterr().err
    assert "image/png" in read_lesson(path).cells[0].outputs[0].data


def test_what_the_rules_say_of_a_stored_lesson(tmp_path: Path) -> None:
    assert rules.complaints([tmp_path / "01_draft.ipynb"]) == [], "a draft is not in the book yet"


@pytest.fixture
def copy_of_the_book(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What the rules read, with one small lesson."""
    for name in ("tests", "tools", "pyproject.toml", "book"):
        source, target = ROOT / name, tmp_path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", "figures"))
        else:
            shutil.copy(source, target)
    (tmp_path / "notebooks").mkdir()
    path = tmp_path / "notebooks" / "01_first.ipynb"
    nbformat.write(lesson(cell(source="print(1)", name="first")), path)
    monkeypatch.setattr(rules, "ROOT", tmp_path)
    monkeypatch.setattr(rules, "NOTEBOOKS", tmp_path / "notebooks")
    monkeypatch.setattr(rules, "RULES", tmp_path / "tests" / "contract")
    return path


def test_the_rules_are_asked_after_storing(copy_of_the_book: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert notebooks.main([str(copy_of_the_book)]) == 0
    said = capsys.readouterr()
    assert "rewritten" in said.out
    assert "Stored, but `make test` will complain:" in said.err
    assert "notebooks/01_first.ipynb, cell first: a lesson opens with a markdown cell" in said.err
    assert "Traceback" not in said.err
