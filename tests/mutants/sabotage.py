"""Break random lines of a lesson, one at a time, and see whether `make test` would notice.

    python -m tests.mutants.sabotage 01_vit_fundamentals --count 10 --seed 1

For maintainers: it looks for code whose result nobody checks. A number, an operator or the order of two arguments is
changed. The change is noticed when a cell then raises, when an output differs from the stored one (strict nbval), or
when another test of the lesson fails. What is not noticed is printed: often a margin, a title or a seed,
sometimes a proof that is missing. It takes a few seconds a change, and is not part of `make test`.
"""

from __future__ import annotations

import argparse
import ast
import copy
import json
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from tests.shared.branches import Branch, Step, explore
from tools.lesson.files import as_command
from tools.lesson.proving import assertions_in
from tools.lesson.read import ROOT, cell_id, code_cells, find_lesson, has_tag, read_lesson, without_magics
from tools.run.environment import CELL_LIMIT, clean_environment
from tools.run.strict import Verdict, run_strictly

# Of the repository's folders: environments, what was built, and whatever else hides behind a dot.
LEFT_OUT = shutil.ignore_patterns(".*", "_build", "__pycache__")
_OPERATORS: dict[type[ast.AST], str] = {
    ast.Add: "-", ast.Sub: "+", ast.Mult: "+", ast.Div: "*", ast.FloorDiv: "*", ast.Pow: "*", ast.MatMult: "*",
    ast.Lt: "<=", ast.LtE: "<", ast.Gt: ">=", ast.GtE: ">", ast.Eq: "!=", ast.NotEq: "==",
}  # fmt: skip


@dataclass(frozen=True)
class Change:
    """One changed line. `cell` is its number among the code cells."""

    cell: int
    cell_id: str
    source: str
    before: str
    after: str


def changes(notebook: NotebookNode, figures: bool = False) -> Iterator[Change]:
    """Every change this module knows, in the lesson's own code: no set-up, no exercises, no assertion.

    Unless `figures` is set, cells that draw are left alone: no test can tell a good size of a picture from a bad one.
    """
    for index, cell in enumerate(code_cells(notebook)):
        if has_tag(cell, "imports", "setup", "carried-over", "solution", "exercise-tests", "live"):
            continue
        if not figures and ("plt." in cell.source or "fig." in cell.source):
            continue
        source = without_magics(cell.source)
        for start, end, put in _edits(source):
            changed = source[:start] + put + source[end:]
            try:
                ast.parse(changed)
            except SyntaxError:
                continue
            number = source.count("\n", 0, start)
            before, after = source.splitlines()[number].strip(), changed.splitlines()[number].strip()
            yield Change(index, cell_id(cell), changed, before, after)


def _edits(source: str) -> Iterator[tuple[int, int, str]]:
    """Replacements (start, end, text) in a cell's source."""
    tree = ast.parse(source)
    lines = source.splitlines(keepends=True)
    starts = [sum(map(len, lines[:number])) for number in range(len(lines) + 1)]

    def offset(line: int, column: int) -> int:  # ast counts columns in bytes
        return starts[line - 1] + len(lines[line - 1].encode()[:column].decode())

    def span(node: ast.expr) -> tuple[int, int]:
        last, column = node.end_lineno or node.lineno, node.end_col_offset or node.col_offset
        return offset(node.lineno, node.col_offset), offset(last, column)

    asserted = {id(inner) for node in assertions_in(tree) for inner in ast.walk(node)}
    formatted = {id(inner) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for inner in ast.walk(node)}
    for node in ast.walk(tree):
        if id(node) in asserted | formatted:
            continue
        if isinstance(node, ast.Constant) and isinstance(node.value, bool):
            yield *span(node), repr(not node.value)
        elif isinstance(node, ast.Constant) and isinstance(node.value, int):
            yield *span(node), repr(node.value + 1)
        elif isinstance(node, ast.Constant) and isinstance(node.value, float):
            yield *span(node), repr(node.value * 1.5)
        elif isinstance(node, ast.BinOp | ast.Compare):
            left, right, operator = (
                (node.left, node.right, node.op)
                if isinstance(node, ast.BinOp)
                else (node.left, node.comparators[0], node.ops[0])
            )
            if type(operator) in _OPERATORS:
                between = span(left)[1], span(right)[0]
                if source[slice(*between)].strip(" ") and "(" not in source[slice(*between)]:
                    yield *between, f" {_OPERATORS[type(operator)]} "
        elif isinstance(node, ast.Call):
            match node.args[:2]:
                case [ast.Name() as first, ast.Name() as second]:
                    yield span(first)[0], span(second)[1], f"{second.id}, {first.id}"


def raised(notebook: NotebookNode, chosen: Sequence[Change], timeout: float) -> dict[Change, str]:
    """The changes after which some cell raises (or never ends), and where."""
    cells = list(code_cells(notebook))
    sources = [Step(cell_id(cell), cell.source) for cell in cells]
    branches = [
        Branch(
            str(number),
            change.cell,
            (Step(change.cell_id, change.source), *sources[change.cell + 1 :]),
        )
        for number, change in enumerate(chosen)
    ]
    outcomes = explore(sources, branches, timeout=timeout)
    found = {}
    for number, change in enumerate(chosen):
        outcome = outcomes[str(number)]
        if outcome.end != "ran":
            found[change] = outcome.message
        elif outcome.error is not None:
            found[change] = f"{outcome.error} in {outcome.cell}"
    return found


def printed_otherwise(path: Path, notebook: NotebookNode, chosen: Sequence[Change]) -> dict[Change, str]:
    """The changes after which a strict run finds another output, and in which cell first. Two runs at a time."""

    def judged(change: Change) -> Verdict:
        with tempfile.TemporaryDirectory(prefix="sabotage-") as folder:
            changed = Path(folder, path.name)
            nbformat.write(with_change(notebook, change), changed)
            return run_strictly(sys.executable, changed)

    with ThreadPoolExecutor(2) as pool:
        verdicts = dict(zip(chosen, pool.map(judged, chosen), strict=True))
    return {
        change: f"another output in {len(verdict.failures)} cells, first in {next(iter(verdict.failures))}"
        for change, verdict in verdicts.items()
        if not verdict.passed
    }


def with_change(notebook: NotebookNode, change: Change) -> NotebookNode:
    """A copy of the lesson with one line changed."""
    result = copy.deepcopy(notebook)
    next(cell for cell in result.cells if cell_id(cell) == change.cell_id).source = change.source
    return result


def failed_elsewhere(path: Path, notebook: NotebookNode, chosen: Sequence[Change]) -> dict[Change, str]:
    """The changes that another test of the lesson notices, in a copy of the repository."""
    if not chosen:
        return {}
    known = _failing_tests(path, notebook)  # a test that fails anyway notices nothing
    found = {}
    for change in chosen:
        if new := sorted(_failing_tests(path, with_change(notebook, change)) - known):
            found[change] = new[0]
    return found


def _failing_tests(path: Path, notebook: NotebookNode) -> set[str]:
    with tempfile.TemporaryDirectory(prefix="sabotage-") as folder, clean_environment() as environment:
        copied = Path(folder, "repository")
        shutil.copytree(ROOT, copied, ignore=LEFT_OUT)
        nbformat.write(notebook, copied / path.relative_to(ROOT))
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--tb=no", "-rfE"]
        result = subprocess.run(
            [*command, "tests/parity", "tests/exercises"],
            cwd=copied,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
    lines = (line.partition(" - ")[0] for line in result.stdout.splitlines())
    return {line for line in lines if line.startswith(("FAILED", "ERROR"))}


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; 0 whatever is found, since an unnoticed change may be harmless: its reader decides."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants.sabotage", description=__doc__.splitlines()[0])
    parser.add_argument("lesson", help="a number, name or path")
    parser.add_argument("--count", type=int, default=10, help="how many lines to break (default 10)")
    parser.add_argument("--seed", type=int, default=0, help="which lines (default 0)")
    parser.add_argument(
        "--timeout", type=float, default=CELL_LIMIT, help=f"seconds allowed to one change ({CELL_LIMIT})"
    )
    parser.add_argument("--figures", action="store_true", help="break cells that draw, too")
    parser.add_argument("--json", type=Path, help="also write the result to this file")
    options = parser.parse_args(arguments)
    try:
        path = find_lesson(options.lesson)
        notebook = read_lesson(path)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    everything = list(changes(notebook, options.figures))
    chosen = random.Random(options.seed).sample(everything, min(options.count, len(everything)))
    print(f"{len(chosen)} of {len(everything)} possible changes")
    noticed = raised(notebook, chosen, options.timeout)
    noticed |= printed_otherwise(path, notebook, [change for change in chosen if change not in noticed])
    noticed |= failed_elsewhere(path, notebook, [change for change in chosen if change not in noticed])
    for change in sorted(chosen, key=lambda change: change.cell):
        print(
            f"  {change.cell_id:<24} {noticed.get(change, 'NOT NOTICED')}\n    - {change.before}\n    + {change.after}"
        )
    print(f"{len(noticed)} of {len(chosen)} noticed")
    if options.json:
        rows = [{**vars(change), "noticed": noticed.get(change)} for change in chosen]
        options.json.write_text(json.dumps(rows, indent=1), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(as_command(main))
