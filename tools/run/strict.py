"""One lesson, alone in an empty folder, every output compared with what is stored: the run behind every verdict.

Whoever wants a verdict calls `run_strictly(sys.executable, path)`, from several threads if need be, and prints
`told(path, verdict)`. What else compares notebooks takes its flags from `strict_command`.
"""

from __future__ import annotations

import json
import re
import resource
import shutil
import subprocess
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from nbformat import NotebookNode

from tools.lesson.format import FRAME_SLIDER, LIVE
from tools.lesson.outputs import SANITIZER
from tools.lesson.read import ROOT, cell_id, code_cells, has_tag, read_lesson
from tools.run.environment import CELL_LIMIT, clean_environment
from tools.run.probe import REPORT_VARIABLE

# How pytest compares outputs. The cell limit is for a stuck cell.
STRICT = [
    *("--nbval", "--nbval-current-env", f"--nbval-cell-timeout={CELL_LIMIT}"),
    *("--nbval-sanitize-with", str(SANITIZER)),
]
PROBE = ROOT / "tools" / "run" / "probe.py"
# One expression, so that it leaves no name behind in the lesson's namespace.
START_UP = "exec(open({path!r}).read(), {{'__name__': 'book_probe', 'get_ipython': get_ipython}})\n"
# Cells whose widgets the probe must have met.
INTERACTIVE = (LIVE, FRAME_SLIDER)

# As the kernel colours a traceback, and as JUnit's XML writes the escape character.
_COLOUR = re.compile(r"(?:\x1b|#x1B)\[[0-9;]*m")


@dataclass
class Verdict:
    """How a run went: which cells did not print what is stored, and why."""

    cells: int
    seconds: float
    cpu_seconds: float
    failures: dict[str, str] = field(default_factory=dict)
    tried: int = 0  # live panels and frame sliders that were used
    record: str = ""

    @property
    def passed(self) -> bool:
        """Whether every cell printed what is stored."""
        return not self.failures


def run_strictly(python: str | Path, lesson: Path, settings: Mapping[str, str] | None = None) -> Verdict:
    """Run a lesson with this interpreter, in the clean environment with these settings, and compare."""
    with (
        clean_environment(settings, python) as environment,
        tempfile.TemporaryDirectory(prefix="lesson-") as alone,
        tempfile.TemporaryDirectory() as aside,
    ):
        copy = shutil.copy(lesson, alone)
        junit, report = Path(aside) / "junit.xml", Path(aside) / "probe.jsonl"
        start_up = Path(environment["IPYTHONDIR"]) / "profile_default" / "startup" / "00-probe.py"
        start_up.parent.mkdir(parents=True, exist_ok=True)
        start_up.write_text(START_UP.format(path=str(PROBE)), encoding="utf-8")
        start, cpu = time.monotonic(), _children_cpu()
        result = subprocess.run(
            [*strict_command(python, Path(aside)), "--junitxml", junit, copy],
            cwd=alone,
            env=environment | {REPORT_VARIABLE: str(report)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
        verdict = Verdict(0, time.monotonic() - start, _children_cpu() - cpu, record=result.stdout + result.stderr)
        judge(verdict, lesson, result.returncode, _text(junit), _text(report))
        return verdict


def strict_command(python: str | Path, aside: Path) -> list[str]:
    """Compare notebooks, to be named after this, with what they store; `aside` is an empty folder.

    An empty configuration of its own: pytest otherwise looks for one in all folders above the notebooks.
    """
    configuration = aside / "pytest.ini"
    configuration.write_text("[pytest]\n", encoding="utf-8")
    command = [str(python), "-m", "pytest", "-c", str(configuration), "-q", "-p", "no:cacheprovider", "--color=no"]
    return [*command, *STRICT]


def told(lesson: Path, verdict: Verdict) -> str:
    """The verdict for a terminal: a line, and one more for each cell that failed, with the cell's id."""
    word = "the same" if verdict.passed else "DIFFERS"
    lines = [f"   {lesson.stem}: {word}, {verdict.cells} cells, {verdict.seconds:.0f} s"]
    lines += [f"      cell {cell}: {says}" for cell, says in verdict.failures.items()]
    return "\n".join(lines)


def judge(verdict: Verdict, lesson: Path, status: int, junit: str, report: str) -> None:
    """Enter into the verdict every cell that failed, was passed over, or whose widgets did not work."""
    cells = list(code_cells(read_lesson(lesson)))
    names = [cell_id(cell) for cell in cells]
    met = set()
    for case in ElementTree.fromstring(junit).iter("testcase") if junit else ():
        name = case.get("name", "")
        position = int(name.rpartition(" ")[2]) if name.startswith("Cell ") else -1
        if not 0 <= position < len(cells):
            verdict.failures[name or "?"] = "this cell is not in the lesson"
            continue
        met.add(position)
        trouble = [child for child in case if child.tag in ("failure", "error", "skipped")]
        if trouble:
            verdict.failures[names[position]] = _summary(trouble[0].text or trouble[0].get("message") or "")
    verdict.cells = len(met)
    for position, name in enumerate(names):
        if position not in met:
            verdict.failures[name] = "it was not run"
    entries = [json.loads(line) for line in report.splitlines()]
    verdict.tried = len(entries)
    for name, complaint in probe_complaints(cells, entries).items():
        verdict.failures.setdefault(name, complaint)
    if status and not verdict.failures:
        verdict.failures["(none)"] = f"pytest ended with status {status}"


def probe_complaints(cells: Sequence[NotebookNode], entries: Sequence[Mapping]) -> dict[str, str]:
    """By cell: panels and sliders that do not work when they are used, or that never appeared."""
    found = {}
    for cell in cells:
        if not has_tag(cell, *INTERACTIVE):
            continue
        mine = [entry for entry in entries if entry["source"] == cell.source]
        if not mine:
            found[cell_id(cell)] = "it shows no LivePanel and no FrameSlider to try"
        elif complaints := [complaint for entry in mine for complaint in entry["complaints"]]:
            found[cell_id(cell)] = "; ".join(complaints)
    return found


def _summary(text: str) -> str:
    """The lines of nbval's message that say what differs."""
    lines = [line.strip() for line in _COLOUR.sub("", text).splitlines() if line.strip()]
    for position, line in enumerate(lines):
        if line.startswith(("mismatch", "Unexpected output", "Missing output", "dissimilar")):
            return " ".join(lines[position : position + 6])[:600]
    errors = [line for line in lines if "Error" in line or "Timeout" in line]
    return (errors[-1] if errors else " ".join(lines[:3]))[:600]


def _children_cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.is_file() else ""
