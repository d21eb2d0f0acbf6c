"""Text: Markdown that every renderer shows alike, without litter, addresses of this machine, or filler."""

from __future__ import annotations

import re

from tests.contract.rules.lesson import Lesson, at
from tools.lesson.markdown import prose_of

ALLOWED_HTML = frozenset({"br", "sub", "sup"})
TRY_LINES = 3
FILLER = (
    "obviously",
    "needless to say",
    "it is worth noting",
    "it's worth noting",
    "it is important to note",
    "it's important to note",
    "as we all know",
    "easy to see",
    "delve",
    "seamless",
    "in conclusion",
    "let's dive",
    "dive into",
    "game-chang",
    "cutting-edge",
)

MYST = {
    r"\{[a-z][a-z0-9:_+-]*\}`": "a MyST role",
    r"^(?:```+|~~~+)\{": "a MyST directive",
    r"^:::+": "a MyST directive",
    r"^\([\w -]+\)=\s*$": "a MyST label",
    r"^\+\+\+": "a MyST block break",
    r"^%(?!%)": "a MyST comment",
    r"\]\(#": "a link to an anchor",
    r"\$\$ *\([\w:-]+\)": "a MyST equation label",
    r"^\s*\[\^[^\]]+\]:": "a footnote, which Colab shows raw",
}
_LINK = re.compile(r"(!?)\[[^\]]*\]\(\s*<?([^)\s>]*)")
_REFERENCE = re.compile(r"^\s*\[[^\]^]+\]:\s*(\S+)", re.M)
_TAG = re.compile(r"</?([A-Za-z][A-Za-z0-9-]*)[^<>]*>")
_FENCED = re.compile(r"^(```|~~~)(?!\{).*?^\1[^\n]*$", re.M | re.S)
_CODE_SPAN = re.compile(r"(?<![}`])(`{1,2})(?!`)(?:(?!\1).)+?\1", re.S)


def markdown_is_portable(lesson: Lesson) -> list[str]:
    """No MyST: other renderers show it as litter."""
    found = []
    for cell in lesson.markdown:
        text = _CODE_SPAN.sub("x", _FENCED.sub("", cell.source))
        for pattern, what in MYST.items():
            match = re.search(pattern, text, re.M)
            if match:
                found.append(
                    at(cell, f"`{match.group().strip()}` is {what}; write plain Markdown, e.g. Q42 or Lesson 5")
                )
    return found


def html_is_sparse(lesson: Lesson) -> list[str]:
    """Of HTML only line breaks, subscripts and superscripts."""
    return [
        at(cell, f"{match.group()} is HTML, which GitHub or Colab may drop; write Markdown")
        for cell in lesson.markdown
        for match in _TAG.finditer(prose_of(cell.source))
        if match.group(1).lower() not in ALLOWED_HTML
    ]


def links_lead_to_the_web(lesson: Lesson) -> list[str]:
    """Links are https; pictures come out of code cells only."""
    found = []
    for cell in lesson.markdown:
        text = _CODE_SPAN.sub("x", _FENCED.sub("", cell.source))
        targets = [*_LINK.findall(text), *(("", target) for target in _REFERENCE.findall(text))]
        for picture, target in targets:
            if picture:
                found.append(
                    at(cell, f"the picture {target!r} would have to lie beside the notebook; draw it in a code cell")
                )
            elif not target.startswith("https://"):
                found.append(
                    at(cell, f"the link to {target!r} breaks outside the site; give an https address, or plain text")
                )
        if cell.get("attachments"):
            found.append(at(cell, "it has an attached picture, which the site does not show; draw it in a code cell"))
    return found


def invites_to_try(lesson: Lesson) -> list[str]:
    """`**Try:**` lines say what to change and what to expect."""
    lines = [line for cell in lesson.markdown for line in cell.source.splitlines() if line.startswith("**Try:** ")]
    if len(lines) >= TRY_LINES:
        return []
    return [f"{len(lines)} lines begin `**Try:** `; write {TRY_LINES} or more: a change, and what to expect"]


def says_nothing_empty(lesson: Lesson) -> list[str]:
    """Words that could be struck out."""
    return [
        at(cell, f"strike out or replace {phrase!r}: it says nothing")
        for cell in lesson.markdown
        for phrase in FILLER
        if re.search(rf"\b{phrase}", prose_of(cell.source), re.I)
    ]
