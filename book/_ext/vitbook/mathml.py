"""Formulas as MathML, written while the site is built: no script, no request, readable aloud.

The browser sets MathML with a mathematical font. Phones often have none, so the site brings one (see ``mathfont``).
"""

from __future__ import annotations

import re
from html import escape, unescape
from pathlib import Path
from typing import TYPE_CHECKING

from docutils import nodes
from math_core import LatexError, LatexToMathML
from sphinx.util import logging

from vitbook.mathfont import write_font

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.writers.html5 import HTML5Translator

LOGGER = logging.getLogger(__name__)
CONVERTER = LatexToMathML(fancy_error=False)
FORMULA = re.compile(r"<math\b.*?</math>", re.DOTALL)
TAG = re.compile(r"<[^>]*>")
WIDE = 28  # signs; a telephone shows about thirty in a line


def to_mathml(latex: str, display: bool) -> str:
    """Translate one formula."""
    return CONVERTER.convert_with_local_state(latex.strip(), displaystyle=display)


def convert(node: nodes.Element, display: bool) -> str:
    """Translate a formula of the page; where that fails, warn and show its source."""
    try:
        return to_mathml(node.astext(), display)
    except LatexError as error:
        LOGGER.warning("This formula cannot be shown: %s. Mend its LaTeX: %s", error, node.astext(), location=node)
        return f"<code>{escape(node.astext())}</code>"


def visit_math(self: HTML5Translator, node: nodes.math) -> None:
    """Write a formula within a line; one too long for a phone gets a box in which it can scroll."""
    formula = convert(node, display=False)
    wide = len(TAG.sub("", formula)) > WIDE
    self.body.append(f'<span class="math-wide">{formula}</span>' if wide else formula)
    raise nodes.SkipNode


def visit_math_block(self: HTML5Translator, node: nodes.math_block) -> None:
    """Write a formula on a line of its own, with its number if it has one."""
    self.body.append(self.starttag(node, "div", CLASS="math-block"))
    self.body.append(convert(node, display=True))
    if node.get("number"):
        self.body.append(f'<span class="eqno">({node["number"]})</span>')
    self.body.append("</div>\n")
    raise nodes.SkipNode


def signs_in_use(pages: list[str]) -> str:
    """Return the signs of all formulas on the pages."""
    formulas = "".join(formula for page in pages for formula in FORMULA.findall(page))
    return "".join(sorted(set(unescape(TAG.sub("", formulas)))))


def bring_font(app: Sphinx, exception: Exception | None) -> None:
    """Write the font when the pages are written; a page without a formula does not ask for it."""
    if exception is None and app.builder.format == "html":
        pages = [page.read_text(encoding="utf-8") for page in sorted(Path(app.outdir).rglob("*.html"))]
        write_font(Path(app.outdir, "_static", "math.woff"), signs_in_use(pages))


def setup(app: Sphinx) -> None:
    """Register the renderer; `html_math_renderer = "mathml"` selects it."""
    app.add_html_math_renderer("mathml", (visit_math, None), (visit_math_block, None))
    app.connect("build-finished", bring_font)
