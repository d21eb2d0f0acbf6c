"""Breaks that the rules of pictures, sliders, panels and exercises must report."""

from __future__ import annotations

from tests.contract.breaking import (
    Break,
    add,
    alt,
    html,
    in_html,
    insert,
    markdown,
    metadata,
    nbgrader,
    remove,
    source,
    tagged,
)
from tests.contract.example import ALT, cell_of, png, slider_html
from tests.contract.rules import Lesson


def second_picture(lesson: Lesson) -> None:
    outputs = cell_of(lesson, "bars").outputs
    outputs.append(outputs[0])


def same_alt_elsewhere(lesson: Lesson) -> None:
    cell_of(lesson, "cut").metadata["mystnb"] = {"image": {"alt": ALT}}


FRAMES = [png() for _ in range(8)]
BREAKS = [
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
