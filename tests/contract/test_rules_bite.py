"""Every rule passes a sound lesson and reports a broken one, naming the cell."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output

from tests.contract.example import ALT, cell_of, example, png, slider_html
from tests.contract.rules import RULES, Lesson, Rule, references
from tests.contract.rules.lesson import rules_of

BY_NAME = {rule.__name__: rule for rule in RULES}


@dataclass(frozen=True)
class Break:
    """One way to break the example, and what must be said about it."""

    rule: str
    says: str
    change: Callable[[Lesson], Lesson | None]

    def __str__(self) -> str:
        return f"{self.rule}: {self.says}"


def source(name: str, old: str, new: str) -> Callable[[Lesson], None]:
    """Replace text in a cell's source."""

    def change(lesson: Lesson) -> None:
        cell = cell_of(lesson, name)
        assert old in cell.source, f"{old!r} is not in {cell.source!r}"
        cell.source = cell.source.replace(old, new)

    return change


def add(name: str, text: str) -> Callable[[Lesson], None]:
    """Add a line to a cell's source."""
    return lambda lesson: setattr(cell_of(lesson, name), "source", f"{cell_of(lesson, name).source}\n{text}")


def prints(name: str, text: str, stream: str = "stdout") -> Callable[[Lesson], None]:
    """Give a cell another output."""
    return lambda lesson: cell_of(lesson, name).outputs.append(new_output("stream", name=stream, text=text))


def metadata(name: str, **changes: object) -> Callable[[Lesson], None]:
    """Set metadata of a cell; None removes."""

    def change(lesson: Lesson) -> None:
        for key, value in changes.items():
            cell_of(lesson, name).metadata.pop(key, None)
            if value is not None:
                cell_of(lesson, name).metadata[key] = value

    return change


def tagged(name: str, tags: str) -> Callable[[Lesson], None]:
    """Set the tags of a cell."""
    return metadata(name, tags=tags.split())


def remove(*names: str) -> Callable[[Lesson], None]:
    """Take cells out."""

    def change(lesson: Lesson) -> None:
        lesson.notebook.cells = [cell for cell in lesson.cells if cell.id not in names]

    return change


def insert(after: str, *cells: NotebookNode) -> Callable[[Lesson], None]:
    """Put cells behind another."""

    def change(lesson: Lesson) -> None:
        position = lesson.cells.index(cell_of(lesson, after)) + 1
        lesson.cells[position:position] = cells

    return change


def code(text: str, name: str = "added") -> NotebookNode:
    return new_code_cell(text, id=name)


def markdown(text: str, name: str = "added") -> NotebookNode:
    return new_markdown_cell(text, id=name)


def html(text: str) -> Callable[[Lesson], None]:
    """Set the slider's HTML."""
    return lambda lesson: cell_of(lesson, "slide").outputs[0].data.update({"text/html": text})


def in_html(old: str, new: str, count: int = -1) -> Callable[[Lesson], None]:
    """Replace text in the slider's HTML."""

    def change(lesson: Lesson) -> None:
        data = cell_of(lesson, "slide").outputs[0].data
        assert old in data["text/html"]
        data["text/html"] = data["text/html"].replace(old, new, count)

    return change


def alt(text: str) -> Callable[[Lesson], None]:
    """Set the alt text in both places."""

    def change(lesson: Lesson) -> None:
        cell = cell_of(lesson, "bars")
        cell.metadata.mystnb.image.alt = text
        cell.outputs[0].metadata["image/png"] = {"alt": text}

    return change


def question(number: int, **changes: object) -> Callable[[Lesson], None]:
    """Change a question's metadata."""
    return lambda lesson: cell_of(lesson, f"question-{number}").metadata.question.update(changes)


def nbgrader(name: str, **changes: object) -> Callable[[Lesson], None]:
    """Change a cell's nbgrader metadata."""
    return lambda lesson: cell_of(lesson, name).metadata.nbgrader.update(changes)


def second_picture(lesson: Lesson) -> None:
    outputs = cell_of(lesson, "bars").outputs
    outputs.append(outputs[0])


def same_alt_elsewhere(lesson: Lesson) -> None:
    cell_of(lesson, "cut").metadata["mystnb"] = {"image": {"alt": ALT}}


def widget_state(lesson: Lesson) -> None:
    lesson.notebook.metadata["widgets"] = {}


def long_lesson(lesson: Lesson) -> None:
    for number in range(121):
        lesson.cells.append(code("x\n" * 14 + "x", f"added-{number}"))
    lesson.cells.append(markdown("word " * 9001))


def view(lesson: Lesson) -> None:
    cell_of(lesson, "knobs").outputs[0].data["application/vnd.jupyter.widget-view+json"] = {}


def script(lesson: Lesson) -> None:
    cell_of(lesson, "slide").outputs[0].data["text/html"] += "<script>1</script>"


def another_setup(lesson: Lesson) -> Lesson:
    return replace(lesson, book=replace(lesson.book, setup="SEED = 1"))


def large_file(lesson: Lesson) -> None:
    cell_of(lesson, "cut").outputs[0].text = "x" * 4_000_001


FRAMES = [png() for _ in range(8)]
BREAKS = [
    # anatomy
    Break("opens_with_title_and_promise", "begins `# Title`", source("title", "# Patches", "Patches")),
    Break("opens_with_title_and_promise", "promise", source("title", "After this lesson you can", "- You can")),
    Break("has_one_title", "second title", source("part-one", "## Patches", "# Patches")),
    Break("has_one_title", "leaves out a level", source("part-one", "## Patches", "### Patches")),
    Break("tells_what_to_expect", "reading time", source("title", "| Reading time | ten minutes |\n", "")),
    Break("tells_what_to_expect", "licence", source("title", "CC BY 4.0, code under the MIT licence", "free")),
    Break("lists_its_questions", "differ by Q2;", source("title", "Q1, Q2, Q3", "Q1, Q3")),
    Break("lists_its_questions", "differ by Q4;", source("title", "Q1, Q2, Q3", "Q1–Q4")),
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
    # code
    Break("cells_are_python", "not Python", add("cut", "for")),
    Break("cells_are_python", "%timeit", add("cut", "%timeit 1")),
    Break("cells_are_python", "!ls", add("cut", "!ls")),
    Break("imports_are_preinstalled", "timm", add("imports", "import timm")),
    Break("imports_are_preinstalled", "subprocess", add("imports", "import subprocess")),
    Break("nothing_is_read_or_fetched", "open", add("cut", "open('x')")),
    Break("nothing_is_read_or_fetched", "torch.hub.load", add("cut", "torch.hub.load('a', 'b')")),
    Break("nothing_is_read_or_fetched", "fetch_openml", add("cut", "fetch_openml('mnist')")),
    Break("nothing_is_read_or_fetched", "savefig", add("cut", "fig.savefig('a.png')")),
    Break(
        "nothing_is_read_or_fetched",
        "kidney",
        lambda lesson: [add("imports", "from skimage import data")(lesson), add("cut", "data.kidney()")(lesson)],
    ),
    Break("warnings_are_not_hushed", "hides", add("cut", "warnings.filterwarnings('ignore')")),
    Break(
        "definitions_read_only_definitions",
        "tokens",
        source("patchify", "raise ValueError(P)", "raise ValueError(tokens)"),
    ),
    Break(
        "definitions_read_only_definitions",
        "tokens",
        insert("side", code("def f():\n    return [tokens for _ in 'ab']")),
    ),
    Break(
        "definitions_read_only_definitions",
        "tokens",
        insert("side", code("class A:\n    def f(self):\n        return tokens")),
    ),
    Break("define_cells_only_define", "print", add("patchify", "print(1)")),
    Break("define_cells_only_define", "size = 4", add("patchify", "size = 4")),
    Break("define_cells_only_define", "tag it define", tagged("patchify", "")),
    Break(
        "models_are_rearranged_by_einops", "permute", source("patchify", "rearrange(x, ", "rearrange(x.permute(0, 1), ")
    ),
    # randomness
    Break("draws_name_their_generator", "torch.randn", add("cut", "torch.randn(3)")),
    Break("draws_name_their_generator", "manual_seed", add("cut", "torch.manual_seed(0)")),
    Break("draws_name_their_generator", "np.random.rand", add("cut", "np.random.rand(3)")),
    Break("draws_name_their_generator", "normal_", add("cut", "torch.empty(3).normal_()")),
    Break("draws_name_their_generator", "clock", add("cut", "np.random.default_rng()")),
    # outputs
    Break(
        "notebook_was_run_once_from_top_to_bottom",
        "execution count",
        lambda lesson: cell_of(lesson, "cut").update(execution_count=None),
    ),
    Break("notebook_was_run_once_from_top_to_bottom", "stderr", prints("cut", "UserWarning: x", "stderr")),
    Break(
        "notebook_was_run_once_from_top_to_bottom", "two cells", lambda lesson: cell_of(lesson, "cut").update(id="side")
    ),
    Break("notebook_was_run_once_from_top_to_bottom", "widget state", widget_state),
    Break(
        "notebook_was_run_once_from_top_to_bottom",
        "NameError",
        lambda lesson: cell_of(lesson, "cut").outputs.append(
            new_output("error", ename="NameError", evalue="x", traceback=[])
        ),
    ),
    Break("nothing_is_left_out_of_the_comparison", "nbval-ignore-output", tagged("cut", "nbval-ignore-output")),
    Break("nothing_is_left_out_of_the_comparison", "NBVAL_SKIP", add("cut", "# NBVAL_SKIP")),
    *(
        Break("outputs_are_stable", what, prints("cut", text))
        for text, what in {
            "<A at 0x7f3a2b4c5d60>": "address",
            "2026-11-22": "date",
            "3 Nov 2026": "date",
            "12:30:00": "time of day",
            "/home/x/y": "path",
            "/opt/a": "path",
            "took 3.2 s": "timing",
            "15 ms": "timing",
            "0.70711": "digits",
            "12.345678": "digits",
        }.items()
    ),
    Break("outputs_are_of_known_kinds", "widget-view", view),
    Break("outputs_are_of_known_kinds", "script", script),
    Break("no_cell_ends_in_a_semicolon", "`;`", add("cut", "x.sum();  # quietly")),
    # pictures
    Break("figure_cells_end_in_show", "plt.show()", add("bars", "fig")),
    Break("figures_have_one_picture", "2 pictures", second_picture),
    Break("alt_texts_are_sentences", "no alt text", metadata("bars", mystnb=None)),
    Break("alt_texts_are_sentences", "5 words", alt("Bars falling.")),
    Break("alt_texts_are_sentences", "full stop", alt("A bar for each patch size")),
    Break("alt_texts_are_sentences", "identifier", alt("A bar for each patch_size of the model.")),
    Break("alt_texts_are_sentences", "screen reader", alt("A picture of a bar for each patch size.")),
    Break("alt_texts_are_sentences", "differs", lambda lesson: cell_of(lesson, "bars").outputs[0].update(metadata={})),
    Break("alt_texts_are_sentences", "shows no picture", lambda lesson: cell_of(lesson, "bars").update(outputs=[])),
    Break("alt_texts_differ", "say what differs", same_alt_elsewhere),
    Break("figures_have_captions", "caption", source("bars-caption", "*Small", "Small")),
    Break("figures_have_captions", "caption", remove("bars-caption")),
    Break(
        "figures_have_captions", "the same", lambda lesson: cell_of(lesson, "bars-caption").update(source=f"*{ALT}*")
    ),
    Break("type_is_legible", "fontsize=8", source("bars", "fontsize=10", "fontsize=8")),
    Break("colour_maps_are_honest", "jet", add("bars", "ax.imshow(x, cmap='jet')\nplt.show()")),
    # interaction
    Break("has_a_frame_slider", "no code cell", tagged("slide", "")),
    Break("has_a_frame_slider", "go together", tagged("cut", "frame-slider")),
    Break("frame_sliders_work_without_a_kernel", "7 frames", html(slider_html(FRAMES[:7]))),
    Break("frame_sliders_work_without_a_kernel", "15 frames", html(slider_html([*FRAMES, *FRAMES[:7]]))),
    Break("frame_sliders_work_without_a_kernel", "different labels", in_html("2 px", "1 px")),
    Break("frame_sliders_work_without_a_kernel", "input must have", in_html('max="7"', 'max="8"')),
    Break("frame_sliders_work_without_a_kernel", "autocomplete", in_html(' autocomplete="off"', "")),
    Break("frame_sliders_work_without_a_kernel", "aria-valuetext", in_html('aria-valuetext="1 px"', "")),
    Break("frame_sliders_work_without_a_kernel", "oninput", in_html("oninput", "onwhatever")),
    Break("frame_sliders_work_without_a_kernel", "<label> is empty", html(slider_html(FRAMES, name=""))),
    Break("frame_sliders_work_without_a_kernel", "text/plain", html(slider_html(FRAMES, name="other"))),
    Break("frame_sliders_work_without_a_kernel", "loads something", in_html("<div>", "<link><div>", 1)),
    Break("frames_are_small_and_said_in_words", "alt text", in_html("patches of 2 px", "patches of 1 px")),
    Break("frames_are_small_and_said_in_words", "hidden", in_html(" hidden", "", 1)),
    Break("frames_are_small_and_said_in_words", "not an embedded PNG", in_html("base64,iVBOR", "base64,AAAAA", 1)),
    Break("frames_are_small_and_said_in_words", "palette", html(slider_html([*FRAMES[:7], png(colour_type=2)]))),
    Break("frames_are_small_and_said_in_words", "one size", html(slider_html([*FRAMES[:7], png(width=4)]))),
    Break("frames_are_small_and_said_in_words", "one size", in_html('width="20"', 'width="21"', 1)),
    Break("frames_are_small_and_said_in_words", "bytes", html(slider_html([*FRAMES[:7], png(extra=b"x" * 15_360)]))),
    Break("has_one_live_cell", "there are 0", tagged("knobs", "")),
    Break("has_one_live_cell", "there are 2", tagged("cut", "live")),
    Break(
        "has_one_live_cell",
        "LivePanel",
        lambda lesson: cell_of(lesson, "knobs").outputs[0].data.update({"text/plain": "IntSlider()"}),
    ),
    Break("has_one_live_cell", "observed", source("knobs", "panel.observe(patchify)\n", "")),
    Break("widgets_are_plain", "interact", add("knobs", "interact(f, x=3)")),
    Break("widgets_are_plain", "widgets.Output", add("knobs", "widgets.Output()")),
    Break("widgets_are_plain", "7.7", add("knobs", "widgets.Stack([])")),
    # exercises
    Break("has_enough_exercises", "4 exercises", remove("exercise-1-5-statement")),
    Break(
        "has_enough_exercises",
        "numbered",
        lambda lesson: cell_of(lesson, "exercise-1-2-statement").update(id="exercise-2-2-statement"),
    ),
    Break(
        "statements_are_complete", "first line", source("exercise-1-1-statement", "Exercise 1.1 ·", "Exercise 1.2 ·")
    ),
    Break(
        "statements_are_complete",
        "Easy",
        source("exercise-1-1-statement", "*Easy · 5 minutes*", "*Simple · 5 minutes*"),
    ),
    Break(
        "statements_are_complete",
        "too little",
        source(
            "exercise-1-1-statement",
            "Write `halve(x)` that takes a number `x` and returns half of it as an integer.",
            "Write it.",
        ),
    ),
    Break(
        "statements_are_complete",
        "id must be",
        lambda lesson: cell_of(lesson, "exercise-1-5-statement").update(id="halve"),
    ),
    Break("exercises_have_solution_and_tests", "add the one missing", remove("exercise-1-1-tests")),
    Break("exercises_have_solution_and_tests", "follow one another", insert("exercise-1-1", markdown("Now."))),
    Break("exercises_have_solution_and_tests", "nbgrader metadata", nbgrader("exercise-1-1", grade_id="x")),
    Break("exercises_have_solution_and_tests", "points", nbgrader("exercise-1-1-tests", points=0)),
    Break("exercises_have_solution_and_tests", "points belong", nbgrader("exercise-1-1", points=1)),
    Break("exercises_have_solution_and_tests", "tag it", tagged("exercise-1-1-tests", "")),
    Break("exercises_have_solution_and_tests", "no exercise", remove("exercise-1-1-statement")),
    Break("solutions_leave_a_stub", "BEGIN SOLUTION", source("exercise-1-1", "### BEGIN SOLUTION", "# begin")),
    Break("solutions_leave_a_stub", "docstring", source("exercise-1-1", '    """Half of `x`."""\n', "")),
    Break("solutions_leave_a_stub", "defines 2", add("exercise-1-1", "def other():\n    return 1")),
    Break("tests_speak", "for grading", source("exercise-1-1-tests", "### BEGIN HIDDEN TESTS", "#")),
    Break("tests_speak", "visible", source("exercise-1-1-tests", "assert halve(4) == 2", "_ = halve(4) == 2")),
    Break("tests_speak", "no message", source("exercise-1-1-tests", ', "halve(4) is 2: divide, do not subtract"', "")),
    Break("tests_speak", "empty", source("exercise-1-1-tests", 'assert halve(8) == 4, "halve(8) is 4"\n', "")),
    Break("exercises_need_only_definitions", "tokens", add("exercise-1-1-tests", "assert tokens is not None, 'x'")),
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_example_keeps(rule: Rule) -> None:
    assert rule(example()) == []


@pytest.mark.parametrize("broken", BREAKS, ids=str)
def test_bites(broken: Break) -> None:
    lesson = example()
    changed = broken.change(lesson)
    complaints = BY_NAME[broken.rule](changed if isinstance(changed, Lesson) else lesson)
    assert any(broken.says in complaint for complaint in complaints), complaints


def test_every_rule_is_seen_to_bite() -> None:
    elsewhere = set(rules_of(references))  # in test_references_bite.py
    assert {rule.__name__ for rule in RULES if rule not in elsewhere} == {broken.rule for broken in BREAKS}


def all_folded(lesson: Lesson) -> None:
    """Ninety cells that draw, and as much carried over: neither is reading code."""
    for number in range(90):
        drawing, carried = code("x\n" * 15, f"draws-{number}"), code("x\n" * 61, f"carried-{number}")
        drawing.metadata["tags"], carried.metadata["tags"] = ["plot"], ["carried-over"]
        lesson.cells.extend((drawing, carried))


SOUND = [
    Break("lesson_is_not_too_long", "", all_folded),
    Break("no_code_cell_is_too_long", "", all_folded),
    Break("code_cells_are_short", "", all_folded),
    Break("lists_its_questions", "", source("title", "Q1, Q2, Q3", "Q1–Q3")),
    Break("markdown_is_portable", "", add("part-one", "```python\nx = {a}`b`\n```")),
    Break("html_is_sparse", "", add("part-one", "$a<b$, `<div>`, x<sub>1</sub><br>, <https://example.org>")),
    Break("draws_name_their_generator", "", add("cut", "with torch.random.fork_rng():\n    torch.manual_seed(0)")),
    Break("draws_name_their_generator", "", add("cut", "torch.randn(3, generator=torch.Generator().manual_seed(0))")),
    Break("nothing_is_read_or_fetched", "", add("cut", "fig.savefig(buffer)")),
    Break("nothing_is_read_or_fetched", "", add("cut", "data.max()")),
    Break(
        "outputs_are_stable",
        "",
        prints(
            "cut", "16 sides, 3 spaces, 0.7071, 0.00047, 1234.5, 86,567,656, 2048 tokens, x/y/z, 1e-10, q.k/sqrt(d)"
        ),
    ),
    Break("define_cells_only_define", "", add("patchify", 'SIZES = {"B": 16}\nImage = torch.Tensor\nA, B = 1, 2')),
    Break("headings_have_the_books_wording", "", source("question-2", '"/2"', "“/2”")),
    Break("openings_differ", "", source("question-3", "Height times", "A square")),
]


@pytest.mark.parametrize("sound", SOUND, ids=lambda sound: sound.rule)
def test_does_not_bite_what_is_sound(sound: Break) -> None:
    lesson = example()
    sound.change(lesson)
    assert BY_NAME[sound.rule](lesson) == []


def test_complaints_name_the_cell() -> None:
    lesson = example()
    cell_of(lesson, "cut").source = "x = torch.rand(3)"
    assert BY_NAME["draws_name_their_generator"](lesson)[0].startswith("cell cut: `torch.rand(…)`")


def test_the_example_shows_a_real_picture() -> None:
    picture = base64.b64decode(cell_of(example(), "bars").outputs[0].data["image/png"])
    assert picture == png()
