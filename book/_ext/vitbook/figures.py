"""Captions, image attributes and sliders: pictures load late, and their place is kept free."""

from __future__ import annotations

import base64
import hashlib
import os
import re
from html import unescape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docutils import nodes
from sphinx.transforms import SphinxTransform
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.images import get_image_size

from vitbook.cards import drop_empty_texts
from vitbook.cells import is_cell, part_of
from vitbook.drawings import Drawings
from vitbook.questions import notebook_cells

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.writers.html5 import HTML5Translator

COLUMN = 744  # CSS pixels: the widest that a picture is shown
TALLEST = 720  # to which a picture is enlarged
TALLEST_OPENING = 440  # the answer below it belongs to the first screen
ENLARGED = 1.34  # times what the notebook says: a figure of the usual width is then as wide as prose
FRAME = re.compile(r"<img\b([^>]*?)\bsrc=\"data:image/(\w+);base64,([^\"]*)\"([^>]*)>")
ATTRIBUTE = re.compile(r"([\w-]+)(?:=\"([^\"]*)\")?")


def is_bundle(node: nodes.Node) -> bool:
    """Tell whether a node holds one output in several formats."""
    return is_cell(node, "mime_bundle")


def split_caption(paragraph: nodes.Node) -> nodes.caption | None:
    """Take the italic line that opens a paragraph out of it, as a caption."""
    if not isinstance(paragraph, nodes.paragraph):
        return None
    drop_empty_texts(paragraph)
    if not paragraph.children or not isinstance(paragraph[0], nodes.emphasis):
        return None
    italic, rest = paragraph[0], paragraph.children[1:]
    if rest and not (isinstance(rest[0], nodes.Text) and rest[0].startswith("\n")):
        return None  # the sentence goes on upright, so it is no caption
    caption = nodes.caption("", "", *italic.children)
    caption.source, caption.line = paragraph.source, paragraph.line
    if rest:
        paragraph.remove(italic)
        paragraph[0] = nodes.Text(paragraph[0].lstrip())
    else:
        paragraph.parent.remove(paragraph)
    return caption


class Figures(SphinxTransform):
    """Join a cell's picture with the italic line after the cell."""

    default_priority = 530

    def apply(self, **kwargs: Any) -> None:
        """Wrap the last picture of each figure cell, with its caption, in a figure."""
        cells = notebook_cells(Path(self.env.doc2path(self.env.docname)))
        drawings = Drawings(cells)
        for cell in list(self.document.findall(is_cell)):
            output = part_of(cell, "cell_code_output")
            bundles = [node for node in output.findall(is_bundle) if self.shows_picture(node)] if output else []
            if output is not None and bundles:
                output["classes"].append(drawings.kind(cells[cell["cell_index"]]))
            follower = cell.next_node(descend=False, siblings=True)
            caption = split_caption(follower) if bundles and follower is not None else None
            if caption is None:
                continue
            name = nodes.make_id(cells[cell["cell_index"]]["id"])
            figure = nodes.figure(ids=[f"figure-{name.removeprefix('figure-')}"])
            bundles[-1].replace_self(figure)
            figure += [bundles[-1], caption]

    @staticmethod
    def shows_picture(bundle: nodes.Element) -> bool:
        """Tell whether an output is a picture or a slider."""
        html = any("frame-slider" in raw.astext() for raw in bundle.findall(nodes.raw))
        return html or any(True for _ in bundle.findall(nodes.image))


def attributes(text: str) -> dict[str, str]:
    """Read the attributes of an HTML tag."""
    return {name: unescape(value) for name, value in ATTRIBUTE.findall(text)}


class Sliders(SphinxTransform):
    """Move the frames of sliders out of the page, into files."""

    default_priority = 540

    def apply(self, **kwargs: Any) -> None:
        """Replace each embedded frame by an image node; the HTML around it stays."""
        for raw in list(self.document.findall(nodes.raw)):
            if raw.get("format") == "html" and FRAME.search(raw.astext()):
                # a container, because docutils gives the classes of the raw node to the first of its replacements
                raw.replace_self(nodes.container("", *self.without_data(raw.astext())))

    def without_data(self, html: str) -> list[nodes.Node]:
        """Split the HTML at its embedded pictures."""
        parts: list[nodes.Node] = []
        end = 0
        for match in FRAME.finditer(html):
            parts += [nodes.raw("", html[end : match.start()], format="html"), self.frame(match)]
            end = match.end()
        return [*parts, nodes.raw("", html[end:], format="html")]

    def frame(self, match: re.Match[str]) -> nodes.image:
        """Store one picture beside those of myst-nb, and refer to it."""
        before, kind, data, after = match.groups()
        content = base64.b64decode(data)
        folder = Path(getattr(self.env, "mystnb_config").output_folder)  # noqa: B009 (myst-nb puts it there)
        path = folder / f"{hashlib.sha256(content).hexdigest()}.{kind}"
        if not path.exists():
            folder.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        found = attributes(before + after)
        image = nodes.image(uri="/" + os.path.relpath(path, self.env.srcdir), alt=found.get("alt", ""))
        image["hidden"] = "hidden" in found
        return image


class ImageSizes(SphinxPostTransform):
    """Tell the browser how large each picture is, so that nothing jumps when it arrives."""

    default_priority = 30
    formats = ("html",)

    def run(self, **kwargs: Any) -> None:
        """Take the size that the notebook states, or else that of the file."""
        for image in self.document.findall(nodes.image):
            stated = [image.get(side, "").removesuffix("px") for side in ("width", "height")]
            if all(side.isdigit() for side in stated):
                # docutils would write a fixed style, which cannot shrink on a phone
                del image["width"], image["height"]
                image["pixels"] = stated
            elif not any(stated):
                image["pixels"] = get_image_size(os.path.join(self.app.srcdir, image["uri"].lstrip("/")))
            if image.get("pixels"):
                width, height = map(int, image["pixels"])
                tallest = TALLEST_OPENING if is_opening(image) else TALLEST
                image["pixels"] = enlarged(width, height, tallest)


def is_opening(image: nodes.image) -> bool:
    """Tell whether a picture is that of the whole, at the top of a lesson."""
    node = image.parent
    while node is not None and "opening" not in node.get("classes", ()):
        node = node.parent
    return node is not None


def enlarged(width: int, height: int, tallest: int = TALLEST) -> tuple[int, int]:
    """Return the size at which a picture of that size is shown, within the column.

    It grows no taller than that, and never shrinks: its letters would become too small.
    """
    factor = max(min(COLUMN / width, ENLARGED), 1)
    factor = max(min(factor, tallest / height), 1)
    return round(width * factor), round(height * factor)


def visit_image(self: HTML5Translator, node: nodes.image) -> None:
    """Write an image as usual, then add what docutils has no option for."""
    if not node.get("at_once"):
        node["loading"] = "lazy"
    type(self).visit_image(self, node)
    extra = ' decoding="async"' + (" hidden" if node.get("hidden") else "")
    if node.get("pixels"):
        extra += ' width="{}" height="{}"'.format(*node["pixels"])
    self.body[-1] = self.body[-1].replace("<img ", f"<img{extra} ", 1)


def depart_image(self: HTML5Translator, node: nodes.image) -> None:
    """Finish an image."""
    type(self).depart_image(self, node)


def setup(app: Sphinx) -> None:
    """Register the transforms, and our HTML for images."""
    app.add_transform(Figures)
    app.add_transform(Sliders)
    app.add_post_transform(ImageSizes)
    app.add_node(nodes.image, override=True, html=(visit_image, depart_image))
