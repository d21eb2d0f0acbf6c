"""What a new lesson begins with: the text of each of its files, with what is to be written marked as such."""

from __future__ import annotations

import ast
import inspect

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from tools.lesson.format import (
    DEFINE,
    DIFFICULTIES,
    IMPORTS,
    OPENING,
    PLOT,
    SETUP,
    SHORT_ANSWER,
    TO_WRITE,
    RegisteredLesson,
    files_of,
)
from tools.lesson.normalise import normalised, text_of
from tools.lesson.read import code_cells, has_tag

EXERCISES = 5
LICENCE = "Text CC BY 4.0, code MIT. Cite as *Vision Transformers from Tensors Up*, Lesson {number}."


def stub_files(lesson: RegisteredLesson, first: NotebookNode) -> dict[str, str]:
    """All files of a lesson by their path; `first` is the notebook of Lesson 1, whose set-up all lessons share."""
    texts = [
        text_of(notebook(lesson, first)),
        references(lesson),
        f"{TO_WRITE} the lesson's formulas, each with the question that derives it.\n",
        _toml(
            "mutant",
            "question",
            "Each entry makes one answer of the lesson false. Its own proof must notice, by assertion",
        ),
        _toml(
            "wrong",
            "exercise",
            "Plausible mistakes. Each must fail by assertion, with a message that helps whoever made it",
        ),
        parity(lesson),
        portable(lesson),
    ]
    return dict(zip(files_of(lesson), texts, strict=True))


def notebook(lesson: RegisteredLesson, first: NotebookNode) -> NotebookNode:
    """The notebook with its headings, as it is stored."""
    setup = next(cell.source for cell in code_cells(first) if has_tag(cell, SETUP))
    imports = next(cell.source for cell in code_cells(first) if has_tag(cell, IMPORTS))
    cells = [
        new_markdown_cell(title(lesson), id="title"),
        new_code_cell(
            imports_for(setup, imports), id="imports", metadata={"tags": [DEFINE, IMPORTS]}, execution_count=1
        ),
        new_code_cell(setup, id="setup", metadata={"tags": [DEFINE, SETUP]}, execution_count=2),
        new_markdown_cell(opening(lesson), id="opening"),
        new_markdown_cell(
            f"## 1 · A concept\n\n{TO_WRITE} four to six parts, each with a concept and the questions it answers.",
            id="part-concept",
        ),
        *(question(number, wording) for number, wording in lesson.wordings.items()),
        new_markdown_cell(
            "## Exercises\n\nSolutions are folded below each exercise. "
            "The student notebook holds the definitions and the exercises alone.",
            id="exercises",
        ),
        *(exercise(lesson.number, number) for number in range(1, EXERCISES + 1)),
        new_markdown_cell(f"## Summary\n\n1. {TO_WRITE} ten lines at most.", id="summary"),
        new_markdown_cell(f"## Sources\n\n- {TO_WRITE} the papers that the lesson cites, with links.", id="sources"),
    ]
    return normalised(new_notebook(cells=cells))


def code(source: str, name: str, tags: list[str], count: int) -> NotebookNode:
    """A code cell that prints nothing."""
    return new_code_cell(source, id=name, metadata={"tags": tags}, execution_count=count)


def title(lesson: RegisteredLesson) -> str:
    """Title and promise; the picture of the whole follows when it is drawn."""
    return inspect.cleandoc(f"""
        # Lesson {lesson.number} · {lesson.title}

        {TO_WRITE} one sentence of promise, what the reader will have understood.
    """)


def opening(lesson: RegisteredLesson) -> str:
    """Caption of the picture, answer to the headline question, and table."""
    minutes = -(-lesson.budget // 60)
    return inspect.cleandoc(f"""
        *{TO_WRITE} above, a cell tagged {PLOT} and {OPENING} that draws the whole; here, what to see in it.*

        {TO_WRITE} the headline question's answer, in a sentence or two.

        | | |
        | --- | --- |
        | Questions answered | Q{lesson.first}–Q{lesson.last} |
        | Time | computed by `make notebooks` |
        | Running time | under {minutes} minutes on a laptop, no GPU, nothing to download |
        | You need | {TO_WRITE} what to know first |
        | Afterwards you can | {TO_WRITE} verbs |

        {LICENCE.format(number=lesson.number)}
    """)


def imports_for(setup: str, imports: str) -> str:
    """Of Lesson 1's imports, those that the set-up cell uses."""
    used = {node.id for node in ast.walk(ast.parse(setup)) if isinstance(node, ast.Name)}
    kept = []
    for statement in ast.parse(imports).body:
        if isinstance(statement, ast.Import | ast.ImportFrom):
            names = [alias for alias in statement.names if (alias.asname or alias.name).partition(".")[0] in used]
            statement.names = names
            kept += [ast.unparse(statement)] * bool(names)
    return "\n".join(kept) or "import torch"


def question(number: int, wording: str) -> NotebookNode:
    """A question's heading."""
    answer = "What you would say aloud, in 60 words."
    return new_markdown_cell(
        f"### Q{number} · {wording}\n\n> **{SHORT_ANSWER}.** **{TO_WRITE} a headline.** {answer}",
        id=f"q{number}",
        metadata={"question": {"id": number, "difficulty": DIFFICULTIES[0], "topics": []}},
    )


def exercise(lesson: int, number: int) -> NotebookNode:
    """An exercise's heading."""
    return new_markdown_cell(
        f"### Exercise {lesson}.{number} · {TO_WRITE} a name\n\n*Easy · 10 minutes*\n\n{TO_WRITE} the task.",
        id=f"exercise-{lesson}-{number}-statement",
    )


def references(lesson: RegisteredLesson) -> str:
    """The bibliography."""
    return (
        f"Keys are unique in the whole book: a source that an earlier lesson lists, too, ends in -l{lesson.number}.\n\n"
        f"{TO_WRITE} every source that the lesson cites.\n"
    )


def _toml(table: str, of: str, says: str) -> str:
    return f"# {says}.\n\n# {TO_WRITE} [[{table}]] entries, for each {of}.\n"


def parity(lesson: RegisteredLesson) -> str:
    """The comparison with published implementations."""
    return f'''"""Lesson {lesson.number} beside published implementations."""

from __future__ import annotations

from tests.parity.framework.declared import Parity

# {TO_WRITE} cases, what each must notice when it is damaged, and what is counted; lesson_01 shows how.
PARITY = Parity("{lesson.name}", cases={{}}, damages=())
'''


def portable(lesson: RegisteredLesson) -> str:
    """The factories of its definitions."""
    return f'''"""How to make and call each public definition of Lesson {lesson.number}; see `check.py`."""

from __future__ import annotations

from tests.portable.check import Case

# {TO_WRITE} a case for each definition, or the reason why it needs none.
CASES: dict[str, Case] = {{}}
EXEMPT: dict[str, str] = {{}}
'''
