"""What the rules say of lessons just stored, without running them."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from pathlib import Path

from tools.lesson.read import NOTEBOOKS, ROOT
from tools.run.environment import clean_environment

RULES = ROOT / "tests" / "contract"


def complaints(paths: Sequence[Path]) -> list[str]:
    """Each line says which cell breaks a rule, and how to mend it. Drafts outside notebooks/ are not looked at.

    The rules are tests, and run as such, in a process of their own: tools don't import tests.
    """
    names = [path.stem for path in paths if path.resolve().parent == NOTEBOOKS]
    if not names or not RULES.is_dir():
        return []
    with clean_environment() as environment, tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "rules.xml"
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", " or ".join(names)]
        result = subprocess.run(
            [*command, f"--junitxml={report}", RULES],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
        if not report.is_file():
            return [f"the rules did not run: {(result.stderr or result.stdout).strip()[-500:]}"]
        cases = ElementTree.fromstring(report.read_text(encoding="utf-8")).iter("testcase")
        troubles = [child for case in cases for child in case if child.tag in ("failure", "error")]
    texts = [trouble.text or trouble.get("message") or "" for trouble in troubles]
    return [line for text in texts for line in text.strip().splitlines()]
