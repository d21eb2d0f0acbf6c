"""`make test`: stops where something fails, compares every output, and lets nothing be skipped in silence."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from nbformat.v4 import new_code_cell, new_notebook

from tools.lesson.normalise import text_of
from tools.lesson.read import ROOT
from tools.run import notebooks
from tools.run import suite as run_tests


def test_it_stops_at_the_first_section_that_fails(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ran = []

    def section(name: str, status: int) -> tuple[str, object]:
        return name, lambda: ran.append(name) or status

    monkeypatch.setattr(run_tests, "sections", lambda: [section("one", 0), section("two", 3), section("three", 0)])
    assert run_tests.main() == 3
    assert ran == ["one", "two"]
    assert "FAILED in: two" in capsys.readouterr().err


BROKEN = {
    "another result": ("a = 1", "a = 2"),
    "another print": ('"2\\n"', '"3\\n"'),
    "other HTML": ("<b>bold</b>')", "<i>bold</i>')"),
}


@pytest.fixture
def lesson(tmp_path: Path) -> Path:
    """A lesson with stored outputs."""
    path = tmp_path / "01_first.ipynb"
    html = "from IPython.display import HTML\n\nHTML('<b>bold</b>')"
    cells = [new_code_cell(source, id=name) for name, source in (("sum", "a = 1\nprint(a + 1)"), ("bold", html))]
    path.write_text(text_of(new_notebook(cells=cells)))
    assert notebooks.main([str(path)]) == 0
    return path


def test_every_output_is_compared(
    lesson: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(run_tests, "lesson_paths", lambda: sorted(lesson.parent.glob("*.ipynb")))
    assert run_tests.stored_outputs() == 0
    assert "2 passed" in capfd.readouterr().out
    stored = lesson.read_text()
    for number, (old, new) in enumerate(BROKEN.values(), start=2):
        assert stored.count(old) == 1
        lesson.with_name(f"0{number}_broken.ipynb").write_text(stored.replace(old, new))
    assert run_tests.stored_outputs() == 1
    assert "3 failed, 5 passed" in capfd.readouterr().out


SKIPPING = """
import pytest
{module}
def test_passes(): pass
def test_needs_something(): {test}
"""


@pytest.mark.parametrize(
    ("module", "test"),
    [("", "pytest.skip('no browser here')"), ("pytest.skip('no browser here', allow_module_level=True)", "pass")],
    ids=["one test", "a module"],
)
def test_nothing_may_be_skipped_where_everything_is_required(tmp_path: Path, module: str, test: str) -> None:
    (tmp_path / "test_it.py").write_text(SKIPPING.format(module=module, test=test))
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "tests.conftest", "-rs"]
    where = ["--rootdir", str(tmp_path), "-c", os.devnull, str(tmp_path)]

    def run(**environment: str) -> subprocess.CompletedProcess[str]:
        kept = {name: value for name, value in os.environ.items() if name != "BOOK_REQUIRE_ALL"}
        return subprocess.run(
            [*command, *where], cwd=ROOT, env=kept | environment, capture_output=True, text=True, check=False
        )

    lenient, strict = run(), run(BOOK_REQUIRE_ALL="1")
    assert lenient.returncode in (0, 5)
    assert "1 skipped" in lenient.stdout
    assert strict.returncode in (1, 2)
    assert "no browser here" in strict.stdout
    assert "allows no test to be skipped" in strict.stdout
