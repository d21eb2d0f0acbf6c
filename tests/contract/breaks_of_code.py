"""Breaks that the rules of code, random numbers and outputs must report, and what they must let pass."""

from __future__ import annotations

from collections.abc import Callable

from nbformat.v4 import new_output

from tests.contract.breaking import (
    Break,
    add,
    code,
    insert,
    prints,
    source,
    tagged,
)
from tests.contract.example import cell_of
from tests.contract.rules import Lesson


def widget_state(lesson: Lesson) -> None:
    lesson.notebook.metadata["widgets"] = {}


def view(lesson: Lesson) -> None:
    cell_of(lesson, "knobs").outputs[0].data["application/vnd.jupyter.widget-view+json"] = {}


def script(lesson: Lesson) -> None:
    cell_of(lesson, "slide").outputs[0].data["text/html"] += "<script>1</script>"


IN_A_FOLDER = "with tempfile.TemporaryDirectory() as folder:\n    open(folder + '/run.py')"


def starting_processes(command: str, *cells: str) -> Callable[[Lesson], None]:
    """Let cells start processes, and the lesson import what that takes."""

    def change(lesson: Lesson) -> None:
        add("imports", "import subprocess\nimport tempfile")(lesson)
        for cell in cells:
            tagged(cell, "processes")(lesson)
            add(cell, command)(lesson)

    return change


BREAKS = [
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
    Break("nothing_is_read_or_fetched", "open", starting_processes("open('x')", "cut")),
    Break("nothing_is_read_or_fetched", "np.save", starting_processes(f"{IN_A_FOLDER}\nnp.save('x')", "cut")),
    Break("processes_are_one_cells_and_end", "second", starting_processes(IN_A_FOLDER, "cut", "knobs")),
    Break("processes_are_one_cells_and_end", "timeout", starting_processes("subprocess.run(['ls'])", "cut")),
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
]

SOUND = [
    Break("draws_name_their_generator", "", add("cut", "with torch.random.fork_rng():\n    torch.manual_seed(0)")),
    Break("draws_name_their_generator", "", add("cut", "torch.randn(3, generator=torch.Generator().manual_seed(0))")),
    Break("imports_are_preinstalled", "", starting_processes(IN_A_FOLDER, "cut")),
    Break("nothing_is_read_or_fetched", "", starting_processes(IN_A_FOLDER, "cut")),
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
]
