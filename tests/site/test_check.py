"""The checker of finished sites: each fault is found, and a good site has none."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tools.site import check

ROOT = Path(__file__).resolve().parents[2]
FIXTURE = Path(__file__).parent / "fixtures" / "01_fixture.ipynb"


@pytest.fixture
def copy(book, tmp_path: Path) -> tuple[Path, Path]:
    """A site and its notebooks, to be broken."""
    site, notebooks = tmp_path / "html", tmp_path / "notebooks"
    shutil.copytree(book.folder, site)
    notebooks.mkdir()
    shutil.copy(FIXTURE, notebooks)
    for name in ("cram_1", "index", "notation", "pictures", "quick_reference", "references", "status"):
        (site / "book" / f"{name}.html").write_text("<p>text</p>", encoding="utf-8")
    (site / "_static" / "cards.js").touch()
    return site, notebooks


def problems(copy: tuple[Path, Path]) -> list[str]:
    return check.problems(*copy)


def edit(path: Path, change: Callable[[str], str]) -> None:
    before = path.read_text(encoding="utf-8")
    after = change(before)
    assert after != before
    path.write_text(after, encoding="utf-8")


def test_a_good_site_has_no_problem(copy):
    assert problems(copy) == []


LESSON = "notebooks/01_fixture.html"


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ('id="q42"', 'id="q43"', "question Q42 has no anchor #q42"),
        ('alt="A third picture."', 'alt="../_images/x.png"', "has no alt sentence"),
        ('alt="A third picture."', "", "has no alt sentence"),
        (' width="16"', "", "does not state its width"),
        ('src="../_images/', 'src="data:image/png;base64,', "embedded in the page"),
        ("</body>", '<script src="https://cdn.example.org/x.js"></script></body>', "from another host"),
        ("</head>", '<link rel="stylesheet" href="//fonts.example.org/x.css"></head>', "from another host"),
        ("</body>", '<script src="../_static/none.js"></script></body>', "none.js, which is not in the site"),
        ("</body>", '<a href="02_later.html">x</a></body>', "02_later.html, which is not in the site"),
        ("</body>", '<a href="#nowhere">x</a></body>', "there is no such anchor"),
        ("</body>", '<a href="../genindex.html#nowhere">x</a></body>', "there is no such anchor"),
        ("</body>", '<span class="xref std std-ref">x</span></body>', "a reference was not resolved"),
        ("</body>", '<p id="q4">x</p></body>', "the anchor q4 stands there 2 times"),
    ],
)
def test_faults_of_a_page_are_found(copy, old: str, new: str, complaint: str):
    edit(copy[0] / LESSON, lambda text: text.replace(old, new, 1))
    assert any(complaint in problem for problem in problems(copy)), problems(copy)


def test_missing_pages_are_found(copy):
    (copy[0] / "search.html").unlink()
    (copy[0] / LESSON).unlink()
    found = problems(copy)
    assert "search.html is missing; is it listed in _toc.yml?" in found
    assert f"{LESSON} is missing; is it listed in _toc.yml?" in found


def test_missing_pictures_are_found(copy):
    notebook = copy[1] / FIXTURE.name
    content = json.loads(notebook.read_text(encoding="utf-8"))
    picture = next(cell for cell in content["cells"] if cell["id"] == "picture")
    content["cells"] += [picture] * 5
    notebook.write_text(json.dumps(content), encoding="utf-8")
    assert any("8 cells show a picture, but the page holds 6" in problem for problem in problems(copy))


def test_a_poor_search_index_is_found(copy):
    edit(copy[0] / check.SEARCH_INDEX, lambda text: text.replace('"q42"', '"q"'))
    assert problems(copy) == [f"{check.SEARCH_INDEX}: Q42 of 01_fixture.ipynb is not in it"]
    (copy[0] / check.SEARCH_INDEX).unlink()
    assert f"{check.SEARCH_INDEX} is missing: the search will find nothing" in problems(copy)


def test_it_needs_nothing_but_python(copy):
    command = [sys.executable, "-S", "-m", "tools.site.check", str(copy[0]), str(copy[1])]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, env={})
    assert (result.returncode, result.stdout) == (0, "The site is complete.\n"), result.stderr
