"""`make book`: what is broken is named, and the last good site stays until a better one is checked."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from tools.lesson.files import as_command, locked
from tools.lesson.normalise import normalised, text_of
from tools.site import build as build_book
from tools.site.complaints import complaints
from tools.site.sources import copied_sources, fingerprint

REGISTRY = """
[[lessons]]
number = 1
name = "01_first"
title = "First"
blurb = ""
budget = 1
questions.1 = "Why?"
"""


def check(site: Path, notebooks: Path) -> list[str]:
    """Stands for the inspection of the finished site."""
    return [] if (site / "ok").exists() else ["no page ok"]


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A book of one sound lesson, with a good site built before."""
    monkeypatch.setattr(build_book, "problems", check)
    for folder in ("notebooks", "book", "tools", "_build/html"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "book/lessons.toml").write_text(REGISTRY)
    (tmp_path / "_build/html/index.html").write_text("the last good site")
    write(tmp_path, new_code_cell("print(1)", id="first", execution_count=1))
    return tmp_path


def write(root: Path, *cells: object) -> Path:
    path = root / "notebooks" / "01_first.ipynb"
    path.write_text(text_of(normalised(new_notebook(cells=[new_markdown_cell("# T", id="title"), *cells]))))
    return path


def builder(*pages: str) -> Callable[[Path], Path]:
    """Stands for Jupyter Book: makes these pages."""

    def build(root: Path) -> Path:
        fresh = root / "_build" / "work" / "_build" / "html"
        fresh.mkdir(parents=True)
        for page in ("index.html", *pages):
            (fresh / page).write_text("fresh")
        return fresh

    return build


def assert_not_built(root: Path, capsys: pytest.CaptureFixture[str], *says: str) -> None:
    assert build_book.main(root) == 1
    complaint = capsys.readouterr().err
    for part in says:
        assert part in complaint
    assert "Traceback" not in complaint
    assert "last good site is still in" in complaint
    assert (root / "_build/html/index.html").read_text() == "the last good site"


def stderr(text: str) -> object:
    return new_output("stream", name="stderr", text=text)


@pytest.mark.parametrize(
    ("cell", "says"),
    [
        (new_code_cell("1", id="bad"), "cell bad: its execution count is None, not 1"),
        (new_code_cell("1", id="bad", execution_count=7), "cell bad: its execution count is 7, not 1"),
        (new_code_cell("", id="bad", execution_count=1), "cell bad: the code cell is empty; delete it"),
        (
            new_code_cell("1", id="bad", execution_count=1, outputs=[stderr("UserWarning: old")]),
            "cell bad: it wrote to stderr (UserWarning: old); mend what it complains of, then run `make notebooks",
        ),
        (
            new_code_cell(
                "1", id="bad", execution_count=1, outputs=[new_output("error", ename="E", evalue="v", traceback=[])]
            ),
            "cell bad: it stored an error (E: v)",
        ),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else "",
)
def test_a_broken_notebook_is_named(root: Path, capsys: pytest.CaptureFixture[str], cell: object, says: str) -> None:
    write(root, cell)
    assert_not_built(root, capsys, "notebooks/01_first.ipynb", says)


def test_an_id_used_twice_is_named(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = root / "notebooks" / "01_first.ipynb"
    path.write_text(path.read_text().replace('"first"', '"title"'))  # nbformat would write another id
    assert_not_built(root, capsys, "notebooks/01_first.ipynb, cell title: two cells have this id; rename the second")


def test_a_notebook_that_is_no_json_is_named(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = root / "notebooks" / "01_first.ipynb"
    path.write_text(path.read_text()[:-40])
    assert_not_built(root, capsys, "notebooks/01_first.ipynb is not valid JSON")


def test_a_malformed_cell_is_named(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = root / "notebooks" / "01_first.ipynb"
    notebook = json.loads(path.read_text())
    del notebook["cells"][1]["outputs"]
    path.write_text(json.dumps(notebook))
    assert_not_built(root, capsys, "notebooks/01_first.ipynb", "cell first (number 2) is malformed", "'outputs'")


def test_a_site_that_the_checker_refuses_is_not_put_up(
    root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build_book, "run_jupyter_book", builder())
    assert_not_built(root, capsys, "no page ok")


def test_a_good_site_replaces_the_last_and_is_not_built_twice(
    root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build_book, "run_jupyter_book", builder("ok"))
    assert build_book.main(root) == 0
    assert "open index.html there, or run `make serve`" in capsys.readouterr().out
    assert (root / "_build/html/index.html").read_text() == "fresh"
    assert sorted(path.name for path in (root / "_build").iterdir()) == ["html", "html.inputs"]

    monkeypatch.setattr(build_book, "run_jupyter_book", lambda root: pytest.fail("built again for nothing"))
    assert build_book.main(root) == 0
    assert "Nothing has changed" in capsys.readouterr().out


@pytest.mark.parametrize(
    "name", ["notebooks/01_first.ipynb", "_config.yml", "book/index.md", "tools/x.py", "constraints.txt"]
)
def test_any_change_of_an_input_counts(root: Path, name: str) -> None:
    before = fingerprint(root)
    path = root / name
    path.write_text((path.read_text() if path.exists() else "") + "\n")
    assert fingerprint(root) != before


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("BOOK_REPOSITORY_URL", "https://github.com/org/book"),
        ("GITHUB_REPOSITORY", "org/book"),
        ("BOOK_SITE_URL", "https://example.org/book"),
    ],
)
def test_the_address_counts(root: Path, monkeypatch: pytest.MonkeyPatch, variable: str, value: str) -> None:
    for name in ("BOOK_REPOSITORY_URL", "GITHUB_REPOSITORY", "BOOK_SITE_URL"):
        monkeypatch.delenv(name, raising=False)
    before = fingerprint(root)
    monkeypatch.setenv(variable, value)
    assert fingerprint(root) != before


def test_an_interrupted_swap_is_undone(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (root / "_build/html").rename(root / "_build/html.old")
    write(root, new_code_cell("1", id="bad"))
    assert_not_built(root, capsys, "cell bad")


def test_a_warning_is_traced_to_its_cell(root: Path) -> None:
    path = root / "notebooks" / "01_first.ipynb"
    log = f"\x1b[31m{path}:20003: WARNING: undefined label: 'x' [ref.ref]\x1b[39;49;00m\ndone"
    assert complaints(log, root) == [
        "notebooks/01_first.ipynb, cell first, line 3: WARNING: undefined label: 'x' [ref.ref]"
    ]


def test_a_warning_behind_a_progress_report_is_read(root: Path) -> None:
    log = f"checking consistency... {root}/book/x.md: WARNING: document isn't included in any toctree"
    assert complaints(log, root) == ["book/x.md: WARNING: document isn't included in any toctree"]


def test_only_the_books_files_are_read(root: Path) -> None:
    for name in ("_config.yml", "_toc.yml", "stray.md", "notebooks/.ipynb_checkpoints/01_first.ipynb"):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).touch()
    source = copied_sources(root, root / "_build" / "source")
    copied = sorted(path.relative_to(source).as_posix() for path in source.rglob("*") if path.is_file())
    assert copied == ["_config.yml", "_toc.yml", "book/cram_1.md", "book/lessons.toml", "notebooks/01_first.ipynb"]
    (root / "_toc.yml").unlink()
    with pytest.raises(ValueError, match="_toc.yml is missing; restore it with `git checkout -- _toc.yml`"):
        copied_sources(root, root / "_build" / "again")


def test_a_warning_about_a_page_names_its_line(root: Path) -> None:
    log = f"{root}/book/index.md:12: WARNING: unknown document: 'x'"
    assert complaints(log, root) == ["book/index.md, line 12: WARNING: unknown document: 'x'"]


def test_a_crash_without_warning_shows_the_end_of_the_record(root: Path) -> None:
    assert complaints("a\nTypeError: x", root) == ["a", "TypeError: x"]


def test_a_second_build_waits_for_the_first(
    root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build_book, "run_jupyter_book", builder("ok"))
    statuses: list[int] = []
    second = threading.Thread(target=lambda: statuses.append(build_book.main(root)))
    with locked(root / "_build", "first"):
        second.start()
        time.sleep(0.3)
        assert statuses == []
        assert (root / "_build/html/index.html").read_text() == "the last good site"
    second.join(timeout=10)
    assert statuses == [0]
    assert capsys.readouterr().err == "Another build of this book is at work; this one waits for it …\n"


def test_a_folder_that_cannot_be_written_to_is_said(
    root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(root: Path) -> Path:
        raise PermissionError(13, "Permission denied", str(root / "_build" / "work"))

    monkeypatch.setattr(build_book, "run_jupyter_book", refuse)
    assert as_command(lambda: build_book.main(root)) == 1
    complaint = capsys.readouterr().err
    assert "The machine refuses" in complaint and "Permission denied" in complaint
    assert (root / "_build/html/index.html").read_text() == "the last good site"


def test_nothing_of_the_users_reaches_the_pages(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "/mine")
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    monkeypatch.setenv("BOOK_SITE_URL", "https://example.org/book")
    monkeypatch.setenv("BOOK_REPOSITORY_URL", "git@github.com:org/book.git")
    for name in ("_config.yml", "_toc.yml"):
        (root / name).touch()
    seen: dict[str, str] = {}

    def run(command: list[str], *, env: dict[str, str], **rest: object) -> subprocess.CompletedProcess[str]:
        if "build" in command:
            seen.update(env)
        return subprocess.CompletedProcess(command, 0, stdout="")

    monkeypatch.setattr(subprocess, "run", run)
    build_book.run_jupyter_book(root)
    assert "PYTHONPATH" not in seen
    assert seen["LC_ALL"] == "C.UTF-8"
    assert seen["BOOK_REPOSITORY_URL"] == "https://github.com/org/book"
    assert seen["BOOK_SITE_URL"] == "https://example.org/book"
    assert not Path(seen["HOME"]).exists(), "its home was its own"
