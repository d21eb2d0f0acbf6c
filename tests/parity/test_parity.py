"""Every lesson computes what published implementations compute, gradients included, and counts what they count.

What is compared is declared in `tests/parity/lesson_NN`; what fits no case stands in `test_NN_….py` beside this file.
"""

from __future__ import annotations

import pytest

from tests.parity.framework.cases import Build, lesson_and_solutions
from tests.parity.framework.counts import Count
from tests.parity.framework.damages import Damage
from tests.parity.framework.declared import Parity, declared_lessons
from tools.lesson.read import lesson_paths

LESSONS = declared_lessons()
CASES = [
    pytest.param(parity.lesson, build, id=f"{parity.lesson[:2]}: {name}")
    for parity in LESSONS
    for name, build in parity.cases.items()
]
DAMAGES = [
    pytest.param(parity.lesson, parity.cases.get(name), damage, noticed, id=f"{parity.lesson[:2]}: {name}: {what}")
    for parity in LESSONS
    for name, what, damage, noticed in parity.damages
]
COUNTS = [
    pytest.param(parity.lesson, count, id=f"{parity.lesson[:2]}: {name}")
    for parity in LESSONS
    for name, count in parity.counts.items()
]


@pytest.mark.parametrize(("lesson", "build"), CASES)
def test_outputs_and_gradients_agree(lesson: str, build: Build) -> None:
    """And every parameter of the reference has a part in it."""
    build(lesson_and_solutions(lesson)).check_parameters()
    build(lesson_and_solutions(lesson)).check()


@pytest.mark.parametrize(("lesson", "build", "damage", "noticed_in"), DAMAGES)
def test_the_comparison_notices(lesson: str, build: Build, damage: Damage, noticed_in: str) -> None:
    case = build(lesson_and_solutions(lesson))
    with pytest.raises(AssertionError, match=noticed_in):
        case.check(damage)


@pytest.mark.parametrize(("lesson", "count"), COUNTS)
def test_counts_agree(lesson: str, count: Count) -> None:
    count.check(lesson_and_solutions(lesson))


@pytest.mark.parametrize("parity", LESSONS, ids=lambda parity: parity.lesson)
def test_every_case_is_damaged(parity: Parity) -> None:
    damaged = {name for name, *_ in parity.damages}
    assert parity.spared | damaged == parity.cases.keys()
    assert not parity.spared & damaged


def test_every_lesson_is_compared() -> None:
    missing = {path.stem for path in lesson_paths()} - {parity.lesson for parity in LESSONS}
    assert not missing, f"declare PARITY of {', '.join(sorted(missing))} in tests/parity/lesson_NN.py"
