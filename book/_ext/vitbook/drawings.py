"""What a figure shows: a plot, which a dark page inverts, or images, whose colours must stay.

A cell shows images if its code, or a function that it calls, paints an array of pixels.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from typing import Any

from tools.lesson.read import without_magics

PLOT, IMAGES = "only-plots", "shows-images"  # classes
PAINTERS = frozenset({"imshow", "show_image", "matshow", "figimage", "pcolormesh", "OffsetImage"})


def names_in(tree: ast.AST) -> set[str]:
    """Return the names that some code uses, those of methods included."""
    found = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    return found | {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}


class Drawings:
    """The functions of a notebook, to tell what its cells draw."""

    def __init__(self, cells: Iterable[dict[str, Any]]) -> None:
        """Read the definitions of a notebook."""
        self.uses: dict[str, set[str]] = {}
        for cell in cells:
            if cell["cell_type"] == "code":
                for node in self.parsed(cell).body:
                    if isinstance(node, ast.FunctionDef | ast.ClassDef):
                        self.uses[node.name] = names_in(node)

    @staticmethod
    def parsed(cell: dict[str, Any]) -> ast.Module:
        """Parse a cell; one that is no Python has no names."""
        try:
            return ast.parse(without_magics("".join(cell["source"])))
        except SyntaxError:
            return ast.Module(body=[], type_ignores=[])

    def kind(self, cell: dict[str, Any]) -> str:
        """Return the class of what a cell draws."""
        waiting, seen = names_in(self.parsed(cell)), set()
        while waiting:
            name = waiting.pop()
            if name in PAINTERS:
                return IMAGES
            seen.add(name)
            waiting |= self.uses.get(name, set()) - seen
        return PLOT
