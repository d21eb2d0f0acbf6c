"""What a lesson looks like, said once: names, headings, tags and markers, and the book's list of lessons.

Needs nothing but Python: the tools, the tests and the site's Sphinx extension all read lessons by these patterns.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

REGISTRY = Path(__file__).resolve().parents[2] / "book" / "lessons.toml"

# --- Names -----------------------------------------------------------------------------------------------------------
LESSON_NAME = re.compile(r"(?P<number>\d\d)_[a-z0-9_]+")  # of a notebook, without .ipynb
LESSON_FILE = re.compile(r"(?:.*/)?(?P<number>\d\d)_[a-z0-9_]+")  # of its page, with the folder
STATEMENT_ID = re.compile(r"exercise-(\d+)-(\d+)-statement")  # ids of an exercise's cells: lesson and number
SOLUTION_ID = re.compile(r"exercise-(\d+)-(\d+)")
TESTS_ID = re.compile(r"exercise-(\d+)-(\d+)-tests")
FIGURE_ID = re.compile(r"figure-([a-z][a-z0-9-]*)")  # of the cell that shows book/figures/NAME.svg, hyphens for _

# --- Headings, as text and as a line of Markdown ---------------------------------------------------------------------
QUESTION = re.compile(r"Q(\d+) · (.+)")
QUESTION_LINE = re.compile(r"^### Q(\d+) · (.+)$", re.MULTILINE)
EXERCISE = re.compile(r"Exercise (\d+)\.(\d+) · (.+)")
EXERCISE_LINE = re.compile(r"^### Exercise (\d+)\.(\d+) · (.+)$", re.MULTILINE)
LAST_PARTS = ("Exercises", "Summary", "Sources")
TO_WRITE = "To be written:"  # opens what a fresh lesson lacks; a lesson in which it is left is not done

# --- Labels that open a block quote, and what a question or an exercise may be called --------------------------------
SHORT_ANSWER, CAREFUL, ASK_NEXT = "Short answer", "Careful", "They may ask next"
LABELS = (SHORT_ANSWER, CAREFUL, ASK_NEXT)
LABEL_LINE = re.compile(rf"^\*\*({'|'.join(LABELS)})\.\*\*\s*")
DIFFICULTIES = ("core", "deeper", "expert")

# --- Tags ------------------------------------------------------------------------------------------------------------
IMPORTS, SETUP, CARRIED_OVER, DEFINE = "imports", "setup", "carried-over", "define"
PLOT, TIMED, FRAME_SLIDER, LIVE, INVALID_INPUT = "plot", "timed", "frame-slider", "live", "invalid-input"
SOLUTION, EXERCISE_TESTS = "solution", "exercise-tests"
HIDDEN = "hide-input"  # the code is shown collapsed, everywhere
# On the page: a proof that stays open, a definition that is folded although it is short, the picture that comes first.
OPEN, FOLDED, OPENING = "open", "folded", "opening"
# The one cell of a lesson that starts processes of its own, with files in a temporary folder.
PROCESSES = "processes"
CAREFUL_OPEN = "careful-open"  # of a text: its corrections are shown without a click
# Cells that may be executed without running an experiment.
DEFINING = frozenset({DEFINE, SETUP, CARRIED_OVER, IMPORTS})
# Cells that every renderer collapses.
COLLAPSED = (SETUP, CARRIED_OVER, SOLUTION)
KNOWN_TAGS = DEFINING | {PLOT, TIMED, FRAME_SLIDER, LIVE, INVALID_INPUT, SOLUTION, EXERCISE_TESTS, HIDDEN}
KNOWN_TAGS |= {OPEN, FOLDED, OPENING, PROCESSES, CAREFUL_OPEN}
QUESTION_TAG = re.compile(r"q(\d+)")  # of a cell that proves the answer
TITLE_LINE = re.compile(r"# ?@title[ \t]+(.+)\n?")  # what Colab shows of a collapsed cell

# --- Markers in exercises, each alone on its line; a student gets a stub in place of what stands between them --------
BEGIN_SOLUTION, END_SOLUTION = "### BEGIN SOLUTION", "### END SOLUTION"
BEGIN_HIDDEN_TESTS, END_HIDDEN_TESTS = "### BEGIN HIDDEN TESTS", "### END HIDDEN TESTS"


def _between(begin: str, end: str) -> str:
    return rf"^(?P<indent>[ \t]*){begin}[^\n]*\n(?P<body>.*?)^[ \t]*{end}[^\n]*$"


SOLUTION_BLOCK = re.compile(_between(BEGIN_SOLUTION, END_SOLUTION), re.MULTILINE | re.DOTALL)
HIDDEN_TESTS_BLOCK = re.compile(_between(BEGIN_HIDDEN_TESTS, END_HIDDEN_TESTS) + r"\n?", re.MULTILINE | re.DOTALL)

_KEYS = {"number", "name", "title", "blurb", "picture", "favourites", "budget", "questions"}
_OPTIONAL = {"picture", "favourites"}


def lesson_number(name: str) -> int | None:
    """`1` for `01_vit_fundamentals`; None for a notebook that is not a numbered lesson."""
    match = LESSON_NAME.fullmatch(name)
    return int(match["number"]) if match else None


def figure_name(cell: str) -> str | None:
    """`shifted_windows` for the cell `figure-shifted-windows`; None for a cell that shows no such figure."""
    match = FIGURE_ID.fullmatch(cell)
    return match[1].replace("-", "_") if match else None


def files_of(lesson: RegisteredLesson) -> dict[str, str]:
    """The files that a lesson consists of, from the root of the repository, and what each holds."""
    number, name = lesson.number, lesson.name
    return {
        f"notebooks/{name}.ipynb": "the lesson",
        f"book/references/{name}.bib": "its sources",
        f"book/formulas/lesson_{number}.md": "its formulas",
        f"tests/mutants/{name}.toml": "for each question, a change of the code that makes the answer false",
        f"tests/exercises/wrong_answers/{name}.toml": "for each exercise, two plausible wrong answers",
        f"tests/parity/lesson_{number:02d}.py": "what is compared with published implementations",
        f"tests/portable/lesson_{number:02d}.py": "arguments with which its definitions are carried away",
    }


@dataclass(frozen=True)
class RegisteredLesson:
    """A lesson of the book, written or to come."""

    number: int
    name: str  # of its files: 05_swin
    title: str
    blurb: str  # what it holds, on the first page
    picture: str | None  # the figure on its page for the night before; None until there is one
    favourites: tuple[int, ...]  # questions that are often asked, on that page beside the core ones
    budget: int  # CPU seconds for a whole run
    wordings: dict[int, str]  # its questions, by number

    @property
    def questions(self) -> range:
        """The numbers of its questions."""
        return range(self.first, self.last + 1)

    @property
    def first(self) -> int:
        """The number of its first question."""
        return min(self.wordings)

    @property
    def last(self) -> int:
        """The number of its last question."""
        return max(self.wordings)

    def is_written(self, notebooks: Path) -> bool:
        """Whether its notebook lies in that folder."""
        return (notebooks / f"{self.name}.ipynb").is_file()


@dataclass(frozen=True)
class Registry:
    """All lessons and questions that the book sets out to answer."""

    lessons: tuple[RegisteredLesson, ...]

    @cached_property
    def wordings(self) -> dict[int, str]:
        """All questions, by number; there are as many as the last one says."""
        return {number: wording for lesson in self.lessons for number, wording in lesson.wordings.items()}

    def lesson(self, number: int) -> RegisteredLesson:
        """The lesson of that number; ValueError names those that there are."""
        for lesson in self.lessons:
            if lesson.number == number:
                return lesson
        known = ", ".join(str(lesson.number) for lesson in self.lessons) or "none"
        raise ValueError(f"there is no lesson {number} in book/lessons.toml; the lessons are: {known}")

    def lesson_of(self, question: int) -> RegisteredLesson:
        """The lesson that a question belongs to; ValueError says how many questions there are."""
        for lesson in self.lessons:
            if question in lesson.wordings:
                return lesson
        raise ValueError(f"there is no question {question}; the book has questions 1 to {len(self.wordings)}")


def read_registry(path: Path = REGISTRY) -> Registry:
    """The book's list of lessons; ValueError with a plain sentence when an entry is not as it must be."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ValueError(f"{path.name} cannot be read ({error}); restore it with `git checkout`") from None
    lessons = tuple(_lesson(entry, path.name) for entry in data.get("lessons", []))
    numbers = [lesson.number for lesson in lessons]
    if numbers != list(range(1, len(numbers) + 1)):
        raise ValueError(f"{path.name}: the lessons are numbered {numbers}; number them 1, 2, 3 … in this order")
    for place, number in enumerate((n for lesson in lessons for n in lesson.wordings), start=1):
        if number != place:
            raise ValueError(f"{path.name}: question {number} stands where {place} should; leave no gap in the numbers")
    return Registry(lessons)


def _lesson(entry: dict, source: str) -> RegisteredLesson:
    """One entry of the list."""
    who = f"{source}, lesson {entry.get('number', 'without a number')}"
    if missing := _KEYS - _OPTIONAL - entry.keys():
        raise ValueError(f"{who}: {', '.join(sorted(missing))} is missing")
    if unknown := entry.keys() - _KEYS:
        raise ValueError(f"{who}: unknown key {', '.join(sorted(unknown))}; the keys are {', '.join(sorted(_KEYS))}")
    if lesson_number(entry["name"]) != entry["number"]:
        raise ValueError(f"{who}: the name {entry['name']!r} does not fit; e.g. {entry['number']:02d}_attention would")
    if not entry["questions"]:
        raise ValueError(f'{who}: it has no questions; write them below [lessons.questions], e.g. 42 = "What is …?"')
    wordings = {int(number): wording for number, wording in entry["questions"].items()}
    favourites = tuple(entry.get("favourites", ()))
    if strange := [number for number in favourites if number not in wordings]:
        raise ValueError(f"{who}: its favourites {strange} are none of its questions; take them from below")
    return RegisteredLesson(
        number=entry["number"],
        name=entry["name"],
        title=entry["title"],
        blurb=" ".join(entry["blurb"].split()),
        picture=entry.get("picture"),
        favourites=favourites,
        budget=entry["budget"],
        wordings=wordings,
    )
