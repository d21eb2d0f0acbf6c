"""What makes a question's proof fail: the changes of tests/mutants, shown beside the proof."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import ndiff
from pathlib import Path
from typing import Any

from docutils import nodes

from tools.lesson.entries import read_toml
from vitbook.places import find_place, where, whole_lines

FOLDER = "tests/mutants"
LONGEST_INLINE = 48  # characters of a change that stands within a sentence
LONGEST_EXAMPLE = 240  # characters of a change, before and after, that is shown where there is a shorter one
MOST_REASONS = 4


@dataclass(frozen=True)
class Mutant:
    """A change of a lesson's code that makes the answer to a question false, and why."""

    question: int
    why: str
    find: str
    put: str
    sample: bool = False
    cell: str | None = None  # where it stands, if its text occurs in several cells

    @property
    def readable(self) -> tuple[bool, bool]:
        """Sort key: what is too long to be an example comes last, the sample first."""
        return len(self.find) + len(self.put) > LONGEST_EXAMPLE, not self.sample


def mutants_file(root: Path, lesson: str) -> Path:
    """Return where the mutants of a lesson lie."""
    return root / FOLDER / f"{lesson}.toml"


def read_mutants(path: Path) -> dict[int, list[Mutant]]:
    """Return the mutants of a lesson by question, the one to show first; none where there is no such file."""
    found: dict[int, list[Mutant]] = {}
    for entry in read_toml(path).get("mutant", []) if path.is_file() else []:
        texts = (entry["why"], entry["find"], entry["put"])
        mutant = Mutant(entry["question"], *texts, entry.get("sample", False), entry.get("cell"))
        found.setdefault(mutant.question, []).append(mutant)
    return {question: sorted(mutants, key=lambda mutant: mutant.readable) for question, mutants in found.items()}


def difference(find: str, put: str) -> nodes.literal_block:
    """Return a change as lines taken away, lines put in their place, and lines that stay."""
    lines = ndiff(find.splitlines(), put.splitlines())
    text = "\n".join(line for line in lines if not line.startswith("?"))
    return nodes.literal_block(text, text, language="diff", classes=["mutant"])


def fits_in_a_sentence(*texts: str) -> bool:
    """Tell whether a change is short enough to be read within a sentence."""
    return all(0 < len(text) <= LONGEST_INLINE and "\n" not in text for text in texts)


def note(mutants: list[Mutant], subject: str, cells: list[dict[str, Any]], here: int) -> nodes.container:
    """Say when a proof fails: the first change in full, the reasons of the others.

    `subject` is what fails, `cells` are those of the lesson, and `here` is the number of the one beside the note.
    """
    first, others = mutants[0], mutants[1:]
    place = find_place(first, cells)
    find, put = whole_lines(first, place)
    sentence = nodes.paragraph("", f"{subject} fails when, for example, ")
    result = nodes.container("", sentence, classes=["mutants"])
    if place is not None:
        sentence += where(place, here)
    if fits_in_a_sentence(find, put):
        sentence += [nodes.literal("", find), nodes.Text(" becomes "), nodes.literal("", put)]
        sentence += nodes.Text(f": {first.why}.")
    else:
        sentence += nodes.Text(f"this changes ({first.why}):")
        result += difference(find, put)
    if others:
        reasons = "; ".join(mutant.why for mutant in others[:MOST_REASONS])
        more = len(others) - MOST_REASONS
        result += nodes.paragraph("", f"Also noticed: {reasons}{f'; and {more} more' if more > 0 else ''}.")
    return result
