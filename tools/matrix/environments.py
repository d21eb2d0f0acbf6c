"""The legs' virtual environments: made once, kept in .matrix/, and made anew when their versions change."""

from __future__ import annotations

import glob
import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from tools.lesson.read import ROOT
from tools.matrix.legs import Leg, Matrix
from tools.run.environment import clean_environment

FOLDER = ROOT / ".matrix"
# Shown in the table of versions, in this order.
SHOWN = ("torch", "numpy", "matplotlib", "ipywidgets", "scikit-learn", "scikit-image", "scipy", "einops")

_READY = ".ready"
_PIP = ("-m", "pip", "install", "-qq", "--disable-pip-version-check")
# Imports everything once, too, so that the first lesson does not meet a font cache being built.
_INSPECT = """
import json, platform, sys
from importlib.metadata import version
import matplotlib.pyplot, numpy, scipy, skimage, sklearn, torch
print(json.dumps({
    "python": platform.python_version(),
    "cpu": torch.backends.cpu.get_cpu_capability(),
    "versions": {name: version(name) for name in sys.argv[1:]},
}))
"""
_QUIETLY: dict[str, Any] = {"capture_output": True, "encoding": "utf-8", "errors": "replace", "check": False}
_CPU_NAMES = {"default": "DEFAULT", "avx2": "AVX2"}


class NotRunError(Exception):
    """Why a leg cannot be run here: one short sentence, fit for the site."""


def interpreter(leg: Leg, matrix: Matrix, folder: Path = FOLDER) -> Path:
    """The leg's Python, with its packages; made if need be. NotRunError when it cannot be had."""
    home = folder / "environments" / key(leg, matrix)
    python = home / "bin" / "python"
    if (home / _READY).is_file() and _version(python) == leg.python:
        return python
    shutil.rmtree(home, ignore_errors=True)
    base = find_python(leg.python)
    if base is None:
        raise NotRunError(f"no Python {leg.python} with venv on this machine")
    print(f"   making the environment (Python {leg.python}, some minutes and up to 7 GB) …", flush=True)
    home.parent.mkdir(parents=True, exist_ok=True)
    _check(subprocess.run([base, "-m", "venv", home], check=False).returncode, "venv failed")
    limits = [part for file in leg.constraints for part in ("-c", str(ROOT / file))]
    status = subprocess.run([python, *_PIP, *limits, *matrix.packages], check=False).returncode
    _check(status, "pip could not install its versions")
    (home / _READY).touch()
    return python


def key(leg: Leg, matrix: Matrix) -> str:
    """A folder's name that changes with anything that decides what is installed."""
    digest = hashlib.sha256(" ".join((leg.python, *matrix.packages)).encode())
    for file in leg.constraints:
        digest.update(without_comments((ROOT / file).read_text(encoding="utf-8")).encode())
    return f"python{leg.python}-{digest.hexdigest()[:10]}"


def without_comments(text: str) -> str:
    """The lines of a constraints file that say something."""
    lines = (line.partition(" #")[0].strip() for line in text.splitlines() if not line.startswith("#"))
    return "\n".join(line for line in lines if line)


def unused(matrix: Matrix, folder: Path = FOLDER) -> list[Path]:
    """Environments that no leg uses any more."""
    wanted = {key(leg, matrix) for leg in matrix.legs}
    return sorted(path for path in (folder / "environments").glob("*") if path.name not in wanted)


def inspect(python: Path, leg: Leg) -> dict:
    """What the environment holds and which CPU torch sees there. NotRunError when it is not what the leg asks for."""
    with clean_environment(leg.settings(), python) as environment:
        result = subprocess.run(
            [python, "-c", _INSPECT, *SHOWN],
            env=environment,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
    if result.returncode:
        print(result.stderr.strip(), flush=True)
        raise NotRunError("its packages do not work together")
    found = json.loads(result.stdout)
    if found["cpu"] != _CPU_NAMES.get(leg.cpu, found["cpu"]):
        raise NotRunError(f"this machine's CPU has no {leg.cpu.upper()}")
    return found


def find_python(version: str) -> str | None:
    """An interpreter of this version that can make environments: on the path, or one of pyenv's."""
    for candidate in _candidates(version):
        if _version(candidate) == version and _run(candidate, "import ensurepip, venv") is not None:
            return candidate
    return None


def _candidates(version: str) -> Iterator[str]:
    named: Iterable[str | None] = (shutil.which(f"python{version}"), shutil.which("python3"))
    yield from (path for path in named if path)
    home = os.environ.get("PYENV_ROOT", str(Path.home() / ".pyenv"))
    yield from sorted(glob.glob(f"{home}/versions/{version}.*/bin/python"), reverse=True)


def _version(python: str | Path) -> str | None:
    """`3.12`; None when there is no such interpreter, or it does not work."""
    return _run(python, "import sys; print('%d.%d' % sys.version_info[:2])")


def _run(python: str | Path, code: str) -> str | None:
    try:
        result = subprocess.run([python, "-c", code], **_QUIETLY)
    except OSError:
        return None
    return result.stdout.strip() if result.returncode == 0 else None


def _check(status: int, why: str) -> None:
    if status:
        raise NotRunError(why)
