"""A lesson's exercises as a student meets them: the cells of the student notebook, then one answer.

Wrong answers stand in one file a lesson, `tests/exercises/wrong_answers/NN_slug.toml`:

    [[wrong]]
    exercise = "exercise-1-1"
    misconception = "adds the sides instead of multiplying them"
    says = "multiply"        # optional: must stand in the message of the assertion that fails
    seen = false             # optional: only the grading tests catch it
    code = '''
    def area(width, height):
        return width + height
    '''

Right answers that look unlike the reference may stand in `tests/exercises/unusual_answers/NN_slug.toml`, as `[[right]]`
with `exercise`, `unusual` (what is) and `code`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from nbformat import NotebookNode

from tests.shared.branches import Branch, Outcome, Step, explore
from tools.lesson.entries import EntryError, entries_of, read_toml
from tools.lesson.format import EXERCISE_TESTS, HIDDEN_TESTS_BLOCK, SOLUTION, SOLUTION_BLOCK
from tools.lesson.read import ROOT, cell_id, code_cells, has_tag
from tools.lesson.student import student_notebook

WRONG_ANSWERS = ROOT / "tests" / "exercises" / "wrong_answers"
UNUSUAL_ANSWERS = ROOT / "tests" / "exercises" / "unusual_answers"

_WRONG_KEYS = {"exercise": str, "misconception": str, "code": str, "says": str, "seen": bool}
_WRONG_OPTIONAL = frozenset({"says", "seen"})
_RIGHT_KEYS = {"exercise": str, "unusual": str, "code": str}


@dataclass(frozen=True)
class Exercise:
    """An exercise of a lesson. `name` is its cell's id, exercise-1-1."""

    name: str
    solution: str
    tests: str
    stub: str
    visible_tests: str


@dataclass(frozen=True)
class WrongAnswer:
    """A plausible mistake.

    `says` must stand in the message it gets; `seen = false` if only the grading tests catch it.
    """

    exercise: str
    misconception: str
    code: str
    says: str = ""
    seen: bool = True


@dataclass(frozen=True)
class RightAnswer:
    """An answer that the tests must let pass, and what is unusual about it."""

    exercise: str
    unusual: str
    code: str


def exercises(notebook: NotebookNode) -> list[Exercise]:
    """The exercises of a lesson, in order; EntryError when one is incomplete."""
    cells = list(code_cells(notebook))
    solutions = {cell_id(cell): cell.source for cell in cells if has_tag(cell, SOLUTION)}
    tests = {cell_id(cell): cell.source for cell in cells if has_tag(cell, EXERCISE_TESTS)}
    for name, solution in solutions.items():
        if f"{name}-tests" not in tests:
            raise EntryError(f"{name} has no tests; add a cell with the id {name}-tests and the tag exercise-tests")
        if len(SOLUTION_BLOCK.findall(solution)) != 1:
            raise EntryError(f"{name} needs exactly one ### BEGIN SOLUTION … ### END SOLUTION, each on its own line")
        if len(HIDDEN_TESTS_BLOCK.findall(tests[f"{name}-tests"])) != 1:
            raise EntryError(f"{name}-tests needs exactly one ### BEGIN HIDDEN TESTS … ### END HIDDEN TESTS")
    if stray := tests.keys() - {f"{name}-tests" for name in solutions}:
        raise EntryError(f"{', '.join(stray)}: tests without an exercise; its cell needs the tag solution")
    given = {cell_id(cell): cell.source for cell in code_cells(student_notebook(notebook))}
    return [
        Exercise(name, solution, tests[f"{name}-tests"], given[name], given[f"{name}-tests"])
        for name, solution in solutions.items()
    ]


def set_up(notebook: NotebookNode) -> list[Step]:
    """What a student runs before the first exercise: all of the student notebook but the exercises."""
    exercise_cells = {name for exercise in exercises(notebook) for name in (exercise.name, f"{exercise.name}-tests")}
    cells = code_cells(student_notebook(notebook))
    return [Step(cell_id(cell), cell.source) for cell in cells if cell_id(cell) not in exercise_cells]


def read_wrong_answers(path: Path) -> list[WrongAnswer]:
    """The wrong answers of a file; EntryError when an entry is not understood."""
    content = read_toml(path, "every exercise needs two plausible wrong answers in it")
    return [WrongAnswer(**entry) for entry in entries_of(content, path.name, "wrong", _WRONG_KEYS, _WRONG_OPTIONAL)]


def read_unusual_answers(path: Path) -> list[RightAnswer]:
    """The right answers of a file, none if there is no file; EntryError when an entry is not understood."""
    if not path.exists():
        return []
    return [RightAnswer(**entry) for entry in entries_of(read_toml(path), path.name, "right", _RIGHT_KEYS)]


def check_wrong_answers(found: Iterable[Exercise], answers: Iterable[WrongAnswer], file: str) -> None:
    """EntryError unless every exercise has two different wrong answers that define what the reference defines."""
    known = {exercise.name: exercise for exercise in found}
    answers = list(answers)
    for answer in answers:
        if answer.exercise not in known:
            raise EntryError(f"{file}: the lesson has no exercise {answer.exercise!r}")
        wanted, given = (signatures(code) for code in (known[answer.exercise].solution, answer.code))
        if wanted != given:
            raise EntryError(
                f"{file}: a wrong answer to {answer.exercise} defines {given}, the exercise asks for {wanted}"
            )
    for name in known:
        distinct = {ast.dump(ast.parse(answer.code)) for answer in answers if answer.exercise == name}
        if len(distinct) < 2:
            raise EntryError(f"{name} needs two different plausible wrong answers in {file}, it has {len(distinct)}")


def signatures(code: str) -> dict[str, list[str]]:
    """The functions a cell defines, with the names of their parameters."""
    functions = (node for node in ast.parse(code).body if isinstance(node, ast.FunctionDef | ast.ClassDef))
    return {node.name: [entry.arg for entry in ast.walk(node) if isinstance(entry, ast.arg)] for node in functions}


@dataclass(frozen=True)
class Attempt:
    """An answer to an exercise; `name` is free, but its own."""

    name: str
    exercise: Exercise
    answer: str


WHOLE = "the whole notebook"


def grade(notebook: NotebookNode, attempts: Iterable[Attempt], limit: float) -> dict[str, Outcome]:
    """Run every attempt in a student's notebook of its own. An outcome's `cell` is answer, visible tests or all tests.

    The tests run twice, as they do for a student: first what the student sees, then the whole cell when it is graded.
    Beside the attempts stands the outcome of WHOLE: all solutions and tests, one after the other, in `limit` CPU
    seconds, set-up included.
    """
    trunk = [*set_up(notebook), Step("time", "import time as _time\n_set_up_seconds = _time.process_time()")]
    branches = [
        Branch(
            attempt.name,
            len(trunk),
            (
                Step("answer", attempt.answer),
                Step("visible tests", attempt.exercise.visible_tests),
                Step("all tests", attempt.exercise.tests),
            ),
        )
        for attempt in attempts
    ]
    return explore(trunk, [Branch(WHOLE, len(trunk), _whole(notebook, limit)), *branches])


def _whole(notebook: NotebookNode, limit: float) -> tuple[Step, ...]:
    """All exercises as if one student had solved them, and how long that took; a forked process counts from zero."""
    steps = []
    for exercise in exercises(notebook):
        steps += [Step(exercise.name, exercise.solution), Step(f"{exercise.name}-tests", exercise.tests)]
    told = (
        "_seconds = _set_up_seconds + _time.process_time()\n"
        f"assert _seconds <= {limit}, f'the student notebook takes {{_seconds:.1f}} CPU seconds, allowed are {limit:g}'"
    )
    return (*steps, Step("time", told))
