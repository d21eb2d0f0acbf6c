"""The first page: a slider taken from a lesson, the ways in, and the lessons as cards.

What a card says stands in the lesson: its times and what one can do afterwards are rows of its first table.
"""

from __future__ import annotations

import json
import re
from html import escape, unescape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.transforms import SphinxTransform
from sphinx.util.docutils import SphinxDirective

from tools.lesson.format import OPENING, QUESTION_LINE, RegisteredLesson, figure_name
from vitbook.pictures import FOLDER, Picture, pictures_of
from vitbook.questions import notebook_cells
from vitbook.registry import parsed
from vitbook.repository import colab_link
from vitbook.store import store

if TYPE_CHECKING:
    from sphinx.application import Sphinx

ROW = re.compile(r"^\| *(?P<key>[^|\n]+?) *\| *(?P<value>[^|\n]+?) *\|$", re.MULTILINE)
TIME, AFTERWARDS = "Time", "Afterwards you can"
INTERVIEW = "/book/interview.md"


def facts_of(cells: list[dict[str, Any]]) -> dict[str, str]:
    """Return the rows of the table in which a lesson says what it asks and gives, by their first words."""
    found: dict[str, str] = {}
    for cell in cells:
        text = "".join(cell["source"]) if cell["cell_type"] == "markdown" else ""
        if QUESTION_LINE.search(text):
            break
        for row in ROW.finditer(text):
            found.setdefault(row["key"], row["value"])
    return found


def opening_of(cells: list[dict[str, Any]]) -> str | None:
    """Return the name of the figure with which a lesson opens, if it does."""
    tagged = (cell for cell in cells if OPENING in cell["metadata"].get("tags", []))
    return next((name for cell in tagged if (name := figure_name(cell.get("id", "")))), None)


def starting_at(html: str, start: int) -> str:
    """Return a stored slider with another of its frames shown first."""
    found = re.search(r"data-labels=(\"|')(?P<labels>.*?)\1", html)
    labels = json.loads(unescape(found["labels"])) if found else []
    if start >= len(labels):
        raise ValueError(f"the slider has {len(labels)} frames; the first is 0, and start = {start} is none of them")
    word = escape(labels[start])
    html = re.sub(r'\bvalue="\d+"', f'value="{start}"', html, count=1)
    html = re.sub(r'aria-valuetext="[^"]*"', lambda _: f'aria-valuetext="{word}"', html, count=1)
    html = re.sub(r"<output>.*?</output>", lambda _: f"<output>{word}</output>", html, count=1)
    before, *frames = re.sub(r"(<img\b[^>]*?) hidden\b", r"\1", html).split("<img ")
    frames = [frame if number == start else f"hidden {frame}" for number, frame in enumerate(frames)]
    return "<img ".join([before, *frames])


class StoredSlider(SphinxDirective):
    """Show the slider that a cell of a lesson has stored: `{stored-slider} 1 patch-slider`."""

    required_arguments = 2
    option_spec = {"start": directives.nonnegative_int}  # noqa: RUF012 (docutils reads it from the class)

    def run(self) -> list[nodes.Node]:
        """Read the lesson's notebook."""
        number, wanted = self.arguments
        try:
            lesson = store(self.env).registry.lesson(int(number))
            html = self.slider(lesson, wanted)
            if "start" in self.options:
                html = starting_at(html, self.options["start"])
        except ValueError as error:
            raise self.error(str(error)) from None
        return [nodes.container("", nodes.raw("", html, format="html"), classes=["stored-slider"])]

    def slider(self, lesson: RegisteredLesson, wanted: str) -> str:
        """Return the stored HTML of a cell; ValueError names the cells that have a slider."""
        path = Path(self.env.srcdir, "notebooks", f"{lesson.name}.ipynb")
        self.env.note_dependency(str(path))
        sliders = {}
        for cell in notebook_cells(path) if path.is_file() else []:
            for output in cell.get("outputs", []):
                html = "".join(output.get("data", {}).get("text/html", ""))
                if "frame-slider" in html:
                    sliders[cell["id"]] = html
        if wanted not in sliders:
            raise ValueError(f"Lesson {lesson.number} has no slider {wanted}; it has: {', '.join(sliders) or 'none'}")
        return sliders[wanted]


class FirstFrame(SphinxTransform):
    """The frame that a page opens with is loaded at once."""

    default_priority = 545  # after the frames have become pictures

    def apply(self, **kwargs: Any) -> None:
        """Mark the frame that shows."""
        for slider in self.document.findall(nodes.container):
            if "stored-slider" in slider["classes"]:
                image = next(image for image in slider.findall(nodes.image) if not image.get("hidden"))
                image["at_once"] = True


class WaysIn(SphinxDirective):
    """The three ways into the book; Colab opens public GitHub repositories only."""

    def run(self) -> list[nodes.Node]:
        """Link the first lesson that is written, the page for tomorrow, and the first lesson as a notebook."""
        notebooks = Path(self.env.srcdir, "notebooks")
        lesson = next(each for each in store(self.env).registry.lessons if each.is_written(notebooks))
        config = self.env.config
        branch = config.html_theme_options.get("repository_branch") or "main"
        colab = colab_link(config.vitbook_repository, branch, f"notebooks/{lesson.name}")
        if colab:
            third = f'<a href="{escape(colab)}">Open in Colab</a>'
        else:
            root = "../" * self.env.docname.count("/")
            notebook = f"{root}_sources/notebooks/{lesson.name}.ipynb"
            third = f'<a href="{notebook}" download>Download Lesson {lesson.number}</a>'
        text = f"[Begin with Lesson {lesson.number}](/notebooks/{lesson.name}.ipynb) [Interview tomorrow]({INTERVIEW})"
        (paragraph,) = parsed(self, [text])
        paragraph += nodes.raw("", f" {third}", format="html")
        return [nodes.container("", paragraph, classes=["ways-in"])]


class SourceLink(SphinxDirective):
    """One sentence that leads to the source, where its address is known; else its content."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        """Write the sentence."""
        url = self.env.config.vitbook_repository
        text = f"Source, history and open questions: [{url.removeprefix('https://')}]({url})." if url else ""
        return parsed(self, [text or "\n".join(self.content)])


class LessonCards(SphinxDirective):
    """All lessons of the book, written or to come, each as a card."""

    def run(self) -> list[nodes.Node]:
        """Build the cards in the order of the lessons."""
        return [nodes.container("", *map(self.card, store(self.env).registry.lessons), classes=["lesson-cards"])]

    def card(self, lesson: RegisteredLesson) -> nodes.container:
        """Return the card of a lesson: with its picture and what it says of itself, if it is written."""
        path = Path(self.env.srcdir, "notebooks", f"{lesson.name}.ipynb")
        questions = f"Q{lesson.first}–Q{lesson.last}"
        if not path.is_file():
            text = f"**Lesson {lesson.number} · {lesson.title}**\n\nTo come · {questions}\n\n{lesson.blurb}"
            return nodes.container("", *self.lines(text), classes=["lesson-card", "to-come"])
        self.env.note_dependency(str(path))
        cells = notebook_cells(path)
        facts = facts_of(cells)
        told = " · ".join(part for part in (facts.get(TIME), questions) if part)
        text = f"**[Lesson {lesson.number} · {lesson.title}](/notebooks/{lesson.name}.ipynb)**\n\n{told}\n\n"
        deeds = [deed.strip() for deed in facts.get(AFTERWARDS, "").split(";") if deed.strip()]
        text += f"{AFTERWARDS}\n\n" + "\n".join(f"- {deed}" for deed in deeds) if deeds else lesson.blurb
        pictures = {each.name: each for each in pictures_of(cells, lesson.number)}
        names = [name for name in (opening_of(cells), lesson.picture) if name in pictures and self.file(name).is_file()]
        return nodes.container(
            "", *(self.image(pictures[name]) for name in names[:1]), *self.lines(text), classes=["lesson-card"]
        )

    def lines(self, text: str) -> list[nodes.Node]:
        """Read the text of a card; its first lines are its title and its times."""
        found = parsed(self, [text])
        for node, name in zip(found, ("card-title", "card-time"), strict=False):
            if isinstance(node, nodes.paragraph):
                node["classes"].append(name)
        return found

    def file(self, name: str) -> Path:
        """Return where the vector file of a figure lies."""
        return Path(self.env.srcdir, FOLDER, f"{name}.svg")

    def image(self, picture: Picture) -> nodes.figure:
        """Return the picture of a card."""
        image = nodes.image(uri=f"/{FOLDER}/{picture.name}.svg", alt=picture.alt)
        return nodes.figure("", image, classes=[picture.kind])


def setup(app: Sphinx) -> None:
    """Register directives and transform."""
    app.add_directive("stored-slider", StoredSlider)
    app.add_directive("ways-in", WaysIn)
    app.add_directive("source-link", SourceLink)
    app.add_directive("lesson-cards", LessonCards)
    app.add_transform(FirstFrame)
