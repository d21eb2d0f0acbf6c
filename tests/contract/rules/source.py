"""Reading a cell's Python: what it binds, what it reads, what it asserts."""

from __future__ import annotations

import ast
import builtins
import symtable
from collections.abc import Iterator

from nbformat import NotebookNode

from tools.lesson.proving import assertions_in
from tools.lesson.read import without_magics

BUILTINS = frozenset(dir(builtins)) | {"__name__", "display", "get_ipython"}
_COMPREHENSIONS = frozenset({"lambda", "genexpr", "listcomp", "setcomp", "dictcomp"})


def tree_of(cell: NotebookNode) -> ast.Module:
    """The syntax tree of a code cell; an empty one when the source is no Python (another rule says so)."""
    try:
        return ast.parse(without_magics(cell.source))
    except SyntaxError:
        return ast.Module(body=[], type_ignores=[])


def code_lines(cell: NotebookNode) -> int:
    """Lines that are neither blank nor only a comment. Docstrings count: a reader reads them as code."""
    return sum(1 for line in cell.source.splitlines() if line.strip() and not line.lstrip().startswith("#"))


def bound_names(tree: ast.Module) -> set[str]:
    """The names that the cell's top level binds: imports, definitions, assignments, loop variables."""
    try:
        table = symtable.symtable(ast.unparse(tree), "cell", "exec")
    except SyntaxError:
        return set()
    return {symbol.get_name() for symbol in table.get_symbols() if symbol.is_assigned() or symbol.is_imported()}


def module_reads(tree: ast.Module) -> set[str]:
    """Every name that is read anywhere in the cell and not bound in an inner scope."""
    table = symtable.symtable(ast.unparse(tree), "cell", "exec")
    names = {symbol.get_name() for symbol in table.get_symbols() if symbol.is_referenced()}
    return names | {name for child in table.get_children() for name in _global_reads(child)}


def definitions_reading(tree: ast.Module) -> Iterator[tuple[str, set[str]]]:
    """Each function or class of the cell's top level, with the globals its body reads."""
    table = symtable.symtable(ast.unparse(tree), "cell", "exec")
    for child in table.get_children():
        if child.get_name() not in _COMPREHENSIONS:
            yield child.get_name(), _global_reads(child)


def _global_reads(table: symtable.SymbolTable) -> set[str]:
    reads = {symbol.get_name() for symbol in table.get_symbols() if symbol.is_global() and symbol.is_referenced()}
    return reads.union(*(_global_reads(child) for child in table.get_children()))


def calls(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    """Every call with the dotted name of what is called; `.name` when it is a method of a computed value."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield dotted(node.func), node


def dotted(node: ast.AST) -> str:
    """`torch.nn.init.normal_` for that attribute; `.normal_` when its root is not a name."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    parts.append(node.id if isinstance(node, ast.Name) else "")
    return ".".join(reversed(parts))


def names_in(node: ast.AST) -> set[str]:
    """Every name that is read in the expression."""
    return {child.id for child in ast.walk(node) if isinstance(child, ast.Name)}


def assertions(tree: ast.Module) -> Iterator[ast.expr]:
    """What is asserted: the test of each `assert`, and each call of a testing helper such as `assert_close`."""
    for node in assertions_in(tree):
        if isinstance(node, ast.Assert):
            yield node.test
        elif isinstance(node, ast.Call):
            yield node


def typed_names(trees: list[ast.Module]) -> set[str]:
    """Names that hold what somebody typed: bound by assignments only, always to literals or to other such names."""
    values: dict[str, list[ast.expr]] = {}
    computed: set[str] = set()
    for tree in trees:
        for statement in tree.body:
            if isinstance(statement, (ast.Assign, ast.AnnAssign)) and statement.value is not None:
                targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
                for target in targets:
                    for name, value in _pairs(target, statement.value):
                        values.setdefault(name, []).append(value)
            else:
                computed |= bound_names(ast.Module(body=[statement], type_ignores=[]))
    typed = {name for name in values if name not in computed}
    while True:
        kept = {name for name in typed if all(_is_typed(value, typed) for value in values[name])}
        if kept == typed:
            return typed
        typed = kept


def _pairs(target: ast.expr, value: ast.expr) -> Iterator[tuple[str, ast.expr]]:
    """Name and value of an assignment; `a, b = 1, 2` element by element."""
    if isinstance(target, ast.Name):
        yield target.id, value
    elif isinstance(target, (ast.Tuple, ast.List)):
        same = isinstance(value, (ast.Tuple, ast.List)) and len(value.elts) == len(target.elts)
        for position, element in enumerate(target.elts):
            yield from _pairs(element, value.elts[position] if same else value)


def _is_typed(value: ast.expr, typed: set[str]) -> bool:
    if any(isinstance(node, (ast.Call, ast.Attribute, ast.Lambda, ast.comprehension)) for node in ast.walk(value)):
        return False
    return names_in(value) <= typed
