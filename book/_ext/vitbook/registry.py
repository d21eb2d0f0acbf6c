"""What pages derive from the book's list of lessons, so that a new lesson is written down once.

- ``{each-lesson}`` repeats its text for each written lesson, or with ``to-come`` for the others
- ``{count}`questions``` is a number, and so is ``{count}`answers```, which counts those in written lessons
- the bibliographies are the files of ``book/references``
"""

from __future__ import annotations

from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

from docutils import nodes
from docutils.parsers.rst import directives
from docutils.statemachine import StringList
from sphinx.util.docutils import SphinxDirective, SphinxRole

from tools.lesson.format import RegisteredLesson, Registry, read_registry
from vitbook.store import store

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.config import Config

REFERENCES = "book/references"


def words_for(lesson: RegisteredLesson) -> dict[str, str]:
    """Return what may stand in the text of `{each-lesson}`, as $number, $title …"""
    return {
        "number": str(lesson.number),
        "name": lesson.name,
        "title": lesson.title,
        "blurb": lesson.blurb,
        "questions": f"Q{lesson.first}–Q{lesson.last}",
    }


def parsed(directive: SphinxDirective, parts: list[str]) -> list[nodes.Node]:
    """Return what some pieces of Markdown would be where the directive stands."""
    node = nodes.Element()
    lines = StringList("\n\n".join(parts).split("\n"), directive.get_source_info()[0])
    directive.state.nested_parse(lines, 0, node, match_titles=True)
    return node.children


class EachLesson(SphinxDirective):
    """Repeat a text for each lesson, with its own number, name, title, blurb and questions."""

    has_content = True
    optional_arguments = 1
    option_spec = {"opening": directives.unchanged}  # noqa: RUF012 (docutils reads it from the class)

    def run(self) -> list[nodes.Node]:
        """Write the text out and read it as if it stood on the page."""
        lessons = self.lessons()
        if not lessons:
            return []
        template = Template("\n".join(self.content))
        try:
            parts = [template.substitute(words_for(lesson)) for lesson in lessons]
        except (KeyError, ValueError) as error:
            known = ", ".join(f"${word}" for word in words_for(lessons[0]))
            raise self.error(f"{error} stands for nothing here; these do: {known} (write $$ for a dollar)") from None
        return parsed(self, [self.options.get("opening", ""), *parts])

    def lessons(self) -> list[RegisteredLesson]:
        """Return the lessons that are meant."""
        kind = self.arguments[0] if self.arguments else "written"
        if kind not in ("written", "to-come"):
            raise self.error(f"there are no lessons {kind!r}; leave the word out for the written ones, or put to-come")
        notebooks = Path(self.env.srcdir, "notebooks")
        registry = store(self.env).registry
        return [lesson for lesson in registry.lessons if lesson.is_written(notebooks) == (kind == "written")]


class Count(SphinxRole):
    """The number of questions, of answers or of lessons in the whole book."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """Count what is named."""
        registry = store(self.env).registry
        notebooks = Path(self.env.srcdir, "notebooks")
        answers = sum(len(lesson.wordings) for lesson in registry.lessons if lesson.is_written(notebooks))
        counts = {"questions": len(registry.wordings), "answers": answers, "lessons": len(registry.lessons)}
        if self.text not in counts:
            message = self.inliner.reporter.error(
                f"nobody counts {self.text!r}; write {', '.join(counts)}", line=self.lineno
            )
            return [], [message]
        return [nodes.Text(str(counts[self.text]))], []


def find_bibliographies(app: Sphinx, config: Config) -> None:
    """Let every file of the folder be a bibliography."""
    config.bibtex_bibfiles = sorted(
        path.relative_to(app.srcdir).as_posix() for path in Path(app.srcdir, REFERENCES).glob("*.bib")
    )


def load(app: Sphinx) -> None:
    """Read the list of lessons that lies beside the pages; a small book need not have one."""
    path = Path(app.srcdir, "book", "lessons.toml")
    store(app.env).registry = read_registry(path) if path.is_file() else Registry(())


def setup(app: Sphinx) -> None:
    """Register directive, role and hooks."""
    app.add_directive("each-lesson", EachLesson)
    app.add_role("count", Count())
    app.connect("config-inited", find_bibliographies)
    app.connect("builder-inited", load)
