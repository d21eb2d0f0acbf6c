"""The claim that a correction is about: the quotation that opens it, or else its first sentence."""

from __future__ import annotations

import re

from docutils import nodes

CLOSING = {'"': '"', "“": "”", "„": "“"}
LONGEST = 110  # characters of a claim on the line of a folded card
END_OF_SENTENCE = re.compile(r"[.:;?!](?=\s|$)")
SAID = "said"  # class of the words in the box that its line has said


def claim_of(paragraph: nodes.paragraph) -> list[nodes.Node]:
    """Return the claim as nodes for the line of a folded card.

    If it is a sentence of its own, it is marked in the paragraph, which need not say it again below that line.
    """
    quoted = quotation(paragraph)
    words = quoted or first_sentence(paragraph)
    text = "".join(node.astext() for node in words)
    if not words or len(text) > LONGEST:
        return cut(words)
    stop = text[-2:-1] if quoted else text[-1:]
    if stop in ".?!":
        paragraph.children[: len(words)] = []
        paragraph.insert(0, nodes.inline("", "", *words, classes=[SAID]))
    copies = [copy_of(node) for node in words]
    if not (quoted and stop in "?!"):
        copies[-1] = without_stop(copies[-1])
    return copies


def without_stop(node: nodes.Node) -> nodes.Node:
    """Leave out the stop at the end of a text, before its closing mark if it has one."""
    return nodes.Text(re.sub(r"[.:;]([\"”“]?)$", r"\1", node)) if isinstance(node, nodes.Text) else node


def copy_of(node: nodes.Node) -> nodes.Node:
    """Return a copy of a node; of a link its words, because a line that opens something is no place for a link."""
    if isinstance(node, nodes.reference) or node.tagname == "pending_xref":
        return nodes.Text(node.astext())
    return node.deepcopy()


def split(paragraph: nodes.paragraph, position: int, end: int) -> list[nodes.Node]:
    """Split a paragraph within one of its texts, and return what stands before."""
    text = paragraph.children.pop(position)
    parts = [nodes.Text(part) for part in (text.astext()[:end], text.astext()[end:]) if part]
    paragraph.insert(position, parts)
    return paragraph.children[: position + 1]


def quotation(paragraph: nodes.paragraph) -> list[nodes.Node]:
    """Return the quotation that opens a paragraph, with its marks, or nothing; it ends where one of its nodes does."""
    first = paragraph[0] if paragraph.children else None
    if not isinstance(first, nodes.Text) or first[:1] not in CLOSING:
        return []
    closing = re.compile(rf"{CLOSING[first[:1]]}(?!\w)")
    for position, child in enumerate(paragraph.children):
        if isinstance(child, nodes.Text) and (match := closing.search(child, 1 if position == 0 else 0)):
            return split(paragraph, position, match.end())
    return []


def first_sentence(paragraph: nodes.paragraph) -> list[nodes.Node]:
    """Return what stands before the first full stop, colon or question mark of a paragraph, and that mark."""
    for position, child in enumerate(paragraph.children):
        if isinstance(child, nodes.Text) and (match := END_OF_SENTENCE.search(child)):
            return split(paragraph, position, match.end())
    return paragraph.children[:]


def cut(words: list[nodes.Node]) -> list[nodes.Node]:
    """Return copies of some words, cut at a word if they are too long for a line."""
    found: list[nodes.Node] = []
    room = LONGEST
    for node in words:
        text = node.astext()
        if len(text) > room:
            shortened = text[:room].rsplit(" ", 1)[0].rstrip(" ,;:") if isinstance(node, nodes.Text) else ""
            return [*found, nodes.Text(f"{shortened} …")]
        found.append(copy_of(node))
        room -= len(text)
    return found
