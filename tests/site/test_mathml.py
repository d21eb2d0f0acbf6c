"""Formulas and their font."""

from __future__ import annotations

from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from fontTools.ttLib import TTFont


def test_formulas_are_mathml(lesson: BeautifulSoup):
    assert lesson.select_one("td math")
    block = lesson.select_one("#q4 .math-block > math")
    assert block["display"] == "block"
    for tag in ("mfrac", "msqrt", "mtable", "munder"):
        assert block.find(tag), f"{tag} is missing"
    assert "$" not in lesson.get_text()
    assert "\\" not in block.get_text()


def test_no_script_sets_formulas(book):
    for page in book.folder.rglob("*.html"):
        assert "mathjax@" not in page.read_text(encoding="utf-8").lower()


@pytest.mark.parametrize(
    "latex",
    [
        r"\operatorname{softmax}\!\left(\frac{QK^\top}{\sqrt{d_k}}\right)V",
        r"\begin{aligned} a &= b \\ c &= d \end{aligned}",
        r"\underbrace{12D^2}_{\text{block}} + \overbrace{N^2 D}^{x}",
        r"\hat{x}, \tilde{x}, \bar{x}, \lVert x \rVert_2, \|x\|",
        r"\mathbf{z}_\ell' = \mathrm{MSA}(\mathrm{LN}(\mathbf{z}_{\ell-1})) + \mathbf{z}_{\ell-1}",
        r"\mathbb{R}^{N \times D}, \mathcal{L}, \left\lfloor \frac{H}{P} \right\rfloor",
        r"\begin{cases} 1 & x > 0 \\ 0 & \text{otherwise} \end{cases}",
        r"86{,}567{,}656 \approx 86.6\,\text{M}",
    ],
)
def test_what_the_lessons_write_can_be_set(latex: str):
    from vitbook.mathml import to_mathml

    text = to_mathml(latex, display=True)
    assert text.startswith('<math display="block">')
    assert "<merror" not in text


def test_a_long_formula_in_a_line_can_scroll_on_a_phone():
    from vitbook.mathml import WIDE, visit_math

    class Writer:
        body: list[str]

    from docutils import nodes

    for latex, wide in (("x", False), ("+".join("x" * WIDE), True)):
        writer = Writer()
        writer.body = []
        with pytest.raises(nodes.SkipNode):
            visit_math(writer, nodes.math("", latex))
        assert writer.body[0].startswith('<span class="math-wide">') == wide


def test_a_faulty_formula_is_a_warning_with_its_place(tmp_path: Path, build):
    book = build(
        tmp_path, {"index": "# Page\n\nText $\\nosuchcommand{x}$.\n\n```{toctree}\nnotebooks/01_fixture\n```\n"}
    )
    assert "index.md:3: WARNING: This formula cannot be shown" in book.warnings
    assert "nosuchcommand" in book.warnings
    assert "<code>" in (book.folder / "index.html").read_text(encoding="utf-8")


def test_the_font_holds_the_signs_in_use(book):
    from vitbook.mathml import signs_in_use

    font = TTFont(book.folder / "_static" / "math.woff")
    signs = signs_in_use([path.read_text(encoding="utf-8") for path in book.folder.rglob("*.html")])
    assert {"V", "=", "μ", "√"} <= set(signs) | {"√"}
    missing = [sign for sign in signs if ord(sign) not in font.getBestCmap() and sign.isprintable()]
    assert missing == []
    assert ord("𝑉") in font.getBestCmap(), "a letter alone is set in italics"
    assert (book.folder / "_static" / "math.woff").stat().st_size < 80_000


def test_tall_roots_are_hardly_wider_than_the_small_one(book):
    font = TTFont(book.folder / "_static" / "math.woff")
    small = font.getBestCmap()[ord("√")]
    variants = font["MATH"].table.MathVariants
    forms = variants.VertGlyphConstruction[variants.VertGlyphCoverage.glyphs.index(small)]
    widths = {record.VariantGlyph: font["hmtx"][record.VariantGlyph][0] for record in forms.MathGlyphVariantRecord}
    assert len(widths) > 2
    assert max(widths.values()) <= 1.11 * widths[small]


def test_the_font_says_its_licence_and_brings_the_text(book):
    names = TTFont(book.folder / "_static" / "math.woff")["name"]
    assert "SIL Open Font License, Version 1.1" in names.getDebugName(13)
    assert names.getDebugName(14) == "https://scripts.sil.org/OFL"
    text = (book.folder / "_static" / "OFL.txt").read_text(encoding="utf-8")
    assert names.getDebugName(0).partition(" ")[0] in text, "the copyright notice"
    assert "The STIX Fonts Project Authors (https://github.com/stipub/stixfonts)" in text
    for part in ("PREAMBLE", "PERMISSION & CONDITIONS", "TERMINATION", "DISCLAIMER"):
        assert part in text
