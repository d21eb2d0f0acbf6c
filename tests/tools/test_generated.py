"""README's account of the lessons and the pages for the night before follow the book's list."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tools.lesson.format import read_registry
from tools.lesson.read import ROOT
from tools.site import generated

BEGUN = "08_detection_and_segmentation"


def test_readme_lists_the_lessons_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert generated.main([]) == 0, capsys.readouterr().err


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The list of lessons and README, with two notebooks; the second has no picture yet."""
    (tmp_path / "book").mkdir()
    (tmp_path / "notebooks").mkdir()
    lessons = (ROOT / "book" / "lessons.toml").read_text(encoding="utf-8")
    picture = f'picture = "{read_registry().lesson(8).picture}"\n'
    assert lessons.count(picture) == 1
    (tmp_path / "book" / "lessons.toml").write_text(lessons.replace(picture, ""), encoding="utf-8")
    shutil.copy(ROOT / "README.md", tmp_path)
    for name in ("01_vit_fundamentals", BEGUN):
        (tmp_path / "notebooks" / f"{name}.ipynb").touch()
    return tmp_path


def test_a_new_lesson_is_missed_and_written(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = (root / "README.md").read_text()
    assert generated.main([], root) == 1
    assert capsys.readouterr().err == "README.md is out of date; run `python -m tools.site.generated --write`\n"
    assert (root / "README.md").read_text() == before
    assert generated.main(["--write"], root) == 0
    after = (root / "README.md").read_text()
    assert "fundamentals*, questions 1 to 25; Lesson 8, *Detection and segmentation*, questions 116 to 130.\n" in after
    assert [line for line in after.splitlines() if not line.startswith("So far")] == [
        line for line in before.splitlines() if not line.startswith("So far")
    ]
    assert generated.main([], root) == 0


@pytest.mark.parametrize("mark", [generated.BEGIN, generated.END])
def test_a_lost_mark_is_named(root: Path, capsys: pytest.CaptureFixture[str], mark: str) -> None:
    text = (root / "README.md").read_text().replace(mark, "")
    (root / "README.md").write_text(text)
    assert generated.main(["--write"], root) == 1
    assert f"has lost the line {mark}" in capsys.readouterr().err
    assert (root / "README.md").read_text() == text


def test_each_written_lesson_gets_a_page_for_the_night_before(root: Path) -> None:
    generated.write_cram_pages(root)
    pages = {path.name: path.read_text() for path in (root / "book").glob("cram_*.md")}
    assert sorted(pages) == ["cram_1.md", "cram_8.md"]
    for part in ("# Lesson 1 in short", "{core-answers} 1", "formulas/lesson_1.md", "{pictures} vit_vs_cnn_comparison"):
        assert part in pages["cram_1.md"]
    assert "picture" not in pages["cram_8.md"], "it has none yet"
