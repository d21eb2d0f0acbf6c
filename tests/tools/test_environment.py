"""No setting of a user's changes what is stored or judged; each of these settings would, if it were let through."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from nbformat.v4 import new_code_cell, new_notebook

from tests.shared.branches import Branch, Step, TrunkError, explore
from tools.lesson.normalise import text_of
from tools.lesson.read import ROOT, read_lesson
from tools.run import environment, notebooks
from tools.run.strict import run_strictly

RC = "axes.grid: True\n"
KERNEL = '{"argv": ["false"], "display_name": "Mine", "language": "python"}'
# What a lesson can see of the user, a cell for each setting below; a run prints one line a cell.
CELLS = {
    "matplotlibrc": "import matplotlib as mpl\n\nprint(mpl.rcParams['axes.grid'], mpl.rcParams['lines.linewidth'])",
    "backend": "import matplotlib.pyplot as plt\n\n_ = plt.plot([1])\nplt.show()\nprint(plt.get_backend())",
    "locale": "import locale\n\nprint(locale.setlocale(locale.LC_ALL, ''), locale.getpreferredencoding())",
    "optimize": "print(__debug__)",
    "profile": "print('MINE' in globals())",
    "path": "import importlib.util\n\nprint(importlib.util.find_spec('my_module') is None)",
    "warnings": "import sys\n\nprint(sys.warnoptions)",
    "threads": "import os\n\nprint(os.environ['OMP_NUM_THREADS'], os.environ['MKL_NUM_THREADS'])",
    "home": "from pathlib import Path\n\nprint((Path.home() / 'notes.txt').exists(), Path.home().name == 'user')",
    "user": "import getpass\n\nprint(getpass.getuser(), 'BOOK_REQUIRE_ALL' in os.environ)",
}
SETTINGS = (
    *("HOME", "MATPLOTLIBRC", "MPLBACKEND", "MPLCONFIGDIR", "LANG", "LC_ALL", "PYTHONOPTIMIZE", "PYTHONSTARTUP"),
    *("IPYTHONDIR", "JUPYTER_PATH", "JUPYTER_CONFIG_DIR", "JUPYTER_PREFER_ENV_PATH", "PYTHONPATH", "PYTHONWARNINGS"),
    *("OMP_NUM_THREADS", "MKL_NUM_THREADS", "USER", "LOGNAME", "XDG_CONFIG_HOME", "PYTEST_ADDOPTS", "BOOK_REQUIRE_ALL"),
)


@pytest.fixture
def hostile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user with settings for everything."""
    home = tmp_path / "user"
    files = {
        "notes.txt": "",
        ".config/matplotlib/matplotlibrc": RC,
        "rc/matplotlibrc": "lines.linewidth: 9\naxes.grid: True\n",
        "ipython/profile_default/startup/00-mine.py": "MINE = 1",
        "jupyter/kernels/python3/kernel.json": KERNEL,
        "modules/my_module.py": "",
        "start.py": "MINE = 2",
    }
    for name, text in files.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(text)
    (home / "matplotlibrc").write_text(RC)
    monkeypatch.chdir(home)
    values = {
        "HOME": home,
        "MATPLOTLIBRC": home / "rc",
        "MPLBACKEND": "svg",
        "MPLCONFIGDIR": home / "rc",
        "LANG": "C",
        "LC_ALL": "C",
        "PYTHONOPTIMIZE": "1",
        "PYTHONSTARTUP": home / "start.py",
        "IPYTHONDIR": home / "ipython",
        "JUPYTER_PATH": home / "jupyter",
        "JUPYTER_CONFIG_DIR": home / "jupyter",
        "JUPYTER_PREFER_ENV_PATH": "0",
        "PYTHONPATH": home / "modules",
        "PYTHONWARNINGS": "ignore",
        "OMP_NUM_THREADS": "2",
        "MKL_NUM_THREADS": "2",
        "USER": "somebody",
        "LOGNAME": "somebody",
        "XDG_CONFIG_HOME": home / ".config",
        "PYTEST_ADDOPTS": "--collect-only",
        "BOOK_REQUIRE_ALL": "1",
    }
    assert set(values) == set(SETTINGS)
    for name, value in values.items():
        monkeypatch.setenv(name, str(value))


@pytest.fixture
def let_through(monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment that is not clean: the user's settings pass. `--collect-only` would leave nothing to compare."""
    names = tuple(name for name in SETTINGS if name != "PYTEST_ADDOPTS")
    monkeypatch.setattr(environment, "PASSED_ON", (*environment.PASSED_ON, *names))


def stored(folder: Path) -> Path:
    """The lesson, run and stored."""
    folder.mkdir(exist_ok=True)
    path = folder / "01_first.ipynb"
    cells = [new_code_cell(source, id=name) for name, source in CELLS.items()]
    path.write_text(text_of(new_notebook(cells=cells)))
    assert notebooks.main([str(path)]) == 0
    return path


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The lesson as it should be stored."""
    return stored(tmp_path_factory.mktemp("clean"))


@pytest.mark.usefixtures("hostile")
def test_what_is_stored_is_the_same_for_every_user(clean: Path, tmp_path: Path) -> None:
    assert stored(tmp_path / "theirs").read_bytes() == clean.read_bytes()
    verdict = run_strictly(sys.executable, clean)
    assert verdict.failures == {}
    assert verdict.cells == len(CELLS)


@pytest.mark.usefixtures("hostile", "let_through")
def test_each_setting_would_change_it(clean: Path, tmp_path: Path) -> None:
    theirs = read_lesson(stored(tmp_path / "theirs"))
    same = [mine.id for mine, other in zip(read_lesson(clean).cells, theirs.cells, strict=True) if mine == other]
    assert same == []
    assert set(run_strictly(sys.executable, clean).failures) == set(CELLS)


ASSERTED = (
    "assert not mpl.rcParams['axes.grid']",
    "assert plt.get_backend().lower() == 'agg'",
    "assert 'MINE' not in globals()",
    "assert os.environ['OMP_NUM_THREADS'] == '1'",
    "assert importlib.util.find_spec('my_module') is None",
)
IMPORTS = "import importlib.util, os\nimport matplotlib as mpl\nimport matplotlib.pyplot as plt\n"


@pytest.mark.usefixtures("hostile")
def test_exercises_and_mutants_run_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    branches = [Branch(source, 1, (Step("cell", source),)) for source in (*ASSERTED, "assert 0")]
    outcomes = explore([Step("imports", IMPORTS)], branches)
    assert [name for name, outcome in outcomes.items() if outcome.error] == ["assert 0"], "asserts hold under -O"
    monkeypatch.setattr(environment, "PASSED_ON", ("PATH", "MATPLOTLIBRC", "OMP_NUM_THREADS"))
    outcomes = explore([Step("imports", IMPORTS)], branches[:-1])
    assert [name for name, outcome in outcomes.items() if outcome.error] == [ASSERTED[0], ASSERTED[3]]
    monkeypatch.setattr(environment, "PASSED_ON", ())
    with pytest.raises(TrunkError, match="imports fails"):
        explore([Step("imports", "import no_such_module")], [])


def test_a_set_up_may_ask_for_pictures_in_the_page() -> None:
    set_up = "get_ipython().run_line_magic('matplotlib', 'inline')\n"
    set_up += "get_ipython().run_line_magic('config', \"InlineBackend.figure_formats = ['retina']\")"
    branch = Branch("drawn", 2, (Step("draw", "_ = plt.plot([1])\nplt.show()\nassert not plt.get_fignums()"),))
    outcomes = explore([Step("imports", IMPORTS), Step("setup", set_up)], [branch])
    assert (outcomes["drawn"].end, outcomes["drawn"].error) == ("ran", None)


LOADED = """
import sys
sys.path.insert(0, {root!r})
from nbformat.v4 import new_code_cell, new_notebook
from tools.lesson.definitions import load_definitions
source = "import matplotlib.pyplot as plt\\nGRID, BACKEND = plt.rcParams['axes.grid'], plt.get_backend()\\n"
cell = new_code_cell(source + "try:\\n    assert 0\\n    CHECKED = False\\nexcept AssertionError:\\n    CHECKED = True",
                     id="a", metadata={{"tags": ["define"]}})
module = load_definitions(new_notebook(cells=[cell]))
print(module.GRID, module.BACKEND.lower(), module.CHECKED)
"""


@pytest.mark.usefixtures("hostile")
def test_definitions_are_loaded_alike() -> None:
    def loaded(code: str) -> str:
        settings = {name: value for name, value in os.environ.items() if name != "PYTHONWARNINGS"}
        return subprocess.run([sys.executable, "-c", code], env=settings, capture_output=True, text=True).stdout.strip()

    assert loaded(LOADED.format(root=str(ROOT))) == "False agg True"
    assert loaded("import matplotlib; print(matplotlib.rcParams['axes.grid'], __debug__)") == "True False"


def test_a_home_is_empty_and_goes_away() -> None:
    with environment.clean_environment({"LEG": "1"}) as variables:
        home = Path(variables["HOME"])
        assert variables["LEG"] == "1"
        files = [path for path in home.rglob("*") if path.is_file()]
        assert [path.parent.name for path in files if "fontlist" not in path.name] == []
        assert {name for name in variables if name.startswith(("BOOK", "PYTEST"))} == {"BOOK_QUIET"}
    assert not home.exists()


def test_a_checkout_that_cannot_be_written_to_is_no_hindrance(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "FONT_LISTS", Path(os.devnull, "fonts"))
    with environment.clean_environment() as variables:
        assert list(Path(variables["MPLCONFIGDIR"]).glob("fontlist-*.json"))


def test_fonts_are_listed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "FONT_LISTS", tmp_path)
    with environment.clean_environment():
        pass
    (kept,) = tmp_path.glob("*/fontlist-*.json")
    monkeypatch.setattr(environment.subprocess, "run", None)
    with environment.clean_environment() as variables:
        assert (Path(variables["MPLCONFIGDIR"]) / kept.name).read_bytes() == kept.read_bytes()
