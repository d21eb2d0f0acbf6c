"""References to what does not exist and boxes that nobody knows are told, with the cell; sound ones are not."""

from __future__ import annotations

import pytest

from tests.contract.example import cell_of, example
from tests.contract.rules import RULES, Rule, references
from tests.contract.rules.lesson import rules_of
from tests.contract.rules.references import (
    boxes_are_known,
    exercises_that_are_named_exist,
    lessons_that_are_named_exist,
    questions_that_are_named_exist,
)

NAMED = {
    "questions_that_are_named_exist": (
        ("As Q231 says.", "there is no Q231; the questions are Q1 to Q3"),
        ("(Q4)", "there is no Q4"),
        ("Q1–Q9", "there is no Q9"),
        ("Questions 1 to 12", "there is no Q12"),
        ("**Q0**", "there is no Q0"),
    ),
    "lessons_that_are_named_exist": (
        ("See Lesson 12.", "there is no Lesson 12; the lessons are 1 to 8"),
        ("Lesson 0", "there is no Lesson 0"),
        ("Lessons 1, 2 and 9", "there is no Lesson 9"),
        ("[Lesson 10](https://example.org)", "there is no Lesson 10"),
    ),
    "exercises_that_are_named_exist": (
        ("See Exercise 1.9", "there is no Exercise 1.9; name one that is written, or the lesson alone"),
        ("Exercises 1.1 and 1.17", "there is no Exercise 1.17"),
        ("Exercise 8.99", "there is no Exercise 8.99"),
    ),
    "boxes_are_known": (
        (
            "> **They may ask then.** Why?",
            "`> **They may ask then.**` opens no box; the boxes are `> **Sho",
        ),
        ("> **Careful:** no.", "`> **Careful:**` opens no box"),
        ("> *Careful.* No.", "opens no box"),
        ("> Careful. No.", "opens no box"),
        ("> [!NOTE]\n> GitHub's own.", "`> [!NOTE]` opens no box"),
        ("Text.\n\n> **Note.** A box.", "`> **Note.**` opens no box"),
    ),
}
SOUND = (
    "Q1, Q2 and Q3; Questions 1–3; Lessons 1 to 8, Lesson 4 among them; Exercise 1.1 and Exercises 1.2–1.5.",
    "`Q231`, $Q_9$, $Q9$, https://example.org/#Q99, 3Q24",
    "> **Careful.** You will often read it.\n\n> **They may ask next.** Why?\n\n> A quotation, **bold** within.",
    "```\n> **Note.**\nLesson 12, Exercise 1.9, Q231\n```",
    "A lesson 12 minutes long; section 3.9; version Lesson",
)
RULE = {rule.__name__: rule for rule in RULES}


@pytest.mark.parametrize(
    ("rule", "text", "says"),
    [(rule, *case) for rule, cases in NAMED.items() for case in cases],
    ids=lambda value: value,
)
def test_bites(rule: str, text: str, says: str) -> None:
    lesson = example()
    cell_of(lesson, "part-one").source += f"\n\n{text}"
    complaints = RULE[rule](lesson)
    assert [complaint for complaint in complaints if complaint.startswith("cell part-one: ") and says in complaint]


@pytest.mark.parametrize("text", SOUND)
def test_does_not_bite_what_is_sound(text: str) -> None:
    lesson = example()
    cell_of(lesson, "part-one").source += f"\n\n{text}"
    assert [complaint for rule in NAMED for complaint in RULE[rule](lesson)] == []


def test_comments_and_messages_are_read_too() -> None:
    lesson = example()
    cell_of(lesson, "cut").source += "  # as in Lesson 12, Exercise 3.99; Q231 = 4"
    assert lessons_that_are_named_exist(lesson)
    assert exercises_that_are_named_exist(lesson)
    assert questions_that_are_named_exist(lesson) == [], "in code, Q231 may be a matrix"


def test_every_rule_here_is_seen_to_bite() -> None:
    assert {rule.__name__ for rule in rules_of(references)} == set(NAMED)
    assert boxes_are_known in RULES


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_a_cell_without_id_is_no_traceback(rule: Rule) -> None:
    """Some editors save none; one rule says so, the others do what they can."""
    lesson = example()
    for cell in lesson.cells:
        del cell["id"]
    complaints = rule(lesson)
    if rule.__name__ == "notebook_was_run_once_from_top_to_bottom":
        assert complaints[0] == "cell number 1 has no id; give it one that says what it is for"
        assert len(complaints) == len(lesson.cells)
