"""A small book made from a fixture notebook, and the finished site, if there is one."""

from __future__ import annotations

import io
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from bs4 import BeautifulSoup, Tag

from tests.shared.site import site_folder

ROOT = Path(__file__).resolve().parents[2]
FIXTURE = Path(__file__).parent / "fixtures" / "01_fixture.ipynb"
sys.path.insert(0, str(ROOT / "book" / "_ext"))

INDEX = """# Small book

A page that mentions Q4, Lesson 1 and Exercise 1.1.

> **Careful.** A card on a plain page.

```{toctree}
notebooks/01_fixture
book/questions
book/corrections
book/glossary
book/cram
```
"""

REGISTRY = """
[[lessons]]
number = 1
name = "01_fixture"
title = "Fixture lesson"
blurb = "What *recurs*, in small."
picture = "one_square"
budget = 1

[lessons.questions]
"""
REGISTRY += "".join(f'{number} = "Question {number}?"\n' for number in range(1, 43))
REGISTRY += """
[[lessons]]
number = 2
name = "02_never_written"
title = "Never written"
blurb = "Nothing yet."
budget = 1

[lessons.questions]
43 = "Question 43?"
"""

# Pages that are made of what the lessons hold.
LOOKUP = {
    "book/questions": "# Questions\n\n```{question-list}\n```\n",
    "book/corrections": "# Corrections\n\n```{correction-list}\n```\n",
    "book/cram": "# In short\n\n```{core-answers} 1\n```\n",
    "book/glossary": "# Glossary\n\nPattern, small notebook\n: What *recurs*.\n\nNowhere\n: In no lesson.\n",
    "book/lessons.toml": REGISTRY,
}


@dataclass(frozen=True)
class BuiltBook:
    """Where a book was built, and what Sphinx complained about."""

    folder: Path
    warnings: str

    def page(self, name: str) -> BeautifulSoup:
        """Parse one of the pages."""
        return BeautifulSoup((self.folder / f"{name}.html").read_text(encoding="utf-8"), "html.parser")


def build_book(folder: Path, pages: dict[str, str], **settings: object) -> BuiltBook:
    """Build a book of the fixture notebook and some pages, Markdown if no ending says otherwise, in the plain theme."""
    from sphinx.application import Sphinx
    from sphinx.util.docutils import docutils_namespace, patch_docutils

    source = folder / "source"
    (source / "notebooks").mkdir(parents=True)
    shutil.copy(FIXTURE, source / "notebooks")
    for name, text in pages.items():
        path = source / (name if "." in name else f"{name}.md")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    config = {
        "extensions": ["myst_nb", "sphinx_book_theme", "vitbook"],
        "nb_execution_mode": "off",
        "myst_enable_extensions": ["deflist", "dollarmath"],
        "html_theme": "sphinx_book_theme",
        "html_math_renderer": "mathml",
        "html_title": "Small book",
        **settings,
    }
    warnings = io.StringIO()
    with patch_docutils(), docutils_namespace():
        app = Sphinx(
            source,
            None,
            folder / "html",
            folder / "doctrees",
            "html",
            confoverrides=config,
            status=None,
            warning=warnings,
        )
        app.build()
    return BuiltBook(folder / "html", warnings.getvalue())


@pytest.fixture(scope="session")
def book(tmp_path_factory: pytest.TempPathFactory) -> BuiltBook:
    """The small book, as it is built where there is no public repository."""
    addresses = ("BOOK_REPOSITORY_URL", "BOOK_SITE_URL", "GITHUB_REPOSITORY")
    before = {name: os.environ.pop(name, None) for name in addresses}
    try:
        return build_book(tmp_path_factory.mktemp("book"), {"index": INDEX, **LOOKUP})
    finally:
        os.environ.update({name: value for name, value in before.items() if value is not None})


@pytest.fixture(scope="session")
def lesson(book: BuiltBook) -> BeautifulSoup:
    """The lesson of the small book."""
    return book.page("notebooks/01_fixture")


@pytest.fixture(scope="session")
def site() -> Path:
    """The finished site; BOOK_SITE names another folder than the usual one."""
    folder = site_folder()
    if not (folder / "index.html").is_file():
        pytest.skip(f"There is no site in {folder}: run `make book` first.")
    return folder


@pytest.fixture(scope="session")
def pages(site: Path) -> dict[str, BeautifulSoup]:
    """All pages of the finished site, by their address within it."""
    names = [path.relative_to(site).as_posix() for path in sorted(site.rglob("*.html"))]
    return {
        name: BeautifulSoup((site / name).read_text(encoding="utf-8"), "html.parser")
        for name in names
        if not name.startswith("_static/") and name != "index.html"
    }


def text_of(tag: Tag) -> str:
    """Return the text of an element, with single spaces and without the marks of permanent links."""
    marks = {id(text) for link in tag.select("a.headerlink") for text in link.strings}
    return " ".join("".join(text for text in tag.strings if id(text) not in marks).split())


# Handed over as fixtures, because test modules here cannot be imported by name.
@pytest.fixture(scope="session")
def plain() -> Callable[[Tag], str]:
    """`text_of`."""
    return text_of


@pytest.fixture(scope="session")
def registry() -> str:
    """The small book's list of lessons: one written, one to come."""
    return REGISTRY


@pytest.fixture(scope="session")
def build() -> Callable[..., BuiltBook]:
    """`build_book`."""
    return build_book


@pytest.fixture
def slips(tmp_path: Path) -> Callable[[str], str]:
    """Build the small book with a text on line 3 of its first page; return the one warning, which names that line."""

    def warning(text: str) -> str:
        index = f"# Book\n\n{text}\n\n```{{toctree}}\nnotebooks/01_fixture\n```\n"
        found = build_book(tmp_path, {"index": index, "book/lessons.toml": REGISTRY}).warnings.splitlines()
        (line,) = [line for line in found if "index.md:3: " in line]
        return line

    return warning


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what the pages weigh and how much moves while they load, as measured in Chromium."""
    reports = [report for kind in ("passed", "failed") for report in terminalreporter.stats.get(kind, [])]
    rows = [text for report in reports for name, text in report.user_properties if name == "weight"]
    if rows:
        terminalreporter.section("Pages, compressed")
        terminalreporter.line(f"{'page':32}{'width':>9}{'at first':>11}{'in all':>11}{'moved':>8}")
        for row in sorted(rows):
            terminalreporter.line(row)
