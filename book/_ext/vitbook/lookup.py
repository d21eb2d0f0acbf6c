"""What is made of all lessons together: question index, corrections, core answers, links from question to question."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from html import escape
from typing import TYPE_CHECKING, Any

from docutils import nodes
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.docutils import SphinxDirective
from sphinx.util.nodes import make_refnode

from tools.lesson.format import DIFFICULTIES, RegisteredLesson, Registry
from vitbook.questions import badge
from vitbook.store import Entry, store

if TYPE_CHECKING:
    from sphinx.application import Sphinx

# The cards stand empty until a script fills them; without one, the list is all there is.
FILTER = """<section id="cards" class="deck" aria-label="Flash cards" hidden></section>
<form class="question-filter" role="search" aria-label="Questions">
<label>Words <input type="search" name="words" autocomplete="off" placeholder="mask, cost, [CLS] …"></label>
<label>Lesson <select name="lesson"><option value="">any</option>{lessons}</select></label>
<label>Difficulty <select name="difficulty"><option value="">any</option>{difficulties}</select></label>
<label>Topic <select name="topic"><option value="">any</option>{topics}</select></label>
<label class="check"><input type="checkbox" name="tonight"> only for the night before</label>
<label class="check"><input type="checkbox" name="careful"> only with a correction</label>
<button type="button" class="show-cards">Flash cards</button>
<output aria-live="polite">{count} of {count} questions</output>
</form>
"""


class Placeholder(nodes.General, nodes.Element):
    """Stands on a page until all lessons have been read."""


class Lookup(SphinxDirective):
    """Put a placeholder for one of the generated lists."""

    optional_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Remember what was asked for."""
        lesson = int(self.arguments[0]) if self.arguments else None
        return [Placeholder("", kind=self.name, lesson=lesson)]


def raw(html: str) -> nodes.raw:
    """Return a piece of HTML that docutils has no node for."""
    return nodes.raw("", html, format="html")


def options(values: Iterable[str]) -> str:
    """Return the choices of a select."""
    return "".join(f"<option>{escape(value)}</option>" for value in values)


def lesson_heading(lesson: RegisteredLesson, written: bool) -> nodes.title:
    """Return the heading of a lesson's part of a list."""
    return nodes.title("", f"Lesson {lesson.number} · {lesson.title}" + ("" if written else " (to come)"))


class Neighbours(SphinxPostTransform):
    """Link each question of a lesson to the one before and the one after it, in the order in which they are read."""

    default_priority = 6

    def run(self, **kwargs: Any) -> None:
        """Append the links to the line below a question's heading."""
        found = store(self.env).entries
        # Lesson by lesson, and within each as they stand on its page, which is how they were found.
        order = sorted(found, key=lambda number: found[number].page)
        for section in self.document.findall(nodes.section):
            number = next((int(i[1:]) for i in section["ids"] if i[:1] == "q" and i[1:].isdigit()), None)
            if number is None or number not in found or found[number].page != self.env.docname:
                continue
            meta = next(node for node in section.findall(nodes.paragraph) if "question-meta" in node["classes"])
            place = order.index(number)
            for neighbour, words in ((place - 1, "← Q{}"), (place + 1, "Q{} →")):
                if 0 <= neighbour < len(order):
                    entry = found[order[neighbour]]
                    anchor, text = f"q{entry.number}", words.format(entry.number)
                    link = make_refnode(
                        self.app.builder, self.env.docname, entry.page, anchor, nodes.Text(text), entry.title
                    )
                    meta += nodes.inline("", "", link, classes=["neighbour"])


class Fill(SphinxPostTransform):
    """Replace the placeholders, before mentions in the copied texts are linked."""

    default_priority = 5

    def run(self, **kwargs: Any) -> None:
        """Build the lists of this page."""
        builders: dict[str, Callable[[int | None], Iterator[nodes.Node]]] = {
            "question-list": lambda _: self.question_list(),
            "correction-list": lambda _: self.correction_list(),
            "core-answers": self.core_answers,
        }
        for placeholder in list(self.document.findall(Placeholder)):
            placeholder.replace_self(list(builders[placeholder["kind"]](placeholder["lesson"])))

    @property
    def registry(self) -> Registry:
        """The lessons and questions of the book."""
        return store(self.env).registry

    def link(self, entry: Entry, anchor: str, text: str) -> nodes.reference:
        """Return a link to a place in the lesson of a question."""
        return make_refnode(self.app.builder, self.env.docname, entry.page, anchor, nodes.Text(text))

    def parts(self, wanted: Callable[[Entry], bool] | None) -> Iterator[tuple[nodes.section, list[int]]]:
        """Yield a section for each lesson with the numbers that belong there; of all questions if nothing is wanted."""
        found = store(self.env).entries
        for lesson in self.registry.lessons:
            kept = [n for n in lesson.questions if wanted is None or (n in found and wanted(found[n]))]
            if kept:
                written = any(n in found for n in lesson.questions)
                section = nodes.section("", lesson_heading(lesson, written), ids=[f"of-lesson-{lesson.number}"])
                yield section, kept

    def question_list(self) -> Iterator[nodes.Node]:
        """Yield the filter, and all questions lesson by lesson."""
        found = store(self.env).entries
        topics = sorted({topic for entry in found.values() for topic in entry.info.topics})
        count = len(self.registry.wordings)
        lessons = (str(lesson.number) for lesson in self.registry.lessons)
        choices = {"lessons": lessons, "difficulties": DIFFICULTIES, "topics": topics}
        yield raw(FILTER.format(count=count, **{name: options(values) for name, values in choices.items()}))
        for section, numbers in self.parts(None):
            for number in numbers:
                entry = found.get(number)
                section += self.row(entry) if entry else self.missing_row(number)
            yield section

    def missing_row(self, number: int) -> nodes.container:
        """Return the row of a question whose lesson is to come."""
        text = nodes.paragraph("", f"Q{number} · {self.registry.wordings[number]}", classes=["question-line"])
        lesson = self.registry.lesson_of(number).number
        return nodes.container("", text, classes=["question-row", "to-come", f"lesson-{lesson}"], ids=[f"q{number}"])

    def is_for_tonight(self, entry: Entry) -> bool:
        """Whether a question stands on the page for the night before: core ones do, and the interview's favourites."""
        favourites = self.registry.lesson_of(entry.number).favourites
        return entry.info.difficulty == "core" or entry.number in favourites

    def row(self, entry: Entry) -> nodes.container:
        """Return a question's row: link, badge, folded short answer, proof and correction."""
        link = self.link(entry, f"q{entry.number}", f"Q{entry.number} · {entry.title}")
        meta = badge(entry.info)
        if entry.proof:
            meta += nodes.inline("", "", self.link(entry, entry.proof, "proof"))
        classes = ["question-row", f"lesson-{self.registry.lesson_of(entry.number).number}", entry.info.difficulty]
        classes += [f"topic-{topic}" for topic in entry.info.topics]
        if self.is_for_tonight(entry):
            classes.append("for-tonight")
        if entry.careful:
            corrections = make_refnode(
                self.app.builder, self.env.docname, "book/corrections", f"c{entry.number}", nodes.Text("careful")
            )
            meta += nodes.inline("", "", corrections, classes=["has-careful"])
            classes.append("with-careful")
        return nodes.container(
            "",
            nodes.paragraph("", "", link, classes=["question-line"]),
            meta,
            raw('<details class="folded"><summary>Short answer</summary>\n'),
            nodes.container("", *(node.deepcopy() for node in entry.answer), classes=["folded-answer"]),
            raw("</details>\n"),
            classes=classes,
            ids=[f"q{entry.number}"],
        )

    def correction_list(self) -> Iterator[nodes.Node]:
        """Yield what is often said and is not so, lesson by lesson."""
        found = store(self.env).entries
        for section, numbers in self.parts(lambda entry: bool(entry.careful)):
            for entry in (found[number] for number in numbers):
                line = nodes.paragraph("", "", classes=["question-line"])
                line += self.link(entry, f"q{entry.number}", f"Q{entry.number} · {entry.title}")
                item = nodes.container("", line, classes=["correction"], ids=[f"c{entry.number}"])
                item += [node.deepcopy() for node in entry.careful]
                if entry.proof:
                    item += nodes.paragraph(
                        "", "", nodes.Text("Shown by "), self.link(entry, entry.proof, f"the code of Q{entry.number}")
                    )
                section += item
            yield section

    def core_answers(self, lesson_number: int | None) -> Iterator[nodes.Node]:
        """Yield the short answers to the core questions of a lesson and to the interview's favourites."""
        found = store(self.env).entries
        for number in self.registry.lesson(lesson_number or 0).questions:
            entry = found.get(number)
            if entry is not None and self.is_for_tonight(entry):
                line = nodes.paragraph("", "", classes=["question-line"])
                line += self.link(entry, f"q{number}", f"Q{number} · {entry.title}")
                yield nodes.container("", line, *(node.deepcopy() for node in entry.answer), classes=["core-answer"])


def load_cards(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None) -> None:
    """Give the page of the question index the script of its flash cards, after the one that narrows the list."""
    if doctree is not None and any(True for _ in doctree.findall(is_card_place)):
        app.add_js_file("cards.js", priority=900, loading_method="defer")


def is_card_place(node: nodes.Node) -> bool:
    """Tell whether a node is the place for the flash cards."""
    return isinstance(node, nodes.raw) and 'id="cards"' in node.astext()


def setup(app: Sphinx) -> None:
    """Register directives, node, transforms and hook."""
    for name in ("question-list", "correction-list", "core-answers"):
        app.add_directive(name, Lookup)
    app.add_node(Placeholder)
    app.add_post_transform(Fill)
    app.add_post_transform(Neighbours)
    app.connect("html-page-context", load_cards)
