"""Breaks that the rules of reading must report, and what they must let pass."""

from __future__ import annotations

from tests.contract.breaking import Break, add, prints, source, tagged
from tests.contract.example import cell_of
from tests.contract.rules import Lesson

BOX = '\n\n> **Careful.** "No." [A, 2020](https://example.org)'


def six_boxes_open(lesson: Lesson) -> None:
    add("question-2", BOX * 5)(lesson)
    tagged("question-2", "careful-open")(lesson)


def second_box_in_another_cell(lesson: Lesson) -> None:
    """Only the lesson's first box explains itself."""
    add("question-3", BOX)(lesson)


BREAKS = [
    Break(
        "short_answers_open_with_a_headline", "in bold", source("question-1", "**A square of pixels.**", "A square.")
    ),
    Break("short_answers_open_with_a_headline", "in bold", source("question-1", "of pixels.**", "of pixels**")),
    Break(
        "short_answers_open_with_a_headline", "15 words", source("question-1", "of pixels", "of pixels" + " or" * 11)
    ),
    Break(
        "short_answers_can_be_said_aloud", "16, 768, 1,000", source("question-1", "token.", "token: 16, 768, 1,000.")
    ),
    Break("corrections_quote_what_they_correct", "quotation", source("question-2", '"The number', "The number")),
    Break("few_corrections_stand_open", "6 Careful boxes", six_boxes_open),
    Break("few_corrections_stand_open", "misstatements", source("question-2", "misstatements", "errors")),
    Break("proofs_say_what_they_check", "first line", source("side", "# Proof: ", "# ")),
    Break("proofs_say_what_they_check", "100 characters", source("side", "two pixels a side", "x" * 100)),
    Break("one_proof_stands_open", "there are 0", tagged("count-patches", "q1")),
    Break("one_proof_stands_open", "there are 2", tagged("side", "q2 open")),
    Break("one_proof_stands_open", "makes it fail", source("try-one", "**Try:**", "Try:")),
    Break("results_are_said_in_words", "`True`", prints("cut", "True\n")),
    Break("results_are_said_in_words", "equal: False", prints("cut", "equal: False\n")),
    Break("words_are_plain", "'dearer'", add("part-one", "Finer patches are dearer.")),
]

SOUND = [
    Break(
        "short_answers_can_be_said_aloud",
        "",
        source("question-1", "token.", "token of ViT-B/16 (196 × 768), in 3 steps: 12 layers, 86.6 million."),
    ),
    Break("few_corrections_stand_open", "", second_box_in_another_cell),
    Break("results_are_said_in_words", "", prints("cut", "True for 3 of 4 seeds\n")),
    Break("words_are_plain", "", lambda lesson: cell_of(lesson, "part-one").update(source="## Patches\n\n`ere` there")),
]
