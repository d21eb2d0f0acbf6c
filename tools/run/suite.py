"""Check everything, and say what failed and where the time went: `python -m tools.run.suite`."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

from tools.lesson.files import as_command
from tools.lesson.read import ROOT
from tools.run.sections import Check, everything
from tools.run.verdicts import Verdicts

MOST_AT_ONCE = 4  # each may take 2 GB
HINTS = {"style": "Mend with `ruff check --fix .` and `ruff format .`."}
_SKIPPED = re.compile(r"^\d.* skipped\b.* in [\d.]+s", re.MULTILINE)


@dataclass(frozen=True)
class Result:
    """What became of a check. `unchanged`: it passed before, and was not run again."""

    check: Check
    passed: bool
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    record: str = ""
    unchanged: bool = False

    @property
    def skipped(self) -> bool:
        """Whether a test could not run here."""
        return bool(_SKIPPED.search(self.record))


def main() -> int:
    """Check everything; 1 if anything failed."""
    try:
        return run(everything(), Verdicts())
    except KeyboardInterrupt:
        print("\nStopped; what had passed until then is remembered.", file=sys.stderr)
        return 130


def run(checks: Sequence[Check], verdicts: Verdicts) -> int:
    """Run the checks side by side, longest first, tell what became of them, and return the exit status."""
    start = time.monotonic()
    results: list[Result] = []
    waiting: list[Check] = []
    for check in sorted(checks, key=verdicts.seconds, reverse=True):
        if verdicts.holds(check):
            results.append(Result(check, passed=True, unchanged=True))
        else:
            waiting.append(check)
    # What others wait for goes first.
    needed = {check.after for check in waiting}
    waiting.sort(key=lambda check: check.section not in needed)
    running: dict[Future[Result], Check] = {}
    with ThreadPoolExecutor(at_once() + 1) as pool:
        while waiting or running:
            for check in next_checks(waiting, [*running.values()], at_once()):
                waiting.remove(check)
                lost = any(not result.passed and result.check.section == check.after for result in results)
                running[pool.submit(not_run if lost else judged, check, verdicts)] = check
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                running.pop(future)
                results.append(future.result())
                tell(future.result())
    print(f"\n{table(results)}\n")
    failed = [result.check.name for result in results if not result.passed]
    print(f"Processor time {sum(result.cpu_seconds for result in results):.0f} s.")
    print(f"{'FAILED: ' + ', '.join(sorted(failed)) if failed else 'All passed'} in {time.monotonic() - start:.0f} s.")
    return 1 if failed else 0


def at_once() -> int:
    """How many checks run side by side: one for each core, within limits."""
    return max(1, min(MOST_AT_ONCE, len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1))


def next_checks(waiting: Sequence[Check], running: Sequence[Check], cores: int) -> list[Check]:
    """The checks to start now: those that wait for no section that is still to be done.

    One for each core computes; beside them one drives a browser, which mostly waits for pages to settle.
    """
    undone = {check.section for check in (*waiting, *running)}
    ready = [check for check in waiting if check.after not in undone]
    room = {
        browses: (1 if browses else cores) - sum(check.browses is browses for check in running)
        for browses in (True, False)
    }
    chosen = []
    for check in ready:
        if room[check.browses] > 0:
            room[check.browses] -= 1
            chosen.append(check)
    return chosen


def judged(check: Check, verdicts: Verdicts) -> Result:
    """Run a check, and keep its verdict if it passed with nothing left out."""
    checksum = verdicts.checksum(check) if verdicts.known and check.keeps else None
    result = carry_out(check)
    verdicts.keep(check, checksum if result.passed and not result.skipped else None, result.seconds)
    return result


def not_run(check: Check, _: Verdicts) -> Result:
    """The result of a check whose ground is missing."""
    return Result(check, passed=False, record=f"not run, since this failed: {check.after}\n")


def carry_out(check: Check) -> Result:
    """Run all commands of a check, whatever becomes of the first, with nothing to read from."""
    start, cpu, passed = time.monotonic(), 0.0, True
    with tempfile.TemporaryFile() as record:
        for command in check.commands:
            process = subprocess.Popen(
                command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=record, stderr=subprocess.STDOUT
            )
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            passed &= process.returncode == 0
            cpu += usage.ru_utime + usage.ru_stime
            if process.returncode == 5 and "pytest" in command:
                record.write(b"There is no test here; write one, or name the lesson in its parameters.\n")
        record.seek(0)
        text = record.read().decode(errors="replace")
    return Result(check, passed, time.monotonic() - start, cpu, text)


def tell(result: Result) -> None:
    """One line for what passed, everything that was said for what failed."""
    if not result.passed:
        hint = HINTS.get(result.check.section, "")
        told = f"{result.record.strip()}\n{hint}".strip()
        print(f"\n━━ FAILED: {result.check.name} ({result.seconds:.0f} s)\n{told}\n", flush=True)
        return
    note = ", with tests skipped" if result.skipped else ""
    took = f"{result.seconds:.0f} s, processor {result.cpu_seconds:.0f} s"
    print(f"   {result.check.name}: passed in {took}{note}", flush=True)
    if "Pages, compressed" in result.record:
        print(result.record[result.record.index("Pages, compressed") :].partition("\n")[2].partition("\n=")[0])


def table(results: Sequence[Result]) -> str:
    """Where the time went: a line for each section, with the seconds of each lesson and of the rest."""
    lessons = sorted({result.check.lesson for result in results if result.check.lesson})
    columns = [*lessons, None]
    head = "".join(f"{lesson[:2] if lesson else 'rest':>8}" for lesson in columns)
    lines = [f"{'seconds':12}{head}{'cpu':>8}"]
    for section in dict.fromkeys(
        check.section for check in sorted((r.check for r in results), key=lambda c: c.section)
    ):
        mine = {result.check.lesson: result for result in results if result.check.section == section}
        row = "".join(f"{_shown(mine.get(lesson)):>8}" for lesson in columns)
        lines.append(f"{section:12}{row}{sum(result.cpu_seconds for result in mine.values()):8.0f}")
    if any(result.unchanged for result in results):
        lines.append("=: unchanged since it passed")
    return "\n".join(lines)


def _shown(result: Result | None) -> str:
    if result is None:
        return ""
    return "=" if result.unchanged else f"{'' if result.passed else 'FAILED '}{result.seconds:.0f}"


if __name__ == "__main__":
    sys.exit(as_command(main))
