"""What the pages are made of: the mutants, too, because each proof's fold says what makes it fail."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.site.sources import copied_sources, fingerprint


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A small book without a lesson."""
    for name in ("book", "notebooks", "tools", "tests/mutants"):
        (tmp_path / name).mkdir(parents=True)
    for name in ("_config.yml", "_toc.yml", "requirements.txt", "constraints.txt", "tests/mutants/runner.py"):
        (tmp_path / name).write_text("", encoding="utf-8")
    (tmp_path / "book" / "lessons.toml").write_text("", encoding="utf-8")
    (tmp_path / "tests" / "mutants" / "01_lesson.toml").write_text("[[mutant]]\n", encoding="utf-8")
    return tmp_path


def test_a_changed_mutant_asks_for_a_new_build(root: Path) -> None:
    before = fingerprint(root)
    (root / "tests" / "mutants" / "runner.py").write_text("# no part of a page", encoding="utf-8")
    assert fingerprint(root) == before
    (root / "tests" / "mutants" / "01_lesson.toml").write_text("", encoding="utf-8")
    assert fingerprint(root) != before


def test_the_mutants_lie_beside_the_copied_pages(root: Path) -> None:
    target = copied_sources(root, root / "_build" / "source")
    assert [path.name for path in (target / "tests" / "mutants").iterdir()] == ["01_lesson.toml"]
