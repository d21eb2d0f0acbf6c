"""Sphinx extension of the book: portable notebook patterns become anchors, cards, links, figures and MathML.

The notebooks hold plain Markdown, so that they read well in Jupyter, Colab, VS Code and on GitHub. What a web page can
do beyond that is added here, while the site is built. Each module does one job:

- ``repository``  the buttons that need the public address of the source
- ``registry``    what pages derive from the book's list of lessons
- ``store``       what is learnt while pages are read
- ``questions``   anchors, badges and index entries of questions; anchors of lessons and exercises
- ``catalogue``   all questions, collected while the lessons are read
- ``lookup``      the pages to look things up: question index, corrections, a lesson's core answers
- ``cards``       short answers, corrections, follow-ups and "Try" lines
- ``claims``      the line under which a correction is folded
- ``cells``       what code is folded and what stays open, and the note in place of live panels
- ``folds``       the line under which code is folded, and its verdict
- ``mutants``     what makes a proof fail, shown beside it
- ``places``      where in the lesson such a change goes
- ``opening``     the picture of the whole, directly under a lesson's promise
- ``exercises``   stubs before solutions, and the student notebooks
- ``pictures``    the lessons' own figures: as vector files, and shown again elsewhere
- ``front``       the first page: a slider, the ways in, the lessons as cards
- ``drawings``    whether a figure only plots or shows images, which a dark page treats differently
- ``figures``     captions, image sizes and the frames of sliders
- ``tables``      tables without a heading; cells with figures, cells with sentences
- ``links``       links for ``Q42``, ``Lesson 5`` and ``Exercise 5.2`` in running text
- ``glossary``    links from the first use of a term to its meaning
- ``mathml``      formulas as MathML
- ``mathfont``    a mathematical font with just the glyphs in use
- ``pages``       descriptions, the order of the index, and scripts that a page does not need
- ``passages``  what the search looks through
- ``words``     how well each word fits a passage
- ``search``    the index that the search loads
- ``findable``    the site's address, a sitemap, and a page for wrong addresses
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

# The root of the repository, or of the copy that is built: what a lesson is stands in `tools.lesson.format`.
sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

if TYPE_CHECKING:
    from sphinx.application import Sphinx


def setup(app: Sphinx) -> dict[str, Any]:
    """Register every part of the extension."""
    from vitbook import (
        cards,
        catalogue,
        cells,
        exercises,
        figures,
        findable,
        folds,
        front,
        glossary,
        links,
        lookup,
        mathml,
        opening,
        pages,
        pictures,
        questions,
        registry,
        repository,
        search,
        tables,
    )

    for part in (
        repository,
        registry,
        questions,
        cards,
        cells,
        folds,
        catalogue,
        lookup,
        pictures,
        front,
        figures,
        opening,
        exercises,
        tables,
        links,
        glossary,
        mathml,
        pages,
        search,
        findable,
    ):
        part.setup(app)
    return {"version": "1", "env_version": 1, "parallel_read_safe": True, "parallel_write_safe": True}
