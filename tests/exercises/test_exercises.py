"""Exercises grade rightly: all right answers pass; the empty stub and every plausible wrong answer fail, saying why."""

from __future__ import annotations

import functools
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from tests.shared.branches import Outcome
from tests.shared.exercises import (
    UNUSUAL_ANSWERS,
    WHOLE,
    WRONG_ANSWERS,
    Attempt,
    Exercise,
    RightAnswer,
    WrongAnswer,
    check_wrong_answers,
    exercises,
    grade,
    read_unusual_answers,
    read_wrong_answers,
)
from tools.lesson.entries import EntryError
from tools.lesson.read import find_lesson, lesson_paths, read_lesson

LESSONS = [path.stem for path in lesson_paths()]
STUDENT_SECONDS = 20  # CPU


def of_lesson(lesson: str) -> tuple[list[Exercise], list[WrongAnswer]]:
    """What can be read; test_every_exercise_is_complete says what cannot."""
    try:
        return exercises(read_lesson(find_lesson(lesson))), read_wrong_answers(WRONG_ANSWERS / f"{lesson}.toml")
    except EntryError:
        return [], []


def unusual(lesson: str) -> list[RightAnswer]:
    """Right answers unlike the reference; a file that cannot be read fails at once."""
    return read_unusual_answers(UNUSUAL_ANSWERS / f"{lesson}.toml")


def attempts(lesson: str) -> list[Attempt]:
    found, wrong = of_lesson(lesson)
    by_name = {exercise.name: exercise for exercise in found}
    made = [Attempt(f"{exercise.name} reference", exercise, exercise.solution) for exercise in found]
    made += [Attempt(f"{exercise.name} stub", exercise, exercise.stub) for exercise in found]
    made += [
        Attempt(f"{answer.exercise} wrong {number}", by_name[answer.exercise], answer.code)
        for number, answer in enumerate(wrong)
        if answer.exercise in by_name
    ]
    made += [
        Attempt(f"{answer.exercise} right {number}", by_name[answer.exercise], answer.code)
        for number, answer in enumerate(unusual(lesson))
    ]
    return made


@functools.cache
def pool() -> ThreadPoolExecutor:
    """Two lessons at a time: reading a lesson's libraries keeps one core busy."""
    return ThreadPoolExecutor(2)


@functools.cache
def grading(lesson: str) -> Future[dict[str, Outcome]]:
    """All of a lesson's attempts, graded at once in the background."""
    return pool().submit(lambda: grade(read_lesson(find_lesson(lesson)), attempts(lesson), STUDENT_SECONDS))


@pytest.fixture
def outcomes(lesson: str, request: pytest.FixtureRequest) -> dict[str, Outcome]:
    """How the attempts of a lesson end; those of the other lessons that are asked for are begun, too."""
    chosen = {
        item.callspec.params["lesson"]: None
        for item in request.session.items
        if isinstance(item, pytest.Function) and "outcomes" in item.fixturenames
    }
    for one in (lesson, *chosen):
        grading(one)
    return grading(lesson).result()


EXERCISES = [
    pytest.param(lesson, exercise, id=f"{lesson[:2]}: {exercise.name}")
    for lesson in LESSONS
    for exercise in of_lesson(lesson)[0]
]
WRONG = [
    pytest.param(lesson, number, answer, id=f"{lesson[:2]}: {answer.exercise}-{number}")
    for lesson in LESSONS
    for number, answer in enumerate(of_lesson(lesson)[1])
]
RIGHT = [
    pytest.param(lesson, number, answer, id=f"{lesson[:2]}: {answer.exercise}-{number}")
    for lesson in LESSONS
    for number, answer in enumerate(unusual(lesson))
]


@pytest.mark.parametrize("lesson", LESSONS)
def test_every_exercise_is_complete(lesson: str) -> None:
    found = exercises(read_lesson(find_lesson(lesson)))
    wrong = read_wrong_answers(WRONG_ANSWERS / f"{lesson}.toml")
    check_wrong_answers(found, wrong, f"tests/exercises/wrong_answers/{lesson}.toml")


@pytest.mark.parametrize(("lesson", "exercise"), EXERCISES)
def test_the_reference_passes(outcomes: dict[str, Outcome], lesson: str, exercise: Exercise) -> None:
    outcome = outcomes[f"{exercise.name} reference"]
    assert (outcome.end, outcome.error) == ("ran", None), (
        f"the reference solution of {exercise.name} fails in {outcome.cell} with {outcome.error}: {outcome.message}\n"
        "Exercises may use only import, set-up, carried-over and define cells."
    )


@pytest.mark.parametrize(("lesson", "exercise"), EXERCISES)
def test_the_empty_stub_fails(outcomes: dict[str, Outcome], lesson: str, exercise: Exercise) -> None:
    outcome = outcomes[f"{exercise.name} stub"]
    assert (outcome.cell, outcome.error) == ("visible tests", "NotImplementedError"), (
        f"the empty stub of {exercise.name} should fail in the visible tests, but: {outcome}"
    )


@pytest.mark.parametrize(("lesson", "number", "answer"), WRONG)
def test_a_wrong_answer_fails_with_a_reason(
    outcomes: dict[str, Outcome], lesson: str, number: int, answer: WrongAnswer
) -> None:
    outcome = outcomes[f"{answer.exercise} wrong {number}"]
    mistake = f"{answer.exercise}, wrong since {answer.misconception}:\n{answer.code}"
    assert outcome.error is not None, f"every test passes ({outcome.end}) for {mistake}"
    assert outcome.asserted, (
        f"no assertion fails, but {outcome.cell} ends in {outcome.error}: {outcome.message}\n{mistake}"
    )
    assert outcome.message, f"the assertion that fails gives no reason to {mistake}"
    assert answer.says in outcome.message, f"{outcome.message!r} does not mention {answer.says!r}: {mistake}"
    expected = "visible tests" if answer.seen else "all tests"
    assert outcome.cell == expected, f"caught by {outcome.cell}, not by {expected}: {mistake}"


@pytest.mark.parametrize(("lesson", "number", "answer"), RIGHT)
def test_an_unusual_answer_passes(outcomes: dict[str, Outcome], lesson: str, number: int, answer: RightAnswer) -> None:
    outcome = outcomes[f"{answer.exercise} right {number}"]
    assert (outcome.end, outcome.error) == ("ran", None), (
        f"{answer.exercise} refuses a right answer ({answer.unusual}) in {outcome.cell}: {outcome.message}"
    )


@pytest.mark.parametrize("lesson", LESSONS)
def test_the_students_notebook_runs_in_time(outcomes: dict[str, Outcome], lesson: str) -> None:
    """Set-up, all reference solutions and all tests, one after the other, in one interpreter."""
    outcome = outcomes[WHOLE]
    assert (outcome.end, outcome.error) == ("ran", None), f"it stops in {outcome.cell}: {outcome.message}"
