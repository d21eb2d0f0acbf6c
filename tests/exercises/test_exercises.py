"""Exercises grade rightly: the reference passes; the empty stub and every plausible wrong answer fail, saying why."""

from __future__ import annotations

import functools
import time

import pytest

from tests.shared.branches import Branch, Outcome, Step, explore
from tests.shared.exercises import (
    WRONG_ANSWERS,
    Attempt,
    Exercise,
    WrongAnswer,
    check_wrong_answers,
    exercises,
    grade,
    read_wrong_answers,
    set_up,
)
from tools.lesson.entries import EntryError
from tools.lesson.read import find_lesson, lesson_paths, read_lesson

LESSONS = [path.stem for path in lesson_paths()]
STUDENT_SECONDS = 20


def of_lesson(lesson: str) -> tuple[list[Exercise], list[WrongAnswer]]:
    """What can be read; test_every_exercise_is_complete says what cannot."""
    try:
        return exercises(read_lesson(find_lesson(lesson))), read_wrong_answers(WRONG_ANSWERS / f"{lesson}.toml")
    except EntryError:
        return [], []


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
    return made


@functools.cache
def outcomes(lesson: str) -> dict[str, Outcome]:
    return grade(read_lesson(find_lesson(lesson)), attempts(lesson))


EXERCISES = [
    pytest.param(lesson, exercise, id=exercise.name) for lesson in LESSONS for exercise in of_lesson(lesson)[0]
]
WRONG = [
    pytest.param(lesson, number, answer, id=f"{answer.exercise}-{number}")
    for lesson in LESSONS
    for number, answer in enumerate(of_lesson(lesson)[1])
]


@pytest.mark.parametrize("lesson", LESSONS)
def test_every_exercise_is_complete(lesson: str) -> None:
    found = exercises(read_lesson(find_lesson(lesson)))
    wrong = read_wrong_answers(WRONG_ANSWERS / f"{lesson}.toml")
    check_wrong_answers(found, wrong, f"tests/exercises/wrong_answers/{lesson}.toml")


@pytest.mark.parametrize(("lesson", "exercise"), EXERCISES)
def test_the_reference_passes(lesson: str, exercise: Exercise) -> None:
    outcome = outcomes(lesson)[f"{exercise.name} reference"]
    assert (outcome.end, outcome.error) == ("ran", None), (
        f"the reference solution of {exercise.name} fails in {outcome.cell} with {outcome.error}: {outcome.message}\n"
        "Exercises may use only import, set-up, carried-over and define cells."
    )


@pytest.mark.parametrize(("lesson", "exercise"), EXERCISES)
def test_the_empty_stub_fails(lesson: str, exercise: Exercise) -> None:
    outcome = outcomes(lesson)[f"{exercise.name} stub"]
    assert (outcome.cell, outcome.error) == ("visible tests", "NotImplementedError"), (
        f"the empty stub of {exercise.name} should fail in the visible tests, but: {outcome}"
    )


@pytest.mark.parametrize(("lesson", "number", "answer"), WRONG)
def test_a_wrong_answer_fails_with_a_reason(lesson: str, number: int, answer: WrongAnswer) -> None:
    outcome = outcomes(lesson)[f"{answer.exercise} wrong {number}"]
    mistake = f"{answer.exercise}, wrong since {answer.misconception}:\n{answer.code}"
    assert outcome.error is not None, f"every test passes ({outcome.end}) for {mistake}"
    assert outcome.asserted, (
        f"no assertion fails, but {outcome.cell} ends in {outcome.error}: {outcome.message}\n{mistake}"
    )
    assert outcome.message, f"the assertion that fails gives no reason to {mistake}"
    assert answer.says in outcome.message, f"{outcome.message!r} does not mention {answer.says!r}: {mistake}"
    expected = "visible tests" if answer.seen else "all tests"
    assert outcome.cell == expected, f"caught by {outcome.cell}, not by {expected}: {mistake}"


@pytest.mark.parametrize("lesson", LESSONS)
def test_the_students_notebook_runs_in_time(lesson: str) -> None:
    """Set-up, all reference solutions and all tests, one after the other, in a fresh interpreter."""
    notebook = read_lesson(find_lesson(lesson))
    trunk = set_up(notebook)
    for exercise in exercises(notebook):
        trunk += [Step(exercise.name, exercise.solution), Step(f"{exercise.name}-tests", exercise.tests)]
    started = time.perf_counter()
    explore(trunk, [Branch("end", len(trunk), ())])
    seconds = time.perf_counter() - started
    assert seconds <= STUDENT_SECONDS, f"the student notebook takes {seconds:.0f} s, allowed are {STUDENT_SECONDS}"
