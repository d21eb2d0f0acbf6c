"""Where in a lesson a change of tests/mutants goes: the cell, the function, and the whole lines that change."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from textwrap import dedent
from typing import Any

from docutils import nodes

from tools.lesson.proving import Change, Place, places_of
from tools.lesson.read import without_magics


def find_place(change: Change, cells: list[dict[str, Any]]) -> Place | None:
    """Return where a change goes; None where its text does not occur exactly once."""
    found = places_of(change, cells)
    return found[0] if len(found) == 1 else None


def whole_lines(change: Change, place: Place | None) -> tuple[str, str]:
    """Return a change as whole lines, before and after, without the indentation they share."""
    find, put = change.find, change.put
    if place is not None:
        begin = place.source.rfind("\n", 0, place.start) + 1
        end = place.start + len(find)
        before, after = place.source[begin : place.start], place.source[end:].partition("\n")[0]
        if find.endswith("\n"):
            after = ""
        find, put = before + find + after, before + put + after
    find, put = find.rstrip("\n"), put.rstrip("\n")
    indented = dedent(f"{find}\n{put}").splitlines()
    lines = len(find.splitlines())
    return "\n".join(indented[:lines]), "\n".join(indented[lines:])


def where(place: Place, here: int) -> list[nodes.Node]:
    """Say where a change goes, as words for the middle of a sentence; nothing where that is plain.

    `here` is the number of the cell beside the words.
    """
    inside, defined, first = names(place)
    subject = f"cell-{nodes.make_id(place.name)}"
    if inside:
        return [nodes.Text("in "), link(subject, inside), nodes.Text(", ")]
    if place.index == here:
        return []
    if defined:
        return [nodes.Text("in the cell that defines "), link(subject, defined), nodes.Text(", ")]
    if first:
        return [nodes.Text("in the cell that computes "), link(subject, first), nodes.Text(", ")]
    return [nodes.Text("in "), nodes.reference("", "another cell", refid=subject, internal=True), nodes.Text(", ")]


def link(anchor: str, code: str) -> nodes.reference:
    """Return a link to a cell, in the type of code."""
    return nodes.reference("", "", nodes.literal("", code), refid=anchor, internal=True)


def names(place: Place) -> tuple[str, str, str]:
    """Return the function that a place lies in (`Attention.forward`), what its cell defines, and what is set there."""
    try:
        tree = ast.parse(without_magics(place.source))
    except SyntaxError:
        return "", "", ""
    line = place.source.count("\n", 0, place.start) + 1
    around = ".".join(enclosing(tree.body, line))
    definitions = [node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    return around, definitions[0] if definitions else "", assigned(tree.body, line)


def enclosing(body: list[ast.stmt], line: int) -> Iterator[str]:
    """Yield the classes and functions around a line, the outermost first."""
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.lineno <= line <= (node.end_lineno or line):
            yield node.name
            yield from enclosing(node.body, line)


def assigned(body: list[ast.stmt], line: int) -> str:
    """Return the first name that is set at a line, or nothing."""
    for node in (inner for outer in body for inner in ast.walk(outer)):
        if isinstance(node, ast.Assign) and node.lineno <= line <= (node.end_lineno or line):
            return next((part.id for part in ast.walk(node.targets[0]) if isinstance(part, ast.Name)), "")
    return ""
