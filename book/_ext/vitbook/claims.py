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
    if quoted is None:
        return cut(first_sentence(paragraph))
    words, end = quoted
    text = "".join(node.astext() for node in words)
    if len(text) > LONGEST:
        return cut(words)
    stop = text[-2:-1]
    if stop in ".?!":
        paragraph.children[:end] = []
        said = nodes.inline("", "", *words, classes=[SAID])
        paragraph.insert(0, said)
    copies = [copy_of(node) for node in words]
    if stop == ".":
        copies[-1] = nodes.Text(copies[-1].astext()[:-2] + copies[-1].astext()[-1])
    return copies


def copy_of(node: nodes.Node) -> nodes.Node:
    """Return a copy of a node; of a link its words, because a line that opens something is no place for a link."""
    if isinstance(node, nodes.reference) or node.tagname == "pending_xref":
        return nodes.Text(node.astext())
    return node.deepcopy()


def quotation(paragraph: nodes.paragraph) -> tuple[list[nodes.Node], int] | None:
    """Return the quotation that opens a paragraph, with its marks, and how many children it takes up.

    The child in which it ends is split there.
    """
    first = paragraph[0] if paragraph.children else None
    if not isinstance(first, nodes.Text) or first[:1] not in CLOSING:
        return None
    closing = re.compile(rf"{CLOSING[first[:1]]}(?!\w)")
    for position, child in enumerate(paragraph.children):
        if isinstance(child, nodes.Text) and (match := closing.search(child, 1 if position == 0 else 0)):
            before, after = child[: match.end()], child[match.end() :]
            paragraph.children[position : position + 1] = []
            paragraph.insert(position, nodes.Text(before))
            if after:
                paragraph.insert(position + 1, nodes.Text(after))
            return paragraph.children[: position + 1], position + 1
    return None


def first_sentence(paragraph: nodes.paragraph) -> list[nodes.Node]:
    """Return what stands before the first full stop, colon or question mark of a paragraph."""
    found: list[nodes.Node] = []
    for child in paragraph.children:
        if isinstance(child, nodes.Text) and (match := END_OF_SENTENCE.search(child)):
            return [*found, nodes.Text(child[: match.start()])]
        found.append(child)
    return found


def cut(words: list[nodes.Node]) -> list[nodes.Node]:
    """Return copies of some words, cut at a word if they are too long for a line."""
    found: list[nodes.Node] = []
    room = LONGEST
    for node in words:
        text = node.astext()
        if len(text) > room:
            if isinstance(node, nodes.Text) and room > len("…"):
                found.append(nodes.Text(text[:room].rsplit(" ", 1)[0].rstrip(" ,;:") + " …"))
            else:
                found.append(nodes.Text("…"))
            return found
        found.append(copy_of(node))
        room -= len(text)
    return found
