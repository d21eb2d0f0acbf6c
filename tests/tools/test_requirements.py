"""Whatever the tools, the site's extension and the tests import is named in a list of requirements."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator, Mapping
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from tools.lesson.read import ROOT

BOOK = ("requirements.txt",)
TESTS = (*BOOK, "tests/requirements.txt", "tests/requirements-no-deps.txt")
OURS = {"tests", "tools", "vitbook"}


def imported(source: str, nested: bool = True) -> Iterator[str]:
    """The packages that a file imports; none of the standard library and none of this repository.

    `nested`: also within functions and conditions, whose imports are not always needed.
    """
    tree = ast.parse(source)
    for node in ast.walk(tree) if nested else tree.body:
        match node:
            case ast.Import(names=names):
                modules = [alias.name for alias in names]
            case ast.ImportFrom(module=str(module), level=0):
                modules = [module]
            case _:
                continue
        for module in modules:
            package = module.partition(".")[0]
            if package not in sys.stdlib_module_names and package not in OURS:
                yield package


def declared(text: str) -> set[str]:
    """The distributions that a list names."""
    return {_normal(name) for name in re.findall(r"^([A-Za-z0-9][A-Za-z0-9._-]*)", text, re.MULTILINE)}


def undeclared(
    sources: Mapping[str, str], known: set[str], distributions: Mapping[str, list[str]], nested: bool = True
) -> list[str]:
    """Each import that no list names, with the first file that has it."""
    missing: dict[str, str] = {}
    for file, source in sources.items():
        for package in imported(source, nested):
            if not known & {_normal(name) for name in distributions.get(package, [package])}:
                missing.setdefault(package, file)
    return [f"{package} ({file})" for package, file in sorted(missing.items())]


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.mark.parametrize(
    ("folder", "nested", "lists"),
    [("tools", False, BOOK), ("tools", True, TESTS), ("book/_ext", True, BOOK), ("tests", True, TESTS)],
)
def test_every_import_is_declared(folder: str, nested: bool, lists: tuple[str, ...]) -> None:
    """What only some targets need may be a package of the tests, if a tool imports it where it is needed."""
    files = sorted(Path(ROOT, folder).rglob("*.py"))
    sources = {str(file.relative_to(ROOT)): file.read_text("utf-8") for file in files}
    known = set().union(*(declared(Path(ROOT, name).read_text("utf-8")) for name in lists))
    missing = undeclared(sources, known, packages_distributions(), nested)
    assert sources
    assert not missing, f"imported and not declared: {', '.join(missing)}; name them in {' or '.join(lists[:2])}"


def test_imports_are_found_and_matched_by_distribution() -> None:
    sources = {
        "a.py": "import os\nimport bs4.element\nfrom tools import lesson\nfrom . import b\n",
        "b.py": "def f():\n    from yaml import safe_load\n    import unheard_of\n",
    }
    distributions = {"bs4": ["beautifulsoup4"], "yaml": ["PyYAML"]}
    known = declared("# a list\nBeautifulSoup4==4.15.0\n\nnumpy>=2\n")
    assert known == {"beautifulsoup4", "numpy"}
    assert undeclared(sources, known, distributions) == ["unheard_of (b.py)", "yaml (b.py)"]
    assert undeclared(sources, known, distributions, nested=False) == []
    assert undeclared(sources, known | {"pyyaml", "unheard-of"}, distributions) == []
