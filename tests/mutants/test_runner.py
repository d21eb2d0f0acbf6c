"""The mutant runner tells its verdicts apart, and refuses mutants that could not prove anything."""

from __future__ import annotations

from pathlib import Path

import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from tests.mutants.mutant import Mutant, place, read_mutants, sample
from tests.mutants.runner import Result, Verdict, main, table, try_mutants
from tests.shared.branches import Branch, Step, TrunkError, explore
from tools.lesson.entries import EntryError


def notebook_of(*cells: tuple[str, str, str]) -> NotebookNode:
    """A notebook of code cells (id, tags, source), with a heading for every question among the tags."""
    notebook = new_notebook()
    for name, tags, source in cells:
        notebook.cells.append(new_code_cell(source, id=name, metadata={"tags": tags.split()}))
    for number in sorted({int(tag[1:]) for _, tags, _ in cells for tag in tags.split() if tag[1:].isdigit()}):
        metadata = {"question": {"id": number, "difficulty": "core", "topics": []}}
        notebook.cells.append(new_markdown_cell(f"### Q{number} · Why?", metadata=metadata))
    return notebook


def mutant(question: int, find: str, put: str, cell: str | None = None, name: str = "m") -> Mutant:
    return Mutant(name, question, "it is so", find, put, cell)


LESSON = notebook_of(
    ("imports", "define imports", "import os\nimport random\nimport time\n\nimport numpy as np\nimport torch"),
    ("define", "define", "random.seed(3)\n\ndef double(x):\n    return 2 * x\n\nSIZE = 3"),
    ("draw", "", "drawn = random.random()"),
    ("q1", "q1", "assert double(4) == 8, 'doubling'"),
    ("q2", "q2", "values = np.array([1, 2])\nnp.testing.assert_array_equal(values * SIZE, [3, 6])"),
    ("q1-again", "q1", "assert SIZE > 0 and random.random() != drawn"),
    ("slider", "frame-slider", "raise RuntimeError('never run')"),
    ("exercise-1-1", "solution hide-input", "def double(x): return 2 * x"),
    ("q3", "q3 hide-input", "layer = torch.nn.Linear(3, 2)\nassert layer.bias is not None\nlast = [1, 2, 3][:2]"),
    ("never-reached", "", "raise RuntimeError('after the last proof')"),
)

CASES = {
    "an assertion of its own": (mutant(1, "2 * x", "3 * x", "define"), Verdict.KILLED, "q1"),
    "numpy's testing function": (mutant(2, "SIZE = 3", "SIZE = 4"), Verdict.KILLED, "q2"),
    "a later cell of the question": (mutant(1, "SIZE = 3", "SIZE = -3"), Verdict.KILLED, "q1-again"),
    "another question's cell only": (mutant(3, "2 * x", "3 * x", "define"), Verdict.ELSEWHERE, "q1"),
    "nothing": (mutant(3, "[:2]", "[:1]"), Verdict.SURVIVED, ""),
    "a name error": (mutant(1, "def double(", "def doubled("), Verdict.OTHER_ERROR, "q1"),
    "a zero division in the proof": (mutant(3, "last = [1", "last = [1 / 0"), Verdict.OTHER_ERROR, "q3"),
    "a library's own assertion": (
        mutant(3, "torch.nn.Linear(3, 2)", "torch.nn.MultiheadAttention(3, 2)"),
        Verdict.OTHER_ERROR,
        "q3",
    ),
    "no end": (mutant(3, "layer = ", "time.sleep(60)\nlayer = "), Verdict.TIMEOUT, ""),
    "the end of the process": (mutant(3, "layer = ", "os._exit(7)\nlayer = "), Verdict.DIED, ""),
}


@pytest.fixture(scope="module")
def results() -> dict[str, Result]:
    mutants = [Mutant(name, *list(vars(case[0]).values())[1:]) for name, case in CASES.items()]
    return {result.mutant.name: result for result in try_mutants(LESSON, mutants, timeout=5)}


@pytest.mark.parametrize("name", CASES)
def test_the_verdict_on(results: dict[str, Result], name: str) -> None:
    _, verdict, cell = CASES[name]
    assert (results[name].verdict, results[name].cell) == (verdict, cell), results[name].explanation


def test_the_table_explains_what_was_not_killed(results: dict[str, Result]) -> None:
    text = table([results["an assertion of its own"], results["another question's cell only"]])
    assert "killed" in text
    assert "AssertionError: doubling" in text
    assert "+ 3 * x" in text


def test_a_lesson_that_fails_by_itself_is_not_judged() -> None:
    broken = notebook_of(("define", "define", "a = 1"), ("q1", "q1", "assert a == 2, 'one is not two'"))
    with pytest.raises(TrunkError, match="cell q1 fails without any change: AssertionError: one is not two"):
        try_mutants(broken, [mutant(1, "a = 1", "a = 3")])


def test_a_branch_sees_the_state_of_a_whole_run_and_leaves_none_behind() -> None:
    trunk = [Step("seed", "import random; random.seed(1); a = [random.random()]"), Step("use", "assert len(a) == 1")]
    branches = [
        Branch("same draw", 1, (Step("x", "import random; random.seed(1); assert random.random() == a[0]"),)),
        Branch("changes a", 1, (Step("x", "a.append(2); assert len(a) == 2"),)),
        Branch("at the end", 2, (Step("x", "assert len(a) == 1"),)),
        Branch("empty folder", 2, (Step("x", "import os, sys; assert os.listdir() == [], os.listdir()"),)),
        Branch("alone", 2, (Step("x", "import tools.lesson.read"),)),
    ]
    outcomes = explore(trunk, branches)
    errors = {name: outcome.error for name, outcome in outcomes.items()}
    assert errors == dict.fromkeys(errors, None) | {"alone": "ModuleNotFoundError"}


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (mutant(9, "2 * x", "3 * x"), "no code cell of the lesson is tagged q9"),
        (mutant(1, "SIZE", "size"), "occurs 3 times"),
        (mutant(1, "not there", "x"), "occurs 0 times"),
        (mutant(1, "2 * x", "2 * x"), "the same text"),
        (mutant(1, "2 * x", "2 *", "define"), "not valid Python"),
        (mutant(1, "2 * x", "3 * x", "exercise-1-1"), "outside the exercises"),
        (mutant(1, "[:2]", "[:1]"), "runs after the last cell tagged q1"),
        (mutant(1, "== 8", "== 9"), "it changes an assertion"),
        (mutant(2, "[3, 6]", "[3, 7]"), "it changes an assertion"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_mutant_that_proves_nothing_is_refused(bad: Mutant, message: str) -> None:
    with pytest.raises(EntryError, match=message):
        place(bad, LESSON)


ENTRY = '[[mutant]]\nquestion = 1\nwhy = "w"\nfind = "f"\nput = "p"\n'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "every lesson needs one"),
        ("[[mutant]\n", "not valid TOML"),
        ("[[mutants]]\n", "unknown table"),
        ('[[mutant]]\nquestion = 1\nwhy = "w"\nfind = "f"\n', "put is missing"),
        (ENTRY + "because = 1\n", "unknown key"),
        (ENTRY.replace("= 1", '= "1"'), "question must be int"),
    ],
    ids=lambda value: None,
)
def test_a_bad_file_of_mutants_is_explained(tmp_path: Path, text: str | None, message: str) -> None:
    path = tmp_path / "01_lesson.toml"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    with pytest.raises(EntryError, match=message):
        read_mutants(path)


def test_mutants_are_numbered_within_their_question(tmp_path: Path) -> None:
    path = tmp_path / "01_lesson.toml"
    path.write_text(ENTRY + ENTRY.replace("1", "2") + ENTRY, encoding="utf-8")
    assert [entry.name for entry in read_mutants(path)] == ["q1-1", "q2-1", "q1-2"]


def test_the_sample_is_one_a_question_the_first_or_the_one_marked(tmp_path: Path) -> None:
    path = tmp_path / "01_lesson.toml"
    second = ENTRY.replace("= 1", "= 2")
    path.write_text(ENTRY + second + ENTRY + second + "sample = true\n" + second, encoding="utf-8")
    everything = read_mutants(path)
    assert [entry.name for entry in everything] == ["q1-1", "q2-1", "q1-2", "q2-2", "q2-3"]
    assert [entry.name for entry in sample(everything)] == ["q1-1", "q2-2"]
    path.write_text(ENTRY + "sample = true\n" + ENTRY + "sample = true\n", encoding="utf-8")
    with pytest.raises(EntryError, match="question 1 has two samples"):
        read_mutants(path)


def test_the_command_names_an_unknown_lesson(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["99_nothing"]) == 2
    assert "there is no lesson '99_nothing'" in capsys.readouterr().err
