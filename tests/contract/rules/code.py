"""Code: what may be imported and touched, what definitions may read, which cells are tagged `define`."""

from __future__ import annotations

import ast
import re
import sys

from nbformat import NotebookNode

from tests.contract.rules.lesson import Lesson, at
from tests.contract.rules.source import BUILTINS, bound_names, calls, definitions_reading, tree_of
from tools.lesson.format import DEFINING, PROCESSES
from tools.lesson.read import has_tag, tags, without_magics

# Everything here is installed in Colab already.
IMPORTABLE = frozenset(
    {
        "torch",
        "numpy",
        "matplotlib",
        "einops",
        "ipywidgets",
        "IPython",
        "scipy",
        "sklearn",
        "skimage",
        "networkx",
        "mpl_toolkits",
        "PIL",
    }
)
_LISTED = ", ".join(sorted(IMPORTABLE))
FORBIDDEN_MODULES = frozenset(
    {"subprocess", "urllib", "http", "socket", "ftplib", "shutil", "tempfile", "pathlib", "pip"}
)
# What the one cell that starts processes may use beside: a temporary folder, files in it, a command that ends.
FOR_PROCESSES = frozenset({"subprocess", "tempfile"})
PROCESS_FILES = frozenset({"open", "torch.save", "torch.load"})
# Photographs that scikit-image brings along; it would download the others.
BUNDLED_IMAGES = frozenset(
    {
        "astronaut",
        "binary_blobs",
        "brick",
        "camera",
        "cat",
        "cell",
        "checkerboard",
        "chelsea",
        "clock",
        "coffee",
        "coins",
    }
    | {"colorwheel", "grass", "gravel", "horse", "hubble_deep_field", "immunohistochemistry", "lfw_subset", "logo"}
    | {"microaneurysms", "moon", "page", "retina", "rocket", "shepp_logan_phantom", "stereo_motorcycle", "text"}
)
FILE_CALLS = re.compile(
    r"open|(.*\.)?(tofile|fromfile|memmap|urlopen|urlretrieve|system|popen|download_url_to_file|write_text|read_text)"
    r"|torch\.(save|load)|torch\.hub\..*|(np|numpy)\.(save|savez|savez_compressed|load|savetxt|loadtxt)|.*\.?fetch_\w+"
    r"|.*load_state_dict_from_url"
)
# These may write to and read from memory.
PICTURE_CALLS = re.compile(r"(.*\.)?(savefig|imread|imsave)")
MAGICS = re.compile(r"%(config InlineBackend\.|matplotlib inline)")
# In a definition, each of these is an einops pattern left unsaid.
REARRANGEMENTS = frozenset({"view", "reshape", "permute", "transpose", "flatten", "unflatten", "swapaxes", "movedim"})

_CONSTANT = re.compile(r"_?[A-Z]\w*")


def cells_are_python(lesson: Lesson) -> list[str]:
    """Every code cell parses; of magics only those that set the figures."""
    found = []
    for cell in lesson.code:
        try:
            ast.parse(without_magics(cell.source))
        except SyntaxError as error:
            found.append(at(cell, f"line {error.lineno} is not Python: {error.msg}; mend it"))
        for line in cell.source.splitlines():
            if line.lstrip().startswith("!") or (line.startswith("%") and not MAGICS.match(line)):
                found.append(at(cell, f"`{line}` works in Jupyter alone, or reaches out of the notebook; remove it"))
    return found


def imports_are_preinstalled(lesson: Lesson) -> list[str]:
    """A lesson installs nothing: what it imports is in Colab and in requirements.txt."""
    found = []
    forbidden = FORBIDDEN_MODULES - FOR_PROCESSES if _processes(lesson) else FORBIDDEN_MODULES
    for cell in lesson.code:
        for node in ast.walk(tree_of(cell)):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [node.module or "."]
            for name in names:
                root = name.partition(".")[0]
                if root in forbidden or (root not in IMPORTABLE and root not in sys.stdlib_module_names):
                    found.append(
                        at(
                            cell,
                            f"`import {name}`: a lesson imports only {_LISTED} and the standard library",
                        )
                    )
    return found


def nothing_is_read_or_fetched(lesson: Lesson) -> list[str]:
    """No file beside the notebook, no network."""
    found = []
    photographs = _names_of_image_module(lesson)
    for cell in lesson.code:
        named = {name for name, _ in calls(tree_of(cell))}
        own_files = (
            PROCESS_FILES if has_tag(cell, PROCESSES) and "tempfile.TemporaryDirectory" in named else frozenset()
        )
        for name, call in calls(tree_of(cell)):
            on_disk = (
                PICTURE_CALLS.fullmatch(name) and call.args and isinstance(call.args[0], (ast.Constant, ast.JoinedStr))
            )
            if (FILE_CALLS.fullmatch(name) and name not in own_files) or on_disk:
                found.append(at(cell, f"`{name}(…)` reaches out of the notebook; compute or embed what it needs"))
            root, _, picture = name.rpartition(".")
            if root in photographs and picture not in BUNDLED_IMAGES:
                found.append(
                    at(cell, f"scikit-image would download {picture!r}; use a bundled one, e.g. astronaut or coffee")
                )
    return found


def processes_are_one_cells_and_end(lesson: Lesson) -> list[str]:
    """At most one cell starts processes; each of its commands has a time limit and keeps its words to itself."""
    found = [at(cell, f"a second cell tagged {PROCESSES}; a lesson has one") for cell in _processes(lesson)[1:]]
    for cell in lesson.code:
        for name, call in calls(tree_of(cell)):
            given = {keyword.arg for keyword in call.keywords}
            if name.startswith("subprocess.") and (
                name != "subprocess.run" or not {"timeout", "capture_output"} <= given
            ):
                found.append(at(cell, f"`{name}(…)`: use subprocess.run with capture_output=True and a timeout"))
    return found


def _processes(lesson: Lesson) -> list[NotebookNode]:
    """The cells tagged `processes`."""
    return [cell for cell in lesson.code if has_tag(cell, PROCESSES)]


def _names_of_image_module(lesson: Lesson) -> set[str]:
    """What the lesson calls the module `skimage.data`."""
    names = {"skimage.data"}
    for cell in lesson.code:
        for node in ast.walk(tree_of(cell)):
            if isinstance(node, ast.ImportFrom) and node.module == "skimage":
                names |= {alias.asname or alias.name for alias in node.names if alias.name == "data"}
    return names


def warnings_are_not_hushed(lesson: Lesson) -> list[str]:
    """A warning is mended, not hidden."""
    return [
        at(cell, f"`{name}` hides warnings; mend their cause")
        for cell in lesson.code
        for name, _ in calls(tree_of(cell))
        if name.startswith("warnings.") or name in ("filterwarnings", "simplefilter")
    ]


def definitions_read_only_definitions(lesson: Lesson) -> list[str]:
    """Functions and classes read no globals but those of `define` cells: they can be imported out of the lesson."""
    defined = set().union(
        BUILTINS, *(bound_names(tree_of(cell)) for cell in lesson.code if DEFINING.intersection(tags(cell)))
    )
    solutions = set().union(*(bound_names(tree_of(cell)) for cell in lesson.tagged("solution")))
    found = []
    for cell in lesson.code:
        tree = tree_of(cell)
        # What a cell defines may call itself and its neighbours; tests may call what the student writes.
        known = defined | bound_names(ast.Module(_definitions(tree), []))
        if has_tag(cell, "exercise-tests"):
            known |= solutions
        for name, reads in definitions_reading(tree):
            strange = sorted(reads - known)
            if strange:
                found.append(
                    at(cell, f"{name} reads the global {', '.join(strange)}; pass it in, or define it in a define cell")
                )
    return found


def define_cells_only_define(lesson: Lesson) -> list[str]:
    """A `define` cell holds imports, functions, classes and constants, so that running it runs no experiment."""
    found = []
    for cell in lesson.code:
        if has_tag(cell, "setup"):  # it also sets threads and figure style, which does no harm
            continue
        others = [statement for statement in tree_of(cell).body if not _only_defines(statement)]
        if has_tag(cell, "define", "carried-over") and others:
            first = ast.unparse(others[0]).splitlines()[0]
            found.append(
                at(
                    cell,
                    f"it is tagged define, but `{first}` is more; move that out, or use UPPER CASE",
                )
            )
        elif not has_tag(cell, "define", "solution", "exercise-tests") and not others and tree_of(cell).body:
            found.append(at(cell, "it only defines; tag it define"))
    return found


def models_are_rearranged_by_einops(lesson: Lesson) -> list[str]:
    """Definitions say their rearrangements in einops; experiments may use anything to check them independently."""
    return [
        at(cell, f"`.{name.rpartition('.')[2]}(…)` in a definition; say it by einops, whose pattern names the axes")
        for cell in lesson.tagged("define")
        if not has_tag(cell, "setup", "imports")
        for name, _ in calls(tree_of(cell))
        if "." in name and name.rpartition(".")[2] in REARRANGEMENTS
    ]


def _definitions(tree: ast.Module) -> list[ast.stmt]:
    return [node for node in tree.body if isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.AsyncFunctionDef))]


def _only_defines(statement: ast.stmt) -> bool:
    if isinstance(statement, (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef)):
        return True
    if isinstance(statement, (ast.Assign, ast.AnnAssign)):
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        return all(
            _CONSTANT.fullmatch(name.id)
            for target in targets
            for name in ast.walk(target)
            if isinstance(name, ast.Name)
        ) and not any(isinstance(target, (ast.Attribute, ast.Subscript)) for target in targets)
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )
