"""Reading: what stands in front is said plainly, what proves it is behind one line of words."""

from __future__ import annotations

import re
from collections.abc import Iterator

from nbformat import NotebookNode

from tests.contract.rules.lesson import Lesson, at
from tools.lesson.folding import PURPOSE_LINE, PURPOSES
from tools.lesson.format import CAREFUL, CAREFUL_OPEN, OPEN, QUESTION_TAG, SHORT_ANSWER
from tools.lesson.markdown import blocks, prose_of, words_in
from tools.lesson.read import has_tag, tags

HEADLINE_WORDS = 14
NUMBERS = 2
PURPOSE_LENGTH = 90
OPEN_CORRECTIONS = 5
# Words that a reader of school English does not meet, or meets with another meaning.
HARD_WORDS = (
    "amid", "aright", "betwixt", "dearer", "dearest", "errand", "ere", "hitherto", "lest", "nigh", "oft", "strangers",
    "thence", "thrice", "whence", "wherein",
)  # fmt: skip

_HEADLINE = re.compile(r"\*\*(?P<words>[^*]+[.!?])\*\*(?:\s|\Z)")
_NAME = re.compile(r"[A-Za-z]\w*[-/ ]?[\w/]*\d[\w/]*|\([^()]*\)|\[[^\[\]]*\]")
_NUMBER = re.compile(r"(?<![\w.])\d+(?:,\d{3})*(?:\.\d+)?")
_QUOTED = re.compile(r"[\"“]")
_BARE = re.compile(r"(?:.*[:=]\s*)?\(?(?:True|False)(?:, (?:True|False))*\)?")


def _short_answers(lesson: Lesson) -> Iterator[tuple[NotebookNode, str]]:
    """Each question's cell with the text of its short answer."""
    for cell in lesson.questions:
        yield from ((cell, text) for kind, text in blocks(cell.source) if kind == SHORT_ANSWER)


def short_answers_open_with_a_headline(lesson: Lesson) -> list[str]:
    """`> **Short answer.** **Quadratic in tokens, linear in width.** …`: what one says first, in 14 words."""
    found = []
    for cell, text in _short_answers(lesson):
        match = _HEADLINE.match(text)
        if not match:
            found.append(at(cell, "the short answer opens with its headline, a sentence in bold; write one"))
        elif (count := words_in(match["words"])) > HEADLINE_WORDS:
            found.append(at(cell, f"the headline has {count} words; say it in {HEADLINE_WORDS}"))
    return found


def short_answers_can_be_said_aloud(lesson: Lesson) -> list[str]:
    """Two numbers at most; names such as ViT-B/16, what stands in brackets, and single digits are not counted."""
    found = []
    for cell, text in _short_answers(lesson):
        numbers = [n for n in _NUMBER.findall(_NAME.sub("x", prose_of(text))) if len(n) > 1]
        if len(numbers) > NUMBERS:
            found.append(at(cell, f"the short answer has the numbers {', '.join(numbers)}; keep {NUMBERS}"))
    return found


def corrections_quote_what_they_correct(lesson: Lesson) -> list[str]:
    """`> **Careful.** "QKᵀ takes N² operations." It takes …`: the claim first, which is what the fold shows."""
    return [
        at(cell, f"the Careful block `{text[:40]}…` must open with the claim in quotation marks")
        for cell in lesson.markdown
        for kind, text in blocks(cell.source)
        if kind == CAREFUL and not _QUOTED.match(text)
    ]


def few_corrections_stand_open(lesson: Lesson) -> list[str]:
    """Five that a reader needs to go on; the others fold. The first says what the quotations are."""
    with_box = [cell for cell in lesson.markdown if any(kind == CAREFUL for kind, _ in blocks(cell.source))]
    opened = [cell for cell in with_box if has_tag(cell, CAREFUL_OPEN)]
    count = sum(kind == CAREFUL for cell in opened for kind, _ in blocks(cell.source))
    found = []
    if count > OPEN_CORRECTIONS:
        found.append(f"{count} Careful boxes stand open, more than {OPEN_CORRECTIONS}; untag some ({CAREFUL_OPEN})")
    if with_box and "misstatement" not in prose_of(with_box[0].source):
        found.append(at(with_box[0], "the first Careful box must say that quotations there are common misstatements"))
    return found


def proofs_say_what_they_check(lesson: Lesson) -> list[str]:
    """`# Proof: nine heads equal the convolution at every pixel` opens each cell that proves an answer."""
    found = []
    for cell in lesson.code:
        match = PURPOSE_LINE.match(cell.source)
        if not match:
            if any(QUESTION_TAG.fullmatch(tag) for tag in tags(cell)):
                found.append(at(cell, f"it proves an answer, so its first line is `# {PURPOSES[0]}: what it checks`"))
        elif len(match[2]) > PURPOSE_LENGTH:
            found.append(at(cell, f"its first line has {len(match[2])} characters, more than {PURPOSE_LENGTH}"))
    return found


def one_proof_stands_open(lesson: Lesson) -> list[str]:
    """The proof that carries the lesson, seen, and after it the change that makes it fail."""
    opened = [cell for cell in lesson.code if has_tag(cell, OPEN) and any(map(QUESTION_TAG.fullmatch, tags(cell)))]
    if len(opened) != 1:
        return [f"one proof stands open on the page, tagged {OPEN}; there are {len(opened)}"]
    after = lesson.cells[lesson.cells.index(opened[0]) + 1]
    if after.cell_type != "markdown" or "**Try:**" not in after.source:
        return [at(opened[0], "the text after it must say, in a line **Try:**, which change makes it fail")]
    return []


def results_are_said_in_words(lesson: Lesson) -> list[str]:
    """A bare True hides what was found, and a wrong conclusion with it."""
    found = []
    for cell in lesson.code:
        for output in cell.outputs:
            text = output.get("text", "") or output.get("data", {}).get("text/plain", "")
            for line in text.splitlines():
                if _BARE.fullmatch(line.strip()):
                    found.append(at(cell, f"it prints `{line.strip()}`; print the numbers, or a sentence"))
    return found


def words_are_plain(lesson: Lesson) -> list[str]:
    """Words from school."""
    return [
        at(cell, f"{word!r} is not a word from school; say it plainly")
        for cell in lesson.markdown
        for word in HARD_WORDS
        if re.search(rf"\b{word}\b", prose_of(cell.source), re.I)
    ]
