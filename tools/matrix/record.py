"""What the matrix found, as book/status.json keeps it and book/status.md shows it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tools.lesson.format import lesson_number
from tools.lesson.read import ROOT
from tools.matrix.legs import Leg, Matrix

DATA = ROOT / "book" / "status.json"
PAGE = ROOT / "book" / "status.md"
# Run times are shown as the smallest of these that they stay under: no two runs take the same time.
CLASSES = ((30, "30 s"), (60, "1 min"), (120, "2 min"), (180, "3 min"), (300, "5 min"), (600, "10 min"))
CPUS = {"DEFAULT": "SSE", "AVX2": "AVX2", "AVX512": "AVX-512"}
COLUMNS = ("torch", "numpy", "ipywidgets", "matplotlib")

INTRODUCTION = """\
Every lesson is run alone in an empty folder, in each of the environments below, and all text that its cells print is
compared with what is stored: every digit must agree. There, too, the live panels' knobs are turned and the frame
sliders are read."""
WHAT_IS_MEASURED = """\
Run time: all cells in the environment *{leg}*. Page weight: what a browser loads, compressed, before a reader scrolls
and when the whole page has been read."""

PASSED, FAILED = "passed", "FAILED"

Record = dict[str, Any]
Table = tuple[list[str], list[list[str]]]


def read_record(file: Path | None = None) -> Record:
    """What was found so far (in book/status.json, unless told otherwise); an empty record where nothing was."""
    file = file or DATA
    if not file.is_file():
        return {"machine": "", "legs": {}, "weights": {}}
    return json.loads(file.read_text(encoding="utf-8"))


def record_text(record: Record) -> str:
    """The record as its file holds it."""
    return json.dumps(record, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def enter(record: Record, leg: Leg, environment: str) -> Record:
    """The leg's entry, ready for verdicts; those found with other versions or settings are dropped."""
    facts = {"environment": environment, "settings": [leg.python, leg.threads, leg.cpu], "not_run": None}
    entry = record["legs"].setdefault(leg.name, {})
    if any(entry.get(name) != facts[name] for name in ("environment", "settings")):
        entry.clear()
        entry["lessons"] = {}
    entry |= facts
    return entry


def page_text(record: Record, matrix: Matrix, fingerprints: Mapping[str, str]) -> str:
    """The page. `fingerprints`: of each lesson, as it is now."""
    dates = sorted(verdict["date"] for entry in record["legs"].values() for verdict in entry["lessons"].values())
    parts = [
        "# Where the lessons hold",
        INTRODUCTION,
        f"The last run was on {dates[-1]}, on {record['machine']}." if dates else "It was not run yet.",
        table(*verdicts(record, matrix, fingerprints)),
        "## Environments",
        table(*environments(record, matrix)),
        "\n".join(f"- **{leg.name}**: {leg.why}" for leg in matrix.legs),
        "## Lessons",
        table(
            ["lesson", "run time", "before scrolling", "in all", "since its run"],
            _lessons(record, matrix, fingerprints),
        ),
        WHAT_IS_MEASURED.format(leg=matrix.legs[0].name),
    ]
    return "\n\n".join(parts) + "\n"


def title(name: str) -> str:
    """`Lesson 1` for `01_vit_fundamentals`."""
    return f"Lesson {lesson_number(name)}"


def table(head: list[str], rows: list[list[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def state(record: Record, leg: Leg, lesson: str, fingerprint: str) -> str:
    """What is known of a lesson in a leg, in a word or two."""
    entry = record["legs"].get(leg.name)
    if entry is None or entry["settings"] != [leg.python, leg.threads, leg.cpu]:
        return "not run yet"
    if entry["not_run"]:
        return f"not run: {entry['not_run']}"
    verdict = entry["lessons"].get(lesson)
    if verdict is None:
        return "not run yet"
    return verdict["verdict"] + ("" if verdict["fingerprint"] == fingerprint else ", changed since")


def run_time(seconds: float) -> str:
    """The class of a run time."""
    for bound, name in CLASSES:
        if seconds < bound:
            return f"under {name}"
    return f"under {math.ceil(seconds / 600) * 10} min"


def verdicts(record: Record, matrix: Matrix, fingerprints: Mapping[str, str]) -> Table:
    """Head and rows of the table that says how each lesson did in each leg."""
    head = ["environment", *(title(name) for name in fingerprints)]
    return head, [
        [leg.name, *(state(record, leg, name, now) for name, now in fingerprints.items())] for leg in matrix.legs
    ]


def environments(record: Record, matrix: Matrix) -> Table:
    """Head and rows of the table that says what each leg holds."""
    rows = []
    for leg in matrix.legs:
        entry = record["legs"].get(leg.name, {})
        versions = {name: version.partition("+")[0] for name, version in entry.get("versions", {}).items()}
        cpu = CPUS.get(entry.get("cpu") or "", "–")
        shown = [versions.get(name, "–") for name in COLUMNS]
        rows.append([leg.name, entry.get("python") or leg.python, str(leg.threads), cpu, *shown])
    return ["environment", "Python", "threads", "CPU", *COLUMNS], rows


def _lessons(record: Record, matrix: Matrix, fingerprints: Mapping[str, str]) -> list[list[str]]:
    rows = []
    first = record["legs"].get(matrix.legs[0].name, {}).get("lessons", {})
    for name, now in fingerprints.items():
        verdict, weight = first.get(name), record["weights"].get(name)
        time = run_time(verdict["seconds"]) if verdict else "not run yet"
        sizes = [f"{size} kB" for size in weight] if weight else ["not measured"] * 2
        change = "–" if verdict is None else "unchanged" if verdict["fingerprint"] == now else "code or outputs changed"
        rows.append([title(name), time, *sizes, change])
    return rows
