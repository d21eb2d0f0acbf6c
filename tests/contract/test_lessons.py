"""Every lesson keeps every rule."""

from __future__ import annotations

import pytest

from tests.contract.rules import RULES, Lesson, Rule
from tests.contract.rules.lesson import all_lessons, read_topics
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
