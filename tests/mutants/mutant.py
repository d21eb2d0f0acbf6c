"""The mutants of a lesson: small changes of its code, each of which makes the answer to one question false.

One file a lesson, `tests/mutants/NN_slug.toml`:

    [[mutant]]
    question = 11
    why = "without the final norm the last tokens are not normalised"
    find = "return self.head(self.norm(x)[:, 0])"
    put = "return self.head(x[:, 0])"
    cell = "vit"        # only when `find` occurs in several cells
    sample = true       # `make test` tries this one, and not the first of its question

`find` must occur exactly once in the lesson's code (exercises apart). The question's own proof cell, tagged `q11`, must
then fail by assertion.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path

from nbformat import NotebookNode

from tools.lesson.entries import EntryError, entries_of, read_toml
from tools.lesson.format import QUESTION_TAG
from tools.lesson.proving import EXERCISES, assertions_of, places_of
from tools.lesson.read import cell_id, code_cells, has_tag, question_of, tags

FOLDER = Path(__file__).resolve().parent
_KEYS = {"question": int, "why": str, "find": str, "put": str, "cell": str, "sample": bool}
_OPTIONAL = frozenset({"cell", "sample"})


@dataclass(frozen=True)
class Mutant:
    """One change of a lesson's code. `name` is the question and a running number within it: q11-2."""

    name: str
    question: int
    why: str
    find: str
    put: str
    cell: str | None = None
    sample: bool = False


@dataclass(frozen=True)
class Placed:
    """A mutant and the code cell (its number among the code cells) it changes."""

    mutant: Mutant
    index: int
    source: str


def mutants_path(lesson: str, folder: Path = FOLDER) -> Path:
    """Where the mutants of a lesson stand."""
    return folder / f"{lesson}.toml"


def read_mutants(path: Path) -> list[Mutant]:
    """The mutants of a file, in its order; EntryError when an entry is not understood."""
    content = read_toml(path, "every lesson needs one, with at least one mutant a question")
    mutants: list[Mutant] = []
    for entry in entries_of(content, path.name, "mutant", _KEYS, _OPTIONAL):
        question = entry["question"]
        running = 1 + sum(mutant.question == question for mutant in mutants)
        if entry.get("sample") and any(mutant.sample for mutant in mutants if mutant.question == question):
            raise EntryError(f"{path.name}: question {question} has two samples; one a question is tried")
        mutants.append(Mutant(name=f"q{question}-{running}", **entry))
    return mutants


def questions(cell: NotebookNode) -> set[int]:
    """The questions a code cell is a proof of, by its tags."""
    return {int(match[1]) for tag in tags(cell) if (match := QUESTION_TAG.fullmatch(tag))}


def answered_questions(notebook: NotebookNode) -> list[int]:
    """The questions a lesson answers, in its order."""
    return [question["id"] for cell in notebook.cells if (question := question_of(cell))]


def place(mutant: Mutant, notebook: NotebookNode) -> Placed:
    """Apply a mutant to the one cell that has its text; EntryError when it does not fit the lesson."""
    cells = list(code_cells(notebook))
    proofs = [index for index, cell in enumerate(cells) if mutant.question in questions(cell)]
    if not proofs:
        raise EntryError(f"{mutant.name}: no code cell of the lesson is tagged q{mutant.question}")
    if mutant.find == mutant.put:
        raise EntryError(f"{mutant.name}: `find` and `put` are the same text")
    if mutant.cell not in (None, *(cell_id(cell) for cell in cells if not has_tag(cell, *EXERCISES))):
        raise EntryError(f"{mutant.name}: the lesson has no code cell {mutant.cell!r} outside the exercises")
    hits = places_of(mutant, cells)
    if len(hits) != 1:
        where = ", ".join(sorted({hit.name for hit in hits})) or "no cell"
        raise EntryError(
            f"{mutant.name}: its text must occur once, but occurs {len(hits)} times ({where}); "
            f'lengthen `find`, or name the cell: cell = "..."\n{mutant.find}'
        )
    (hit,) = hits
    if hit.index > proofs[-1]:
        raise EntryError(f"{mutant.name}: cell {hit.name} runs after the last cell tagged q{mutant.question}")
    source = hit.source.replace(mutant.find, mutant.put)
    try:
        changed = _assertions(source)
    except SyntaxError as error:
        raise EntryError(f"{mutant.name}: the changed cell {hit.name} is not valid Python: {error}") from None
    if changed != _assertions(hit.source):
        raise EntryError(
            f"{mutant.name}: it changes an assertion of cell {hit.name}; change the code the assertion is about"
        )
    return Placed(mutant, hit.index, source)


def _assertions(source: str) -> list[str]:
    """The assertions of a cell in comparable form."""
    return sorted(ast.dump(node) for node in assertions_of(source))


def sample(mutants: list[Mutant]) -> list[Mutant]:
    """The one of each question that `make test` tries: the one marked `sample`, or else the first."""
    chosen: dict[int, Mutant] = {}
    for mutant in mutants:
        if mutant.question not in chosen or mutant.sample:
            chosen[mutant.question] = mutant
    return [mutant for mutant in mutants if chosen[mutant.question] is mutant]
