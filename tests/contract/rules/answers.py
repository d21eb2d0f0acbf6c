"""Questions: wording, short answer, corrections with sources, follow-ups with answers, and a proof each."""

from __future__ import annotations

import re

from nbformat import NotebookNode

from tests.contract.rules.lesson import QUESTIONS_OF, Lesson, at
from tests.contract.rules.source import BUILTINS, assertions, names_in, tree_of, typed_names
from tools.lesson.format import DIFFICULTIES, QUESTION_LINE, QUESTION_TAG
from tools.lesson.markdown import blocks, opening, plain_paragraphs, words_in
from tools.lesson.read import has_tag, question_of, tags

SHORT_ANSWER_WORDS = 60

_LOOKS_LIKE_A_QUESTION = re.compile(r"^#+ *Q\d+", re.M)
_STRAIGHT = str.maketrans("“”‘’", "\"\"''")


def _number(cell: NotebookNode) -> object:
    return question_of(cell).get("id")


def headings_have_the_books_wording(lesson: Lesson) -> list[str]:
    """`### Q42 · wording`, to the letter (curly and straight quotes are the same)."""
    found = []
    for cell in lesson.questions:
        match = QUESTION_LINE.fullmatch(cell.source.partition("\n")[0])
        number = _number(cell)
        wording = lesson.book.wordings.get(number)
        if not match or int(match.group(1)) != number:
            found.append(at(cell, f"its first line must be `### Q{number} · {wording}`"))
        elif match.group(2).translate(_STRAIGHT) != str(wording).translate(_STRAIGHT):
            found.append(at(cell, f"question {number} reads {wording!r} (book/lessons.toml); write it so"))
    return found


def question_cells_have_metadata(lesson: Lesson) -> list[str]:
    """A heading that looks like a question's is one."""
    return [
        at(cell, 'a question\'s heading needs metadata question: {"id": 42, "difficulty": "core", "topics": ["…"]}')
        for cell in lesson.markdown
        if _LOOKS_LIKE_A_QUESTION.search(cell.source) and not question_of(cell)
    ]


def metadata_is_valid(lesson: Lesson) -> list[str]:
    """Number of this lesson and only once; difficulty and topics from the book's lists."""
    found = []
    first, last = QUESTIONS_OF.get(lesson.number, (1, max(lesson.book.wordings)))
    seen: set[object] = set()
    for cell in lesson.questions:
        question, number = question_of(cell), _number(cell)
        if set(question) != {"id", "difficulty", "topics"}:
            found.append(at(cell, f"question metadata has id, difficulty and topics, not {sorted(question)}"))
        if number in seen:
            found.append(at(cell, f"question {number} stands twice in the lesson; remove one"))
        seen.add(number)
        if not isinstance(number, int) or not first <= number <= last:
            found.append(at(cell, f"question {number!r} belongs to another lesson; this one has {first} to {last}"))
        if question.get("difficulty") not in DIFFICULTIES:
            found.append(
                at(cell, f"difficulty is {question.get('difficulty')!r}; use one of {', '.join(DIFFICULTIES)}")
            )
        topics = question.get("topics") or []
        unknown = [topic for topic in topics if topic not in lesson.book.topics]
        if unknown or not topics:
            found.append(
                at(cell, f"topics are {topics}; use one or more keys of the table under Topics in book/notation.md")
            )
    return found


def short_answers_are_short(lesson: Lesson) -> list[str]:
    """One short answer a question, in the heading's cell, of 60 words at most."""
    found = []
    for cell in lesson.questions:
        answers = [text for kind, text in blocks(cell.source) if kind == "Short answer"]
        if len(answers) != 1:
            found.append(at(cell, f"it has {len(answers)} blocks `> **Short answer.** …`; write one"))
        elif not 3 <= words_in(answers[0]) <= SHORT_ANSWER_WORDS:
            found.append(at(cell, f"the short answer has {words_in(answers[0])} words; say it in {SHORT_ANSWER_WORDS}"))
    return found


def corrections_name_a_source(lesson: Lesson) -> list[str]:
    """Each *Careful* has a link to what says so."""
    return [
        at(cell, f"the Careful block `{text[:40]}…` names no source; add a link `[Author et al., year](https://…)`")
        for cell in lesson.markdown
        for kind, text in blocks(cell.source)
        if kind == "Careful" and not re.search(r"\]\(https://[^)]+\)", text)
    ]


def follow_ups_are_answered(lesson: Lesson) -> list[str]:
    """A question an interviewer would go on with, and a sentence that answers it."""
    return [
        at(cell, f"the follow-up `{text[:40]}…` needs a question mark and then a sentence that answers it")
        for cell in lesson.markdown
        for kind, text in blocks(cell.source)
        if kind == "They may ask next" and not re.search(r"\?[\"”*_]*\s+\S+(\s+\S+){2,}", text)
    ]


def openings_differ(lesson: Lesson) -> list[str]:
    """Neighbouring questions open neither their short answers nor their explanations with the same two words."""
    found = []
    before: tuple[str, str] = ("", "")
    for cell in lesson.questions:
        answer = next((text for kind, text in blocks(cell.source) if kind == "Short answer"), "")
        prose = next(iter(plain_paragraphs(cell.source)), "")
        now = (opening(answer), opening(prose))
        for what, one, other in zip(("short answer", "explanation"), before, now, strict=True):
            if other and one == other:
                found.append(at(cell, f"its {what} opens with {other!r} like the question's before; begin otherwise"))
        before = now
    return found


def every_question_is_proved(lesson: Lesson) -> list[str]:
    """A cell tagged q42 asserts something that was computed."""
    found = []
    trees = {id(cell): tree_of(cell) for cell in lesson.code}
    typed = typed_names(list(trees.values()))
    for cell in lesson.questions:
        tag = f"q{_number(cell)}"
        proofs = lesson.tagged(tag)
        if not proofs:
            found.append(at(cell, f"no code cell is tagged {tag}; tag the one that proves the answer"))
            continue
        asserted = [test for proof in proofs for test in assertions(trees[id(proof)])]
        if not asserted:
            found.append(
                at(
                    proofs[0],
                    f"the proof of {tag.upper()} asserts nothing; assert what would differ were the answer false",
                )
            )
        elif not any(names_in(test) - typed - BUILTINS for test in asserted):
            found.append(
                at(
                    proofs[0],
                    f"the proof of {tag.upper()} asserts only about typed constants; assert something computed",
                )
            )
    return found


def proof_tags_belong_to_questions(lesson: Lesson) -> list[str]:
    """A tag q42 on a cell means that Question 42 stands in the lesson; only code proves."""
    known = {f"q{_number(cell)}" for cell in lesson.questions}
    found = []
    for cell in lesson.cells:
        for tag in tags(cell):
            if QUESTION_TAG.fullmatch(tag) and (tag not in known or cell.cell_type != "code"):
                found.append(at(cell, f"the tag {tag} fits no question of this lesson here; correct or remove it"))
        if cell.cell_type == "code" and has_tag(cell, "solution", "exercise-tests") and known.intersection(tags(cell)):
            found.append(at(cell, "an exercise proves no question; remove its q tag"))
    return found
