"""The stored form of a notebook: nothing of an editor's, nothing that another run would change."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from tools.lesson.normalise import normalised, text_of, with_restated_cells
from tools.lesson.read import code_cells


def notebook(*cells: NotebookNode, **metadata: object) -> NotebookNode:
    return new_notebook(cells=list(cells), metadata=metadata)


def stored(cell: NotebookNode) -> NotebookNode:
    return normalised(notebook(cell)).cells[0]


def test_metadata_of_editors_is_dropped() -> None:
    cell = new_code_cell("x")
    cell.metadata = {"tags": ["q1"], "execution": {"started": "now"}, "scrolled": True, "id": "abc"}
    result = normalised(notebook(cell, widgets={}, colab={}, kernelspec={"name": "conda-env", "display_name": "Mine"}))
    assert result.cells[0].metadata == {"tags": ["q1"]}
    assert set(result.metadata) == {"kernelspec", "language_info"}
    assert result.metadata.kernelspec.name == "python3"


@pytest.mark.parametrize("tag", ["setup", "carried-over", "solution"])
def test_collapsed_cells_are_marked_for_every_renderer(tag: str) -> None:
    metadata = stored(new_code_cell("x", metadata={"tags": [tag]})).metadata
    assert metadata.tags == [tag, "hide-input"]
    assert metadata.jupyter == {"source_hidden": True}
    assert metadata.cellView == "form"


def test_other_cells_are_shown() -> None:
    cell = new_code_cell("x", metadata={"jupyter": {"source_hidden": True}, "cellView": "form"})
    assert stored(cell).metadata == {}


def test_streams_come_in_one_piece() -> None:
    outputs = [new_output("stream", name=name, text=text) for name, text in (("stdout", "a\n"), ("stdout", "b\n"))]
    assert [output.text for output in stored(new_code_cell("x", outputs=outputs)).outputs] == ["a\nb\n"]


def test_a_picture_between_keeps_streams_apart() -> None:
    stream = new_output("stream", name="stdout", text="a\n")
    picture = new_output("display_data", data={"image/png": "x"})
    assert len(stored(new_code_cell("x", outputs=[stream, picture, stream])).outputs) == 3


def test_widget_views_are_taken_out_and_their_text_stays() -> None:
    view = {"application/vnd.jupyter.widget-view+json": {"model_id": "1"}}
    outputs = [
        new_output("display_data", data=view | {"text/plain": "<LivePanel>"}),
        new_output("display_data", data=view),
    ]
    assert [output.data for output in stored(new_code_cell("x", outputs=outputs)).outputs] == [
        {"text/plain": "<LivePanel>"}
    ]


def test_the_alt_text_is_written_into_the_output() -> None:
    size = {"image/png": {"width": 3, "height": 2, "alt": "Old."}, "needs_background": "light"}
    output = new_output("display_data", data={"image/png": "x"}, metadata=size)
    cell = new_code_cell("x", outputs=[output], metadata={"mystnb": {"image": {"alt": "New."}}})
    assert stored(cell).outputs[0].metadata == {"image/png": {"width": 3, "height": 2, "alt": "New."}}


def test_normalising_twice_changes_nothing() -> None:
    cell = new_code_cell("x\n", metadata={"tags": ["setup"]}, outputs=[new_output("stream", name="stdout", text="a")])
    once = normalised(notebook(new_markdown_cell("# T\n"), cell))
    assert text_of(normalised(once)) == text_of(once)


def test_the_original_is_left_alone() -> None:
    cell = new_code_cell("x", metadata={"scrolled": True})
    normalised(notebook(cell))
    assert cell.metadata == {"scrolled": True}


@pytest.fixture
def lessons(tmp_path: Path) -> Path:
    origin = notebook(
        new_code_cell("# @title Set-up\nSEED = 1", id="set-up", metadata={"tags": ["setup", "define"]}),
        new_code_cell("class Block:\n    pass", id="block", metadata={"tags": ["define"]}),
    )
    nbformat.write(origin, tmp_path / "01_first.ipynb")
    return tmp_path


def carried(source: str, cell: str = "block") -> NotebookNode:
    metadata = {"tags": ["define", "carried-over"], "carried_over": {"lesson": "01_first", "cell": cell}}
    return new_code_cell(source, id="carried-block", metadata=metadata)


@pytest.mark.parametrize(
    ("source", "title"),
    [("# @title Carried over from Lesson 1: the block\nold", "the block"), ("", "Block")],
    ids=["keeps its title", "is named after what it defines"],
)
def test_a_carried_over_cell_repeats_its_origin(lessons: Path, source: str, title: str) -> None:
    result = with_restated_cells(notebook(carried(source)), "02_second", lessons)
    assert result.cells[0].source == f"# @title Carried over from Lesson 1: {title}\nclass Block:\n    pass"


def test_the_set_up_cell_is_that_of_the_first_lesson(lessons: Path) -> None:
    mine = new_code_cell("SEED = 2", metadata={"tags": ["setup", "define"]})
    result = with_restated_cells(notebook(mine), "02_second", lessons)
    assert [cell.source for cell in code_cells(result)] == ["# @title Set-up\nSEED = 1"]


def test_an_origin_that_is_gone_is_named(lessons: Path) -> None:
    with pytest.raises(
        ValueError, match="cell carried-block of 02_second is carried over from cell 'gone' of 01_first"
    ):
        with_restated_cells(notebook(carried("", "gone")), "02_second", lessons)


def test_another_converter_finds_suffix_and_alt_text() -> None:
    """`nbconvert --to script` reads its suffix there; `--to html --template classic` its alt text (others: none)."""
    alt = "A line that rises."
    picture = new_output("display_data", data={"image/png": "x"})
    cell = new_code_cell("%time 1", outputs=[picture], metadata={"mystnb": {"image": {"alt": alt}}})
    result = normalised(notebook(cell))
    language = result.metadata.language_info
    assert (language.name, language.file_extension, language.nbconvert_exporter) == ("python", ".py", "python")
    assert result.cells[0].outputs[0].metadata["image/png"]["alt"] == alt
    if importlib.util.find_spec("nbconvert"):
        from nbconvert import HTMLExporter, ScriptExporter

        source, resources = ScriptExporter().from_notebook_node(result)
        assert resources["output_extension"] == ".py"
        assert "get_ipython()" in source
        assert f'alt="{alt}"' in HTMLExporter(template_name="classic").from_notebook_node(result)[0]
