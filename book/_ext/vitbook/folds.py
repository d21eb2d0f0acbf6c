"""The line under which a cell's code is folded: what it looks at, how long it is, and its verdict."""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING, Any

from docutils import nodes
from sphinx.transforms.post_transforms import SphinxPostTransform

from tools.lesson.folding import PURPOSES, Fold
from tools.lesson.proving import assertions_of

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.writers.html5 import HTML5Translator

HOLDS, NOT_RUN = "✓ holds", "not run"
# What the verdict says; for lack of room on the line only its sign is seen, and its word is read out.
MEANING = {
    HOLDS: "The cell ran to its end when the lesson was last stored, and its assertions held.",
    NOT_RUN: "The cell did not run to its end when the lesson was last stored.",
}
MARKED = re.compile(r"`([^`]+)`")
NAME = re.compile(r"(\bclass \w+|\b\w+\(\))")


class Folded(nodes.General, nodes.Element):
    """A cell's code, and what belongs to it, behind one line. `line` is that line as HTML."""


def asserts(source: str) -> bool:
    """Tell whether some code holds an assertion; what is no Python holds none."""
    try:
        return bool(assertions_of(source))
    except SyntaxError:
        return False


def verdict_of(cell: dict[str, Any]) -> str:
    """Say whether a stored cell ran to its end, which a failed assertion ends; empty if it asserts nothing."""
    if not asserts("".join(cell["source"])):
        return ""
    failed = any(output["output_type"] == "error" for output in cell["outputs"])
    return HOLDS if cell["execution_count"] is not None and not failed else NOT_RUN


def with_code(words: str, pattern: re.Pattern[str]) -> str:
    """Write words as HTML, those that are code in the type of code."""
    parts = pattern.split(words)
    return "".join(f"<code>{escape(part)}</code>" if i % 2 else escape(part) for i, part in enumerate(parts))


def line_of(fold: Fold, verdict: str) -> str:
    """Write the line of a fold as HTML: `Proof: nine heads equal the convolution · 14 lines ✓ holds`."""
    words = with_code(fold.words, MARKED if fold.kind in PURPOSES else NAME)
    kind = f'<span class="fold-kind">{escape(fold.kind)}{":" * bool(words)}</span>'
    length = f'<span class="fold-length">· {fold.lines} line{"s" * (fold.lines != 1)}</span>'
    parts = [kind, words and f'<span class="fold-words">{words}</span>', length]
    if verdict:
        shown = verdict.replace("✓ holds", '✓<span class="visually-hidden"> holds</span>')
        holds = " holds" * (verdict == HOLDS)
        parts.append(f'<span class="verdict{holds}" title="{MEANING[verdict]}">{shown}</span>')
    return " ".join(part for part in parts if part)


class FoldTargets(SphinxPostTransform):
    """Put a folded cell's anchors inside its fold: a browser that is sent there opens it, without any script."""

    default_priority = 190
    formats = ("html",)

    def run(self, **kwargs: Any) -> None:
        """Move the anchors from the cell to its code; that of a proof comes first, others link to it."""
        for cell in self.document.findall(nodes.container):
            cell["ids"].sort(key=lambda anchor: not anchor.startswith("proof-"))
        for fold in self.document.findall(Folded):
            cell, source = fold.parent, fold[0]
            source["ids"], cell["ids"] = [*source["ids"], *cell["ids"]], []


def visit_folded(self: HTML5Translator, node: Folded) -> None:
    """Open the fold. The visible words are its accessible name."""
    self.body.append(f'<details class="folded code-fold">\n<summary><span>{node["line"]}</span></summary>\n')


def depart_folded(self: HTML5Translator, node: Folded) -> None:
    """Close the fold."""
    self.body.append("</details>\n")


def setup(app: Sphinx) -> None:
    """Register the node and the transform."""
    app.add_node(Folded, html=(visit_folded, depart_folded))
    app.add_post_transform(FoldTargets)
