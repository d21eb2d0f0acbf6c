"""Breaks that the rules of anatomy, size, text and answers must report, and what they must let pass."""

from __future__ import annotations

from dataclasses import replace

from tests.contract.breaking import (
    Break,
    add,
    code,
    markdown,
    metadata,
    question,
    remove,
    source,
    tagged,
)
from tests.contract.example import cell_of
from tests.contract.rules import Lesson


def long_lesson(lesson: Lesson) -> None:
    for number in range(121):
        lesson.cells.append(code("x\n" * 14 + "x", f"added-{number}"))
    lesson.cells.append(markdown("word " * 9001))


def another_setup(lesson: Lesson) -> Lesson:
    return replace(lesson, book=replace(lesson.book, setup="SEED = 1"))


def large_file(lesson: Lesson) -> None:
    cell_of(lesson, "cut").outputs[0].text = "x" * 4_000_001


def all_folded(lesson: Lesson) -> None:
    """Ninety cells that draw, and as much carried over: neither is reading code."""
    for number in range(90):
        drawing, carried = code("x\n" * 15, f"draws-{number}"), code("x\n" * 61, f"carried-{number}")
        drawing.metadata["tags"], carried.metadata["tags"] = ["plot"], ["carried-over"]
        lesson.cells.extend((drawing, carried))


BREAKS = [
    # anatomy
    Break("opens_with_title_and_promise", "begins `# Title`", source("title", "# Patches", "Patches")),
    Break("opens_with_title_and_promise", "promise", source("title", "After this lesson you can", "- You can")),
    Break("has_one_title", "second title", source("part-one", "## Patches", "# Patches")),
    Break("has_one_title", "leaves out a level", source("part-one", "## Patches", "### Patches")),
    Break("tells_what_to_expect", "the time to read", source("opening", "| Time |", "| Duration |")),
    Break("tells_what_to_expect", "licence", source("opening", "CC BY 4.0, code under the MIT licence", "free")),
    Break("lists_its_questions", "differ by Q2;", source("opening", "Q1, Q2, Q3", "Q1, Q3")),
    Break("lists_its_questions", "differ by Q4;", source("opening", "Q1, Q2, Q3", "Q1–Q4")),
    Break("shows_the_whole_first", "tagged opening", tagged("whole", "plot")),
    Break("shows_the_whole_first", "alt text", metadata("whole", mystnb=None)),
    Break("shows_the_whole_first", "caption", source("opening", "*An image, cut into tokens.*\n\n", "")),
    Break("shows_the_whole_first", "answer", source("opening", "\nA patch is a square of pixels.\n", "")),
    Break("imports_stand_in_one_cell", "first code cell", tagged("imports", "define")),
    Break("imports_stand_in_one_cell", "belongs in the import cell", add("cut", "import math")),
    Break(
        "imports_stand_where_they_serve",
        "only the set-up cell reads math",
        lambda lesson: [add("imports", "import math")(lesson), add("set-up", "TAU = math.tau")(lesson)],
    ),
    Break(
        "imports_stand_where_they_serve",
        "other cells read math",
        lambda lesson: [add("set-up", "import math")(lesson), add("cut", "print(math.tau)")(lesson)],
    ),
    Break("set_up_is_the_common_one", "second code cell", tagged("set-up", "define")),
    Break("set_up_is_the_common_one", "differs", another_setup),
    Break("collapsed_cells_are_marked_for_every_renderer", "source_hidden", metadata("exercise-1-1", jupyter=None)),
    Break("collapsed_cells_are_marked_for_every_renderer", "cellView", metadata("cut", cellView="form")),
    Break("collapsed_cells_are_marked_for_every_renderer", "# @title", source("set-up", "# @title Set-up\n", "")),
    Break("collapsed_cells_are_marked_for_every_renderer", "tag it hide-input", tagged("set-up", "define setup")),
    Break("carried_over_cells_name_their_origin", "go together", tagged("patchify", "define carried-over")),
    Break(
        "carried_over_cells_name_their_origin",
        "earlier lesson",
        metadata("patchify", tags=["define", "carried-over"], carried_over={"lesson": "02_later", "cell": "x"}),
    ),
    Break("cell_ids_explain_themselves", "words", lambda lesson: cell_of(lesson, "cut").update(id="3f2a9c1e")),
    Break("tags_are_known", "'defien'", tagged("patchify", "defien")),
    Break("shows_invalid_input", "there are 0", tagged("refused", "")),
    Break("shows_invalid_input", "catch a ValueError", source("refused", "ValueError", "TypeError")),
    Break("shows_invalid_input", "prints no message", lambda lesson: cell_of(lesson, "refused").update(outputs=[])),
    Break("ends_with_exercises_summary_sources", "last parts", remove("summary")),
    Break("ends_with_exercises_summary_sources", "11 lines", add("summary", "line\n" * 10)),
    # size
    Break("lesson_is_not_too_long", "code cells", long_lesson),
    Break("lesson_is_not_too_long", "lines of code", long_lesson),
    Break("lesson_is_not_too_long", "cells of reading code", long_lesson),
    Break("lesson_is_not_too_long", "lines of reading code", long_lesson),
    Break("lesson_is_not_too_long", "words", long_lesson),
    Break("set_up_is_short", "36 lines", add("set-up", "A = 1\n" * 35)),
    Break("file_is_not_too_large", "bytes", large_file),
    Break("no_code_cell_is_too_long", "46 lines", add("patchify", "A = 1\n" * 41)),
    Break("no_code_cell_is_too_long", "61 lines", add("exercise-1-1", "A = 1\n" * 58)),
    Break("code_cells_are_short", "median", long_lesson),
    Break(
        "code_cells_are_short",
        "tenth",
        lambda lesson: [add(name, "x\n" * 25)(lesson) for name in ("cut", "refused", "side")],
    ),
    Break("text_between_code_is_short", "words between", add("part-one", "word " * 121)),
    # text
    Break("markdown_is_portable", "role", add("part-one", "See {ref}`there`.")),
    Break("markdown_is_portable", "directive", add("part-one", "```{note}\nHere.\n```")),
    Break("markdown_is_portable", "directive", add("part-one", ":::{note}\nHere.\n:::")),
    Break("markdown_is_portable", "label", add("part-one", "\n(here)=\n")),
    Break("html_is_sparse", "<div>", add("part-one", "<div>Here.</div>")),
    Break("links_lead_to_the_web", "02_next.ipynb", add("part-one", "[next](02_next.ipynb)")),
    Break("links_lead_to_the_web", "picture", add("part-one", "![a cat](https://example.org/cat.png)")),
    Break("links_lead_to_the_web", "http://", add("part-one", "[old](http://example.org)")),
    Break("links_lead_to_the_web", "book/x.md", add("part-one", "[1]: book/x.md")),
    Break("invites_to_try", "2 lines", remove("try-one")),
    Break("says_nothing_empty", "obviously", add("part-one", "Obviously so.")),
    # answers
    Break(
        "headings_have_the_books_wording",
        "What is a patch?",
        source("question-1", "What is a patch?", "What are patches?"),
    ),
    Break("headings_have_the_books_wording", "### Q1", source("question-1", "### Q1 ·", "### Q1:")),
    Break("question_cells_have_metadata", "metadata question", metadata("question-1", question=None)),
    Break("metadata_is_valid", "another lesson", question(1, id=26)),
    Break("metadata_is_valid", "twice", question(2, id=1)),
    Break("metadata_is_valid", "difficulty", question(1, difficulty="hard")),
    Break("metadata_is_valid", "Topics", question(1, topics=["patch"])),
    Break("metadata_is_valid", "Topics", question(1, topics=[])),
    Break("short_answers_are_short", "0 blocks", source("question-1", "**Short answer.**", "**Answer.**")),
    Break("short_answers_are_short", "words", source("question-1", "flattened", "flattened " * 60)),
    Break("corrections_name_a_source", "no source", source("question-2", "(https://arxiv.org/abs/2010.11929)", "")),
    Break(
        "follow_ups_are_answered",
        "sentence that answers",
        source("question-2", " The model then refuses the image.", ""),
    ),
    Break("openings_differ", "short answer", source("question-2", "The side of", "A square of")),
    Break("openings_differ", "explanation", add("question-2", "\nWith more")),
    Break("every_question_is_proved", "no code cell", tagged("side", "q1")),
    Break("every_question_is_proved", "asserts nothing", source("side", "assert ", "")),
    Break("every_question_is_proved", "typed constants", source("side", "tokens.shape[-1] == 2 * 2", "2 * 2 == 4")),
    Break(
        "every_question_is_proved",
        "typed constants",
        lambda lesson: cell_of(lesson, "side").update(
            source="a, b = 2, 4\nc = [a]\nfor_four = a * a\nassert sum(c) + a == for_four"
        ),
    ),
    Break("proof_tags_belong_to_questions", "q9", tagged("side", "q2 q9")),
    Break("proof_tags_belong_to_questions", "exercise", tagged("exercise-1-1", "solution hide-input q1")),
]

SOUND = [
    Break("lesson_is_not_too_long", "", all_folded),
    Break("no_code_cell_is_too_long", "", all_folded),
    Break("code_cells_are_short", "", all_folded),
    Break("lists_its_questions", "", source("opening", "Q1, Q2, Q3", "Q1–Q3")),
    Break("markdown_is_portable", "", add("part-one", "```python\nx = {a}`b`\n```")),
    Break("html_is_sparse", "", add("part-one", "$a<b$, `<div>`, x<sub>1</sub><br>, <https://example.org>")),
    Break("headings_have_the_books_wording", "", source("question-2", '"/2"', "“/2”")),
    Break("openings_differ", "", source("question-3", "Height times", "A square")),
]
