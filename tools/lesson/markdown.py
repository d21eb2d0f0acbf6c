"""Reading portable Markdown: what is prose in it, and the blocks of a question."""

from __future__ import annotations

import re

from tools.lesson.format import LABEL_LINE

_FENCE = re.compile(r"^(```|~~~).*?^\1[^\n]*$", re.M | re.S)
_CODE_SPAN = re.compile(r"(`+)(?:(?!\1).)+?\1", re.S)
_DISPLAY_MATH = re.compile(r"\$\$.+?\$\$", re.S)
_INLINE_MATH = re.compile(r"(?<![\\$])\$(?!\s)[^$\n]+?(?<!\s)\$")
_LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")
_AUTOLINK = re.compile(r"<https?://[^>]*>")
_WORD = re.compile(r"[^\W_]")
_QUOTE = re.compile(r"(?:^>.*(?:\n|\Z))+", re.M)


def prose_of(source: str, placeholder: str = " x ") -> str:
    """The text with code, formulas and addresses taken out; each leaves one word behind."""
    for pattern in (_FENCE, _CODE_SPAN, _DISPLAY_MATH, _INLINE_MATH, _AUTOLINK):
        source = pattern.sub(placeholder, source)
    return _LINK.sub(r"\1", source)


def words_in(source: str) -> int:
    """How many words a reader reads; a formula or a code span counts as one."""
    return sum(1 for word in prose_of(source).split() if _WORD.search(word))


def paragraphs(source: str) -> list[str]:
    """The paragraphs, without blank lines."""
    return [part.strip("\n") for part in re.split(r"\n\s*\n", source) if part.strip()]


def blocks(source: str) -> list[tuple[str, str]]:
    """The blockquotes that open with `**Short answer.**` and the like, as (kind, text)."""
    found: list[tuple[str, str]] = []
    for quote in _QUOTE.findall(source):
        text = re.sub(r"^> ?", "", quote, flags=re.M)
        for paragraph in paragraphs(text):
            match = LABEL_LINE.match(paragraph)
            if match:
                found.append((match.group(1), paragraph[match.end() :].strip()))
            elif found:
                found[-1] = (found[-1][0], f"{found[-1][1]}\n\n{paragraph}")
    return found


def without_blocks(source: str) -> str:
    """The text without the blockquotes that belong to a question."""
    return _QUOTE.sub(lambda match: "" if blocks(match.group()) else match.group(), source)


def opening(text: str) -> str:
    """The first two words, as an ear hears them."""
    return " ".join(re.findall(r"[\w'’-]+", prose_of(text).lower())[:2])


def plain_paragraphs(source: str) -> list[str]:
    """The paragraphs that are neither heading, quotation, table, list, formula nor code."""
    without_code = _DISPLAY_MATH.sub("", _FENCE.sub("", source))
    return [part for part in paragraphs(without_code) if not re.match(r"[#>|<]|[-*+] |\d+\. ", part)]
