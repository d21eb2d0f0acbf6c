"""`make test`: runs everything whatever fails, tells where, compares every output, skips nothing in silence."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from nbformat.v4 import new_code_cell, new_notebook

from tools.lesson.normalise import text_of
from tools.lesson.read import ROOT, lesson_paths
from tools.run import cells, notebooks, sections, suite
from tools.run.check import main as check_main
from tools.run.sections import Check
from tools.run.verdicts import Verdicts


def says(section: str, code: str, lesson: str | None = None, after: str | None = None) -> Check:
    """A check that is a line of Python."""
    return Check(section, ((sys.executable, "-c", code),), ("*",), lesson, after)


@pytest.fixture
def unknown(tmp_path: Path) -> Verdicts:
    """Verdicts of a folder that is no repository: none is kept."""
    return Verdicts(tmp_path)


def test_all_run_whatever_fails_and_the_failures_are_named(
    unknown: Verdicts, capsys: pytest.CaptureFixture[str]
) -> None:
    status = suite.run(
        [
            says("one", "print('well')"),
            says("two", "print('broken here'); raise SystemExit(3)", "05_swin"),
            says("three", "import sys; print(repr(sys.stdin.read()))"),
            says("site", "", after="two"),
            says("site", "", "05_swin", after="one"),
        ],
        unknown,
    )
    told = capsys.readouterr().out
    assert status == 1
    assert "FAILED: site, two 05 in " in told
    assert "broken here" in told and "not run, since this failed: two" in told
    assert "well" not in told, "what passed needs no record"
    assert [line for line in told.splitlines() if line.startswith("seconds")] == [
        "seconds           05    rest     cpu"
    ]
    assert "three: passed" in told and "site 05: passed" in told
    assert suite.run([says("one", "")], unknown) == 0
    assert "All passed" in capsys.readouterr().out


def test_all_commands_of_a_check_run() -> None:
    commands = tuple(
        (sys.executable, "-c", f"print({word!r}); raise SystemExit({status})")
        for word, status in (("first", 1), ("second", 0))
    )
    result = suite.carry_out(Check("style", commands, ()))
    assert (result.passed, result.record.split()) == (False, ["first", "second"])


def test_pieces_run_side_by_side_longest_first_after_what_they_need(
    unknown: Verdicts, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(suite, "at_once", lambda: 2)
    code = "import pathlib, time; p = pathlib.Path({path!r}); p.open('a').write('{name} '); time.sleep({seconds})"

    def timed(name: str, seconds: float, usual: float, after: str | None = None) -> Check:
        monkeypatch.setitem(sections.USUAL, name, (0, usual))
        return says(name, code.format(path=str(tmp_path / "order"), name=name, seconds=seconds), after=after)

    checks = [timed("short", 0, 1), timed("late", 0, 90, after="ground"), timed("long", 2, 50), timed("ground", 1, 2)]
    start = time.monotonic()
    assert suite.run(checks, unknown) == 0
    order = (tmp_path / "order").read_text().split()
    assert set(order[:2]) == {"ground", "long"} and order[2:] == ["late", "short"]
    assert time.monotonic() - start < 15


def test_one_browser_runs_beside_what_computes() -> None:
    """Two cores, two that compute; the browser's pages settle meanwhile."""
    checks = [Check(section, (), (), lesson) for section in ("browser", "cells") for lesson in ("01_a", "02_b", "03_c")]
    assert [check.name for check in suite.next_checks(checks, [], 2)] == ["browser 01", "cells 01", "cells 02"]
    assert suite.next_checks(checks[1:3], checks[:1], 2) == []
    assert [check.name for check in suite.next_checks(checks[3:], checks[:1], 2)] == ["cells 01", "cells 02"]


def test_every_test_belongs_to_exactly_one_check() -> None:
    pieces = [command for check in sections.everything() for command in check.commands if "pytest" in command]
    everyone = {sections.NONE, *(path.stem for path in lesson_paths())}
    for file in (ROOT / "tests").rglob("test_*.py"):
        chosen = []
        for piece in pieces:
            folder = ROOT / next(word for word in piece if word.startswith("tests/"))
            ignored = [ROOT / word.partition("=")[2] for word in piece if word.startswith("--ignore=")]
            if file.is_relative_to(folder) and not any(file.is_relative_to(other) for other in ignored):
                chosen += [piece[piece.index("--lesson") + 1]] if "--lesson" in piece else everyone
        assert sorted(chosen) == sorted(everyone), file


def test_every_lesson_is_run_and_every_check_has_a_name_of_its_own() -> None:
    checks = sections.everything()
    assert len({check.name for check in checks}) == len(checks)
    for lesson in (path.stem for path in lesson_paths()):
        of_lesson = {check.section for check in checks if check.lesson == lesson}
        assert of_lesson >= {"cells", "rules", "exercises", "parity", "browser", "mutants"}
        assert {check.section for check in sections.of_lesson(lesson)} >= of_lesson | {"style", "book", "site"}
    assert {check.section for check in checks} >= {"style", "book", "site", "tools"}


@pytest.mark.parametrize(("arguments", "words"), [([], "make check NB=05"), (["99"], "there is no lesson '99'")])
def test_a_check_of_no_lesson_is_refused(arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert check_main(arguments) == 2
    assert words in capsys.readouterr().err


BROKEN = {
    "another result": ("a = 1", "a = 2"),
    "another print": ('"2\\n"', '"3\\n"'),
    "other HTML": ("<b>bold</b>')", "<i>bold</i>')"),
}


@pytest.fixture
def lesson(tmp_path: Path) -> Path:
    """A lesson with stored outputs."""
    path = tmp_path / "01_first.ipynb"
    html = "from IPython.display import HTML\n\nHTML('<b>bold</b>')"
    cells = [new_code_cell(source, id=name) for name, source in (("sum", "a = 1\nprint(a + 1)"), ("bold", html))]
    path.write_text(text_of(new_notebook(cells=cells)))
    assert notebooks.main([str(path)]) == 0
    return path


def test_every_output_is_compared(lesson: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert cells.main([str(lesson)]) == 0
    assert "2 cells" in capfd.readouterr().out
    stored = lesson.read_text()
    broken = []
    for number, (old, new) in enumerate(BROKEN.values(), start=2):
        assert stored.count(old) == 1
        broken.append(lesson.with_name(f"0{number}_broken.ipynb"))
        broken[-1].write_text(stored.replace(old, new))
    assert cells.main([str(path) for path in [lesson, *broken]]) == 1
    told = capfd.readouterr().out
    assert told.count("make notebooks NB=") == 3 and "make notebooks NB=01_first" not in told
    assert "cell sum: " in told and "cell bold: " in told


SKIPPING = """
import pytest
{module}
def test_passes(): pass
def test_needs_something(): {test}
"""


@pytest.mark.parametrize(
    ("module", "test"),
    [("", "pytest.skip('no browser here')"), ("pytest.skip('no browser here', allow_module_level=True)", "pass")],
    ids=["one test", "a module"],
)
def test_nothing_may_be_skipped_where_everything_is_required(tmp_path: Path, module: str, test: str) -> None:
    (tmp_path / "test_it.py").write_text(SKIPPING.format(module=module, test=test))
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "tests.conftest", "-rs"]
    where = ["--rootdir", str(tmp_path), "-c", os.devnull, str(tmp_path)]

    def run(**environment: str) -> subprocess.CompletedProcess[str]:
        kept = {name: value for name, value in os.environ.items() if name != "BOOK_REQUIRE_ALL"}
        return subprocess.run(
            [*command, *where], cwd=ROOT, env=kept | environment, capture_output=True, text=True, check=False
        )

    lenient, strict = run(), run(BOOK_REQUIRE_ALL="1")
    assert lenient.returncode in (0, 5)
    assert "1 skipped" in lenient.stdout
    assert strict.returncode in (1, 2)
    assert "no browser here" in strict.stdout
    assert "allows no test to be skipped" in strict.stdout
