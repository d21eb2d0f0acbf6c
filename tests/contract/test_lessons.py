"""Every lesson keeps every rule."""

from __future__ import annotations

import ast
from collections.abc import Mapping

import pytest

from tests.contract.rules import RULES, Lesson, Rule
from tests.contract.rules.lesson import all_lessons, read_topics
from tests.contract.rules.source import tree_of
from tools.lesson.format import CARRIED_OVER, DEFINE, SETUP
from tools.lesson.read import has_tag
from tools.run.notebooks import stored_form_differences

LESSONS = all_lessons()
each_lesson = pytest.mark.parametrize("lesson", LESSONS, ids=[lesson.name for lesson in LESSONS])


@each_lesson
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule.__module__.rpartition('.')[2]}.{rule.__name__}")
def test_rule(lesson: Lesson, rule: Rule) -> None:
    complaints = rule(lesson)
    listed = "\n".join(f"notebooks/{lesson.name}.ipynb, {complaint}" for complaint in complaints)
    if complaints:
        pytest.fail(f"{rule.__doc__}\n{listed}", pytrace=False)


@each_lesson
def test_a_run_would_rewrite_nothing_but_outputs(lesson: Lesson) -> None:
    """Metadata, alt texts and restated cells are as `make notebooks` writes them."""
    differences = stored_form_differences(lesson.path)
    if differences:
        pytest.fail("\n".join(f"notebooks/{lesson.name}.ipynb, {line}" for line in differences), pytrace=False)


def test_the_notation_page_lists_topics() -> None:
    assert len(read_topics()) >= 5, "book/notation.md needs a section `## Topics` with a table of keys in backticks"


def defined_in(lesson: Lesson) -> set[str]:
    """The functions and classes that a lesson defines itself."""
    cells = [cell for cell in lesson.tagged(DEFINE) if not has_tag(cell, CARRIED_OVER, SETUP)]
    statements = [node for cell in cells for node in tree_of(cell).body]
    return {node.name for node in statements if isinstance(node, (ast.FunctionDef, ast.ClassDef))}


def repeated(own: Mapping[str, set[str]]) -> list[str]:
    """What more than one lesson defines, with the lessons."""
    found = []
    for name in sorted(set().union(*own.values())):
        where = [lesson for lesson, names in own.items() if name in names]
        if len(where) > 1:
            lessons = " and ".join(where)
            found.append(f"{name} is defined in {lessons}: carry it over, or give the later one a name of its own")
    return found


def test_a_name_means_one_thing_in_the_book() -> None:
    complaints = repeated({lesson.name: defined_in(lesson) for lesson in LESSONS})
    assert not complaints, "\n".join(complaints)


def test_a_name_defined_twice_is_noticed() -> None:
    assert repeated({"01_a": {"train"}, "02_b": {"train", "fit"}, "03_c": set()}) == [
        "train is defined in 01_a and 02_b: carry it over, or give the later one a name of its own"
    ]
