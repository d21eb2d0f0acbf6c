"""What makes a question's proof fail: the changes of tests/mutants, shown beside the proof."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import ndiff
from pathlib import Path
from textwrap import dedent

from docutils import nodes

from tools.lesson.entries import read_toml

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
        mutant = Mutant(entry["question"], entry["why"], entry["find"], entry["put"], entry.get("sample", False))
        found.setdefault(mutant.question, []).append(mutant)
    return {question: sorted(mutants, key=lambda mutant: mutant.readable) for question, mutants in found.items()}


def aligned(code: str) -> list[str]:
    """Return the lines of a piece of code that may begin within a line, without the indentation they share."""
    first, _, rest = code.partition("\n")
    if rest and not first.startswith(" ") and not first.endswith((":", "(", "[", "{")):
        return [first, *dedent(rest).splitlines()]
    return dedent(code).splitlines()


def difference(mutant: Mutant) -> nodes.literal_block:
    """Return a change as lines taken away, lines put in their place, and lines that stay."""
    lines = ndiff(aligned(mutant.find), aligned(mutant.put))
    text = "\n".join(line for line in lines if not line.startswith("?"))
    return nodes.literal_block(text, text, language="diff", classes=["mutant"])


def fits_in_a_sentence(mutant: Mutant) -> bool:
    """Tell whether a change is short enough to be read within a sentence."""
    return all(0 < len(text) <= LONGEST_INLINE and "\n" not in text for text in (mutant.find, mutant.put))


def note(mutants: list[Mutant], subject: str) -> nodes.container:
    """Say when a proof fails: the first change in full, the reasons of the others. `subject` is what fails."""
    first, others = mutants[0], mutants[1:]
    sentence = nodes.paragraph("", f"{subject} fails when, for example, ")
    result = nodes.container("", sentence, classes=["mutants"])
    if fits_in_a_sentence(first):
        sentence += [nodes.literal("", first.find), nodes.Text(" becomes "), nodes.literal("", first.put)]
        sentence += nodes.Text(f": {first.why}.")
    else:
        sentence += nodes.Text(f"this changes ({first.why}):")
        result += difference(first)
    if others:
        reasons = "; ".join(mutant.why for mutant in others[:MOST_REASONS])
        more = len(others) - MOST_REASONS
        result += nodes.paragraph("", f"Also noticed: {reasons}{f'; and {more} more' if more > 0 else ''}.")
    return result
