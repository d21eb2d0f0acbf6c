"""The clean environment in which everything runs that stores or judges a lesson.

It is empty by default: of the user's variables only those below are passed on, and every folder in which a program
looks for settings (HOME, IPython's, Jupyter's, matplotlib's) is new and empty. So no matplotlibrc, backend, locale,
IPython profile, `python -O` or PYTHONPATH of the user's changes what is stored, or what is judged.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tools.lesson.files import write_atomically
from tools.lesson.read import ROOT

# Seconds that a cell may run. The limit is for a stuck cell: on a busy machine a slow one takes ten times its budget.
CELL_LIMIT = 600
# Where programs and libraries are found, and where temporary files may be written; nothing that a lesson could see.
PASSED_ON = (
    *("PATH", "TMPDIR"),
    *("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH", "NIX_LD", "NIX_LD_LIBRARY_PATH"),
)
FIXED = {
    "LANG": "C.UTF-8",
    "LC_ALL": "C.UTF-8",
    "USER": "reader",
    "LOGNAME": "reader",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONNOUSERSITE": "1",
    "PYDEVD_DISABLE_FILE_VALIDATION": "1",  # an older debugger talks on stderr otherwise
    "JUPYTER_PREFER_ENV_PATH": "1",
    "BOOK_QUIET": "1",
}
# Each program's folder of settings, within the new home.
SETTINGS_FOLDERS = {
    "HOME": "",
    "XDG_CONFIG_HOME": "config",
    "XDG_CACHE_HOME": "cache",
    "XDG_DATA_HOME": "data",
    "IPYTHONDIR": "ipython",
    "JUPYTER_CONFIG_DIR": "jupyter-config",
    "JUPYTER_DATA_DIR": "jupyter-data",
    "JUPYTER_RUNTIME_DIR": "jupyter-runtime",
    "MPLCONFIGDIR": "matplotlib",
}
# matplotlib takes seconds to list a machine's fonts, and complains on stderr while it does.
FONT_LISTS = ROOT / "_build" / "cache" / "fonts"


@contextmanager
def clean_environment(
    settings: Mapping[str, str] | None = None, python: str | Path = sys.executable
) -> Iterator[dict[str, str]]:
    """The variables for a process of this interpreter, with these settings of one's own. Its home goes at the end."""
    with tempfile.TemporaryDirectory(prefix="home-", ignore_cleanup_errors=True) as home:
        environment = dict(FIXED)
        for name, folder in SETTINGS_FOLDERS.items():
            environment[name] = str(Path(home, folder))
            Path(home, folder).mkdir(exist_ok=True)
        environment |= {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        _lend_font_list(python, environment)
        yield environment | dict(settings or {})


def _lend_font_list(python: str | Path, environment: Mapping[str, str]) -> None:
    """Put the list of fonts where matplotlib looks for it; made once for each interpreter and matplotlib."""
    installed = sorted(path.name for path in Path(python).parent.parent.glob("lib/python*/site-packages/matplotlib-*"))
    key = hashlib.sha256(" ".join((str(python), *installed)).encode()).hexdigest()[:12]
    kept, folder = FONT_LISTS / key, Path(environment["MPLCONFIGDIR"])
    with contextlib.suppress(OSError):  # another user's, perhaps
        for file in kept.glob("*.json"):
            shutil.copy(file, folder)
    if any(folder.glob("*.json")):
        return
    with contextlib.suppress(OSError):  # an interpreter that isn't there is told by those who run it
        command = [python, "-c", "import matplotlib.font_manager"]
        subprocess.run(command, cwd=folder, env=environment, capture_output=True, check=False)
    with contextlib.suppress(OSError):  # a checkout that cannot be written to keeps none
        kept.mkdir(parents=True, exist_ok=True)
        for file in folder.glob("*.json"):
            write_atomically(kept / file.name, file.read_text(encoding="utf-8"))
