"""Exercises: statement, solution and tests as nbgrader cells, which need nothing but definitions."""

from __future__ import annotations

import ast
import re

from nbformat import NotebookNode

from tests.contract.rules.lesson import Lesson, at
from tests.contract.rules.source import BUILTINS, bound_names, module_reads, tree_of
from tools.lesson.format import DEFINING, EXERCISE_LINE, HIDDEN_TESTS_BLOCK, STATEMENT_ID
from tools.lesson.read import cell_id, has_tag, tags
from tools.lesson.student import stub, without_hidden_tests

FEWEST = 5
LEVELS = ("Easy", "Medium", "Hard")

_LEVEL = re.compile(rf"^\*({'|'.join(LEVELS)}) · (\d+) minutes\*$", re.M)


def _statements(lesson: Lesson) -> list[NotebookNode]:
    return [cell for cell in lesson.markdown if STATEMENT_ID.fullmatch(cell_id(cell))]


def _by_id(lesson: Lesson) -> dict[str, NotebookNode]:
    return {cell_id(cell): cell for cell in lesson.cells}


def has_enough_exercises(lesson: Lesson) -> list[str]:
    """Five or more, numbered from 1 in the lesson's own series."""
    numbers = [tuple(map(int, STATEMENT_ID.fullmatch(cell_id(cell)).groups())) for cell in _statements(lesson)]
    found = [] if len(numbers) >= FEWEST else [f"the lesson has {len(numbers)} exercises; write {FEWEST} or more"]
    wanted = [(lesson.number, position) for position in range(1, len(numbers) + 1)]
    if numbers != wanted:
        found.append(
            f"exercises are numbered {numbers}; number them {wanted} and name their cells exercise-1-1-statement …"
        )
    return found


def statements_are_complete(lesson: Lesson) -> list[str]:
    """Heading, difficulty and minutes, and a task."""
    found = []
    for cell in _statements(lesson):
        number = ".".join(STATEMENT_ID.fullmatch(cell_id(cell)).groups())
        heading = EXERCISE_LINE.fullmatch(cell.source.partition("\n")[0])
        if not heading or ".".join(heading.groups()[:2]) != number:
            found.append(at(cell, f"its first line must be `### Exercise {number} · Title`"))
        if not _LEVEL.search(cell.source):
            found.append(at(cell, f"it needs a line `*Easy · 10 minutes*` ({', '.join(LEVELS)})"))
        if len(cell.source.split()) < 15:
            found.append(at(cell, "it says too little; state what to write, its arguments and its result"))
    for cell in lesson.markdown:
        if re.match(r"### Exercise", cell.source) and not STATEMENT_ID.fullmatch(cell_id(cell)):
            found.append(at(cell, "its id must be exercise-1-1-statement (lesson and number)"))
    return found


def exercises_have_solution_and_tests(lesson: Lesson) -> list[str]:
    """The cells follow one another: statement, solution, tests, with the metadata that nbgrader reads."""
    found = []
    positions = {cell_id(cell): position for position, cell in enumerate(lesson.cells)}
    cells = _by_id(lesson)
    for statement in _statements(lesson):
        name = cell_id(statement).removesuffix("-statement")
        solution, tests = cells.get(name), cells.get(f"{name}-tests")
        if solution is None or tests is None:
            found.append(at(statement, f"the code cells {name} and {name}-tests must follow; add the one missing"))
            continue
        order = [positions[cell_id(cell)] for cell in (statement, solution, tests)]
        if order != list(range(order[0], order[0] + 3)):
            found.append(at(statement, "statement, solution and tests must follow one another; reorder them"))
        found += _metadata_complaints(solution, name, grade=False) + _metadata_complaints(
            tests, f"{name}-tests", grade=True
        )
    owned = {cell_id(cell).removesuffix("-statement") for cell in _statements(lesson)}
    for cell in lesson.tagged("solution", "exercise-tests"):
        if cell_id(cell).removesuffix("-tests") not in owned:
            found.append(
                at(cell, "it belongs to no exercise; name it after the statement, exercise-1-1 or exercise-1-1-tests")
            )
    return found


def _metadata_complaints(cell: NotebookNode, name: str, grade: bool) -> list[str]:
    wanted = {
        "schema_version": 3,
        "grade_id": name,
        "solution": not grade,
        "grade": grade,
        "locked": grade,
        "task": False,
    }
    stored = dict(cell.metadata.get("nbgrader", {}))
    points = stored.pop("points", None)
    found = []
    if stored != wanted:
        found.append(at(cell, f"its nbgrader metadata must be {wanted}{' and points' if grade else ''}"))
    if grade and (not isinstance(points, int) or points < 1):
        found.append(at(cell, "its nbgrader metadata needs points, a whole number from 1"))
    if not grade and points is not None:
        found.append(at(cell, "points belong to the tests, not to the solution; move them"))
    tag = "exercise-tests" if grade else "solution"
    if not has_tag(cell, tag):
        found.append(at(cell, f"tag it {tag}"))
    return found


def solutions_leave_a_stub(lesson: Lesson) -> list[str]:
    """One function or class with a docstring; markers round its body."""
    found = []
    for cell in lesson.tagged("solution"):
        try:
            left = ast.parse(stub(cell.source))
        except (ValueError, SyntaxError) as error:
            found.append(at(cell, f"no stub can be made of it: {error}"))
            continue
        definitions = [node for node in left.body if isinstance(node, (ast.FunctionDef, ast.ClassDef))]
        if len(definitions) != 1:
            found.append(
                at(cell, f"it defines {len(definitions)} functions or classes outside the markers; define one")
            )
        elif not ast.get_docstring(definitions[0]):
            found.append(at(cell, "what it defines has no docstring before ### BEGIN SOLUTION; say what to return"))
    return found


def tests_speak(lesson: Lesson) -> list[str]:
    """Visible asserts, each with a message that names the likely mistake; then tests for grading."""
    found = []
    for cell in lesson.tagged("exercise-tests"):
        if not HIDDEN_TESTS_BLOCK.search(cell.source):
            found.append(at(cell, "it needs tests for grading between ### BEGIN HIDDEN TESTS and ### END HIDDEN TESTS"))
        try:
            visible = ast.parse(without_hidden_tests(cell.source))
        except SyntaxError as error:
            found.append(at(cell, f"without its hidden tests it is not Python: {error}; mend the markers"))
            continue
        asserts = [node for node in ast.walk(visible) if isinstance(node, ast.Assert)]
        if not asserts:
            found.append(at(cell, "no assert is left when the hidden tests are taken out; keep one or more visible"))
        mute = [node for node in asserts if node.msg is None]
        if mute:
            found.append(at(cell, f"`{ast.unparse(mute[0])}` has no message; name the likely mistake"))
        if re.search(r"### BEGIN HIDDEN TESTS\n\s*### END", cell.source):
            found.append(at(cell, "its hidden tests are empty; write one"))
    return found


def exercises_need_only_definitions(lesson: Lesson) -> list[str]:
    """A solution and its tests run after the defining cells alone, each exercise without the others."""
    defined = set().union(
        BUILTINS, *(bound_names(tree_of(cell)) for cell in lesson.code if DEFINING.intersection(tags(cell)))
    )
    cells = _by_id(lesson)
    found = []
    for statement in _statements(lesson):
        name = cell_id(statement).removesuffix("-statement")
        known = set(defined)
        for cell in (cells.get(name), cells.get(f"{name}-tests")):
            if cell is None:
                continue
            tree = tree_of(cell)
            known |= bound_names(tree)
            strange = sorted(module_reads(tree) - known)
            if strange:
                found.append(
                    at(cell, f"it reads {', '.join(strange)}, which no define cell makes; define it there or here")
                )
    return found
