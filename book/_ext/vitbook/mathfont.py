"""The font of the formulas: STIX Two Math, cut down to the glyphs in use, with its licence beside it."""

from __future__ import annotations

import shutil
import unicodedata
from importlib.util import find_spec
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTFont

# Signs that a browser itself puts into formulas: primes, roots, brackets, bars, and the braces and arrows that stretch.
ALWAYS = " ()[]{}|‖⌊⌋⌈⌉√−′∑∏→⏞⏟^~¯"
# It also slants a letter that stands alone: these are the slanted ones.
ITALICS = [*range(0x1D434, 0x1D468), ord("ℎ"), *range(0x1D6E2, 0x1D71C)]
# Chromium leaves room for the widest form of a root beside every root, also a small one. In the font, tall roots are
# half as wide again as the small one; made nearly as narrow, they leave no gap.
ROOT_WIDTH = 1.1  # of the small root
# Names that stay in the font: what it is called, and under which licence it is (13 and 14).
NAMES = [*range(7), 13, 14]
LICENCE = Path(__file__).resolve().parents[2] / "_assets" / "OFL.txt"


def source_font() -> Path:
    """Return the font file that ziamath brings; nothing else of that package is needed, so it is not imported."""
    package = find_spec("ziamath")
    if package is None or package.origin is None:
        raise FileNotFoundError("the package ziamath, which brings the font of the formulas, is not installed")
    return Path(package.origin).parent / "fonts" / "STIXTwoMath-Regular.ttf"


def narrow(font: TTFont, glyphs: set[str], width: float) -> None:
    """Squeeze glyphs, all by the same factor, until the widest has the given width."""
    factor = width / max(font["hmtx"][name][0] for name in glyphs)
    for name in glyphs:
        advance, bearing = font["hmtx"][name]
        glyph = font["glyf"][name]
        if glyph.numberOfContours > 0:
            glyph.coordinates.scale((factor, 1))
            glyph.coordinates.toInt()
            glyph.recalcBounds(font["glyf"])
        font["hmtx"][name] = (round(advance * factor), round(bearing * factor))


def narrow_roots(font: TTFont) -> None:
    """Make tall roots nearly as narrow as the small one."""
    small = font.getBestCmap()[ord("√")]
    variants = font["MATH"].table.MathVariants
    forms = variants.VertGlyphConstruction[variants.VertGlyphCoverage.glyphs.index(small)]
    width = font["hmtx"][small][0] * ROOT_WIDTH
    for record in forms.MathGlyphVariantRecord:
        if record.VariantGlyph != small:
            narrow(font, {record.VariantGlyph}, width)
    if forms.GlyphAssembly:
        narrow(font, {part.glyph for part in forms.GlyphAssembly.PartRecords}, width)


def write_font(target: Path, text: str) -> None:
    """Write the font with the glyphs of a text, and all the forms that they can grow into."""
    features = ["ssty", "math", "kern", "ccmp", "mark", "mkmk"]
    options = subset.Options(flavor="woff", layout_features=features, name_IDs=NAMES)
    font = subset.load_font(str(source_font()), options)
    cutter = subset.Subsetter(options)
    italics = {code for code in ITALICS if unicodedata.normalize("NFKC", chr(code)) in text}
    cutter.populate(unicodes=sorted({ord(sign) for sign in text + ALWAYS} | italics))
    cutter.subset(font)
    narrow_roots(font)
    subset.save_font(font, str(target), options)
    shutil.copy(LICENCE, target.with_name(LICENCE.name))
