"""The exercise runner: what a student receives, what is graded, and which exercises are refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook

from tests.shared.exercises import (
    WHOLE,
    Attempt,
    WrongAnswer,
    check_wrong_answers,
    exercises,
    grade,
    read_wrong_answers,
)
from tools.lesson.entries import EntryError

SOLUTION = '''#@title Solution of Exercise 1.1
def area(width, height):
    """The area of a rectangle."""
    ### BEGIN SOLUTION
    product = width * height
    return scale(product)
    ### END SOLUTION
'''

TESTS = """assert area(2, 3) == 6, f"2 by 3 is 6, not {area(2, 3)}"
### BEGIN HIDDEN TESTS
assert area(0, 3) == 0, "an empty rectangle has no area"
### END HIDDEN TESTS"""


def lesson(solution: str = SOLUTION, tests: str = TESTS, tests_id: str = "exercise-1-1-tests") -> NotebookNode:
    def cell(name: str, tags: str, source: str) -> NotebookNode:
        return new_code_cell(source, id=name, metadata={"tags": tags.split()})

    return new_notebook(
        cells=[
            cell("scale", "define", "def scale(x):\n    return x"),
            cell("experiment", "q1", "raise RuntimeError('students do not run experiments')"),
            cell("exercise-1-1", "hide-input solution", solution),
            cell(tests_id, "exercise-tests", tests),
        ]
    )


def answer(body: str) -> str:
    return f"def area(width, height):\n    return {body}\n"


def test_the_stub_keeps_signature_and_docstring_and_not_the_solution() -> None:
    [exercise] = exercises(lesson())
    assert (
        exercise.stub
        == SOLUTION[SOLUTION.index("def") : SOLUTION.index("    ### BEGIN")] + "    raise NotImplementedError()"
    )
    assert exercise.visible_tests == TESTS.splitlines()[0]


def test_answers_are_graded_in_the_students_setting() -> None:
    notebook = lesson()
    [exercise] = exercises(notebook)
    answers = {
        "reference": SOLUTION,
        "stub": exercise.stub,
        "sum": answer("width + height"),
        "one too many": answer("width * height or 1"),
        "crash": answer("width / 0"),
        "syntax": "def area(width, height): return width *",
        "misses the set-up": answer("experiment_result"),
    }
    outcomes = grade(notebook, [Attempt(name, exercise, code) for name, code in answers.items()], limit=60)
    seen = {name: (outcome.cell, outcome.error, outcome.asserted) for name, outcome in outcomes.items()}
    assert seen == {
        "reference": (None, None, False),
        "stub": ("visible tests", "NotImplementedError", False),
        "sum": ("visible tests", "AssertionError", True),
        "one too many": ("all tests", "AssertionError", True),
        "crash": ("visible tests", "ZeroDivisionError", False),
        "syntax": ("answer", "SyntaxError", False),
        "misses the set-up": ("visible tests", "NameError", False),
        WHOLE: (None, None, False),
    }
    assert outcomes["sum"].message == "2 by 3 is 6, not 5"


def test_a_student_needs_too_long() -> None:
    outcome = grade(lesson(), [], limit=0.001)[WHOLE]
    assert (outcome.cell, outcome.asserted) == ("time", True)
    assert "CPU seconds, allowed are 0.001" in outcome.message


def test_a_solution_that_spoils_another_is_noticed() -> None:
    spoils = SOLUTION.replace("    ### BEGIN", "    global scale\n    ### BEGIN").replace(
        "    product =", "    scale = lambda x: 0 * x\n    product ="
    )
    outcome = grade(lesson(spoils), [], limit=60)[WHOLE]
    assert (outcome.cell, outcome.error) == ("exercise-1-1-tests", "AssertionError")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"solution": SOLUTION.replace("    ### END SOLUTION\n", "")}, "exactly one ### BEGIN SOLUTION"),
        ({"tests": TESTS.replace("### BEGIN HIDDEN TESTS\n", "")}, "exactly one ### BEGIN HIDDEN TESTS"),
        ({"tests_id": "exercise-1-2-tests"}, "exercise-1-1 has no tests"),
    ],
    ids=lambda value: "",
)
def test_an_incomplete_exercise_is_refused(changes: dict[str, str], message: str) -> None:
    with pytest.raises(EntryError, match=message):
        exercises(lesson(**changes))


def test_tests_without_an_exercise_are_refused() -> None:
    notebook = lesson()
    notebook.cells[2].metadata.tags = ["hide-input"]
    with pytest.raises(EntryError, match="tests without an exercise"):
        exercises(notebook)


@pytest.mark.parametrize(
    ("codes", "message"),
    [
        ([], "needs two different plausible wrong answers in it.toml, it has 0"),
        ([answer("1")], "it has 1"),
        ([answer("1"), answer("1  # again")], "it has 1"),
        ([answer("1"), answer("2").replace("area", "surface")], "asks for"),
        ([answer("1"), answer("2").replace("height", "depth")], "asks for"),
    ],
    ids=["none", "one", "the same twice", "another name", "other parameters"],
)
def test_too_few_or_unusable_wrong_answers_are_refused(codes: list[str], message: str) -> None:
    wrong = [WrongAnswer("exercise-1-1", "a slip", code) for code in codes]
    with pytest.raises(EntryError, match=message):
        check_wrong_answers(exercises(lesson()), wrong, "it.toml")
    check_wrong_answers(exercises(lesson()), [WrongAnswer("exercise-1-1", "", answer(x)) for x in "12"], "it.toml")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "there is no it.toml"),
        ("[[wrong]", "not valid TOML"),
        ("[[wrongs]]", "unknown table"),
        ('[[wrong]]\nexercise = "exercise-1-1"\ncode = ""', "misconception is missing"),
        ('[[wrong]]\nexercise = "exercise-1-1"\ncode = ""\nmisconception = ""\nhint = ""', "unknown key"),
    ],
    ids=lambda value: "",
)
def test_a_bad_file_of_wrong_answers_is_explained(tmp_path: Path, text: str | None, message: str) -> None:
    if text is not None:
        (tmp_path / "it.toml").write_text(text, encoding="utf-8")
    with pytest.raises(EntryError, match=message):
        read_wrong_answers(tmp_path / "it.toml")
