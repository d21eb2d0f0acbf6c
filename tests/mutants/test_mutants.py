"""Every answer's proof bites: a change that makes the answer false makes that question's own cell fail.

`make test` tries a sample; BOOK_ALL_MUTANTS=1, or `make mutants`, tries them all.
"""

from __future__ import annotations

import functools
import os

import pytest

from tests.mutants.mutant import (
    FOLDER,
    Mutant,
    answered_questions,
    mutants_path,
    place,
    read_mutants,
    sample,
)
from tests.mutants.runner import Result, Verdict, try_mutants
from tools.lesson.entries import EntryError
from tools.lesson.read import find_lesson, lesson_paths, read_lesson

LESSONS = [path.stem for path in lesson_paths()]


def chosen(lesson: str) -> list[Mutant]:
    try:
        mutants = read_mutants(mutants_path(lesson))
    except EntryError:
        return []  # test_every_question_has_a_mutant_that_fits says why
    return mutants if os.environ.get("BOOK_ALL_MUTANTS") == "1" else sample(mutants)


@functools.cache
def results(lesson: str) -> dict[str, Result]:
    tried = try_mutants(read_lesson(find_lesson(lesson)), chosen(lesson))
    return {result.mutant.name: result for result in tried}


@pytest.mark.parametrize("lesson", LESSONS)
def test_every_question_has_a_mutant_that_fits(lesson: str) -> None:
    notebook = read_lesson(find_lesson(lesson))
    mutants = read_mutants(mutants_path(lesson))
    answered = answered_questions(notebook)
    without = [f"Q{number}" for number in answered if number not in {mutant.question for mutant in mutants}]
    assert not without, f"add a mutant for {', '.join(without)} to tests/mutants/{lesson}.toml"
    unknown = sorted({mutant.name for mutant in mutants if mutant.question not in answered})
    assert not unknown, f"{', '.join(unknown)}: the lesson has no such question"
    for mutant in mutants:
        place(mutant, notebook)


def test_every_file_of_mutants_belongs_to_a_lesson() -> None:
    stray = sorted({path.stem for path in FOLDER.glob("*.toml")} - set(LESSONS))
    assert not stray, f"tests/mutants/ has a file for {', '.join(stray)}, but notebooks/ has no such lesson"


@pytest.mark.parametrize(
    ("lesson", "mutant"),
    [pytest.param(lesson, mutant, id=f"{lesson[:2]}-{mutant.name}") for lesson in LESSONS for mutant in chosen(lesson)],
)
def test_the_questions_own_proof_notices(lesson: str, mutant: Mutant) -> None:
    result = results(lesson)[mutant.name]
    assert result.verdict is Verdict.KILLED, (
        f"{mutant.name} {result.verdict}: {result.explanation}\n"
        f"The change makes the answer false, since {mutant.why}:\n- {mutant.find}\n+ {mutant.put}\n"
        f"Strengthen the proof in a cell tagged q{mutant.question}, or mend the mutant."
    )
