"""The set-up cell: a reader's own matplotlib settings change nothing, and Python without asserts is refused."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tools.lesson.read import code_cells, find_lesson, has_tag, read_lesson

# What the cell needs of the import cell; torch itself takes seconds to load.
BEFORE = "from types import SimpleNamespace as N\ntorch = N(set_num_threads=print, Generator=N)\n"
AFTER = "\nprint(sorted((name, str(value)) for name, value in mpl.rcParams.items() if name in STYLED))"
# Settings that a reader may have, and that a picture would show.
OWN = {"text.usetex": "True", "axes.grid": "True", "savefig.dpi": "30", "image.cmap": "jet", "font.size": "7"}


def run(*options: str, settings: str = os.devnull) -> subprocess.CompletedProcess[str]:
    """Run the set-up cell in a Python of its own."""
    setup = next(cell.source for cell in code_cells(read_lesson(find_lesson(1))) if has_tag(cell, "setup"))
    code = f"{BEFORE}{setup}\nSTYLED = {sorted(OWN)}{AFTER}"
    return subprocess.run(
        [sys.executable, *options, "-c", code],
        env=os.environ | {"MATPLOTLIBRC": settings, "MPLBACKEND": "agg"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_settings_of_the_readers_own_change_nothing(tmp_path: Path) -> None:
    (tmp_path / "matplotlibrc").write_text("".join(f"{name}: {value}\n" for name, value in OWN.items()))
    plain, own = run(), run(settings=str(tmp_path))
    assert plain.stdout == own.stdout
    assert "('text.usetex', 'False')" in own.stdout, own.stderr


def test_python_without_asserts_is_refused() -> None:
    assert run().returncode == 0
    refused = run("-O")
    assert refused.returncode == 1
    assert refused.stderr.splitlines()[-1].startswith("RuntimeError: Python runs without its asserts")
