"""Every definition of every lesson can be carried away, or says in its factory why not."""

from __future__ import annotations

import ast
import functools
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tests.portable.check import CHECKS, Case
from tools.lesson.definitions import load_definitions
from tools.lesson.read import code_cells, find_lesson, has_tag, lesson_paths, read_lesson, without_magics

FOLDER = Path(__file__).resolve().parent
LESSONS = [path.stem for path in lesson_paths()]


@functools.cache
def factory(lesson: str) -> ModuleType | None:
    """The tables of a lesson, `lesson_NN.py` beside this file."""
    path = FOLDER / f"lesson_{lesson[:2]}.py"
    specification = importlib.util.spec_from_file_location(f"portable_{lesson}", path)
    if not path.is_file() or specification is None or specification.loader is None:
        return None
    module = importlib.util.module_from_spec(specification)
    sys.modules[module.__name__] = module  # torch.compile looks functions' modules up by name
    specification.loader.exec_module(module)
    return module


@functools.cache
def loaded(lesson: str) -> ModuleType:
    return load_definitions(lesson)


def cases(lesson: str) -> dict[str, Case]:
    tables = factory(lesson)
    return tables.CASES if tables else {}


def public_definitions(lesson: str) -> set[str]:
    """Functions and classes that a reader may carry away."""
    found = set()
    for cell in code_cells(read_lesson(find_lesson(lesson))):
        if has_tag(cell, "define") and not has_tag(cell, "plot", "setup", "imports", "carried-over"):
            for node in ast.parse(without_magics(cell.source)).body:
                if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not node.name.startswith("_"):
                    found.add(node.name)
    return found


@pytest.mark.parametrize("lesson", LESSONS)
def test_every_public_definition_has_a_case(lesson: str) -> None:
    tables = factory(lesson)
    assert tables is not None, f"write tests/portable/lesson_{lesson[:2]}.py with CASES and EXEMPT (see check.py)"
    named = {name.partition("/")[0] for name in tables.CASES}
    assert not named & tables.EXEMPT.keys(), f"{sorted(named & tables.EXEMPT.keys())}: a case, and exempt from one"
    there = public_definitions(lesson)
    missing = sorted(there - named - tables.EXEMPT.keys())
    assert not missing, f"tests/portable/lesson_{lesson[:2]}.py lacks {', '.join(missing)}"
    gone = sorted((named | tables.EXEMPT.keys()) - there)
    assert not gone, f"tests/portable/lesson_{lesson[:2]}.py names {', '.join(gone)}, which the lesson does not define"


@pytest.mark.parametrize(
    ("lesson", "name", "check"),
    [
        pytest.param(lesson, name, check, id=f"{lesson[:2]}-{name}-{check}")
        for lesson in LESSONS
        for name, case in cases(lesson).items()
        for check in CHECKS
        if check not in case.cannot
    ],
)
def test_it_can_be_carried_away(lesson: str, name: str, check: str) -> None:
    CHECKS[check](cases(lesson)[name], loaded(lesson))
