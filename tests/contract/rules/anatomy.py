"""Anatomy: title, promise and table, one import cell, the common set-up, exercises, summary and sources."""

from __future__ import annotations

import ast
import re

from tests.contract.rules.lesson import Lesson, at
from tests.contract.rules.source import bound_names, module_reads, tree_of
from tools.lesson.format import COLLAPSED, HIDDEN, KNOWN_TAGS, LAST_PARTS, OPENING, QUESTION_TAG
from tools.lesson.read import cell_id, has_tag, question_of, tags
from tools.lesson.times import draws

# What a reader wants to know first, and a word by which its row in the table is known.
TABLE_ROWS = {
    "the questions covered": r"question",
    "the time to read it and to work through it": r"^ *time\b",
    "the running time": r"run",
    "what to know first": r"know|need|before",
    "what the reader will be able to do": r"able|can",
}
SUMMARY_LINES = 10

_ID = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_HEADING = re.compile(r"^(#{1,6}) +(.+?)\s*$", re.M)
_FENCE = re.compile(r"^(```|~~~).*?^\1[^\n]*$", re.M | re.S)


def _headings(source: str) -> list[tuple[int, str]]:
    return [(len(marks), text) for marks, text in _HEADING.findall(_FENCE.sub("", source))]


def opens_with_title_and_promise(lesson: Lesson) -> list[str]:
    """The first cell: `# Title`, then a sentence of promise."""
    first = lesson.cells[0]
    if first.cell_type != "markdown" or not first.source.startswith("# "):
        return [at(first, "a lesson opens with a markdown cell that begins `# Title`; put one first")]
    promise = first.source.partition("\n")[2].strip().partition("\n\n")[0]
    if not re.match(r"[^#|>*\-].*[.!]", promise, re.S):
        return [at(first, "one sentence of promise must follow the title; write what the reader will have understood")]
    return []


def has_one_title(lesson: Lesson) -> list[str]:
    """`# ` stands once; parts are `##`, questions and exercises `###`, and no level is left out."""
    found = []
    before = 0
    for cell in lesson.markdown:
        for level, text in _headings(cell.source):
            if level == 1 and before:
                found.append(at(cell, f"`# {text}` is a second title; make it `## {text}`"))
            elif level > before + 1:
                found.append(at(cell, f"the heading {text!r} leaves out a level; give it {'#' * (before + 1)}"))
            before = level
    return found


def tells_what_to_expect(lesson: Lesson) -> list[str]:
    """The opening has a table of what is covered, how long it takes and what it needs; licence and citation follow."""
    opening = "\n".join(cell.source for cell in lesson.opening if cell.cell_type == "markdown")
    rows = [line for line in opening.splitlines() if line.startswith("|")]
    first = lesson.cells[0]
    found = [
        at(first, f"the opening table has no row on {what}; add one")
        for what, word in TABLE_ROWS.items()
        if not any(re.search(word, row.split("|")[1], re.I) for row in rows if row.count("|") > 1)
    ]
    if not re.search(r"licen[cs]e|CC BY", opening, re.I) or not re.search(r"\bcit(e|ing|ation)", opening, re.I):
        found.append(at(first, "a line must name the licence and how to cite; add it below the table"))
    return found


def lists_its_questions(lesson: Lesson) -> list[str]:
    """The table names the questions that the lesson answers, no more and no fewer: Q1, Q4–Q8."""
    lines = [line for cell in lesson.opening for line in cell.source.splitlines()]
    row = next((line for line in lines if re.match(r"\|\s*\**Questions", line)), "")
    listed: set[int] = set()
    for first, last in re.findall(r"Q(\d+)(?:\s*[–-]\s*Q?(\d+))?", row):
        listed |= set(range(int(first), int(last or first) + 1))
    answered = {question_of(cell).get("id") for cell in lesson.questions}
    if listed == answered:
        return []
    wrong = ", ".join(f"Q{number}" for number in sorted(listed ^ answered, key=str))
    return [
        at(
            lesson.cells[0],
            f"the table's row Questions and the questions in the lesson differ by {wrong}; mend the row",
        )
    ]


def shows_the_whole_first(lesson: Lesson) -> list[str]:
    """Before the first part: the picture of the whole, its caption, the headline question's answer, then the table."""
    pictures = [cell for cell in lesson.code if has_tag(cell, OPENING)]
    if len(pictures) != 1 or pictures[0] not in lesson.opening:
        return [f"one code cell before the first part draws the whole and is tagged {OPENING}; tag it"]
    if not draws(pictures[0]):
        return [at(pictures[0], "the picture of the whole needs an alt text")]
    after = lesson.cells[lesson.cells.index(pictures[0]) + 1]
    before_table = after.source.partition("\n| ")[0] if after.cell_type == "markdown" else ""
    if not re.fullmatch(r"\*[^*].*?\*\n\s*\n(?![|#>]).+", before_table.strip(), re.S):
        return [at(after, "write the picture's caption in italics, then the headline question's answer")]
    return []


def imports_stand_in_one_cell(lesson: Lesson) -> list[str]:
    """The first code cell imports, and no other does but the set-up cell."""
    first = lesson.code[0]
    found = []
    if not {"define", "imports"} <= set(tags(first)):
        found.append(at(first, "the first code cell is the import cell; tag it define and imports"))
    for cell in lesson.code:
        imports = [node for node in ast.walk(tree_of(cell)) if isinstance(node, (ast.Import, ast.ImportFrom))]
        if imports and not has_tag(cell, "imports", "setup"):
            found.append(at(cell, f"`{ast.unparse(imports[0])}` belongs in the import cell; move it there"))
    if len(lesson.tagged("imports")) > 1:
        found.append(at(lesson.tagged("imports")[1], "there is a second import cell; merge it with the first"))
    return found


def imports_stand_where_they_serve(lesson: Lesson) -> list[str]:
    """The set-up cell imports what serves it alone; the import cell what others read, carried-over cells too."""
    setups, imports = lesson.tagged("setup"), lesson.tagged("imports")
    others = [tree_of(cell) for cell in lesson.code if not has_tag(cell, "setup", "imports")]
    read_elsewhere = set().union(*(module_reads(tree) for tree in others))
    found = []
    for cell in setups:
        tree = tree_of(cell)
        for name in sorted(_imported(tree) & read_elsewhere):
            found.append(at(cell, f"other cells read {name} too, so its import belongs in the import cell"))
        for other in imports:
            for name in sorted((_imported(tree_of(other)) & module_reads(tree)) - read_elsewhere):
                found.append(at(other, f"only the set-up cell reads {name}; import it there"))
    return found


def _imported(tree: ast.Module) -> set[str]:
    return bound_names(ast.Module([node for node in tree.body if isinstance(node, (ast.Import, ast.ImportFrom))], []))


def set_up_is_the_common_one(lesson: Lesson) -> list[str]:
    """The second code cell is the set-up cell, the same in all lessons."""
    setups = lesson.tagged("setup")
    if len(setups) != 1 or len(lesson.code) < 2 or lesson.code[1] is not setups[0]:
        return ["the second code cell must be the set-up cell, tagged setup, and the only one; copy it from Lesson 1"]
    if lesson.book.setup is not None and setups[0].source != lesson.book.setup:
        return [at(setups[0], "it differs from the set-up cell of Lesson 1; run `make notebooks` to copy that")]
    return []


def collapsed_cells_are_marked_for_every_renderer(lesson: Lesson) -> list[str]:
    """Set-up, carried-over and solution cells are hidden on the site, in Jupyter and in Colab; no other cell is."""
    found = []
    for cell in lesson.code:
        metadata = cell.metadata
        hidden = has_tag(cell, HIDDEN)
        if has_tag(cell, *COLLAPSED) and not hidden:
            found.append(at(cell, f"tag it {HIDDEN}; `make notebooks` does it"))
        marks = (metadata.get("jupyter", {}).get("source_hidden", False), metadata.get("cellView") == "form")
        if marks != (hidden, hidden):
            found.append(
                at(cell, f"jupyter.source_hidden and cellView must follow the tag {HIDDEN}; run `make notebooks`")
            )
        if hidden and not cell.source.startswith("# @title "):
            found.append(
                at(cell, "a collapsed cell begins with `# @title …`, which is all a reader sees of it; add the line")
            )
    return found


def carried_over_cells_name_their_origin(lesson: Lesson) -> list[str]:
    """A carried-over cell defines, says where it comes from, and comes from an earlier lesson."""
    found = []
    for cell in lesson.code:
        origin = cell.metadata.get("carried_over")
        if has_tag(cell, "carried-over") != (origin is not None):
            found.append(
                at(cell, "the tag carried-over and the metadata carried_over go together; add the one missing")
            )
        elif origin is not None:
            if not has_tag(cell, "define"):
                found.append(at(cell, "a carried-over cell only defines; tag it define"))
            number = str(origin.get("lesson", ""))[:2]
            if not number.isdigit() or lesson.number is None or int(number) >= lesson.number:
                found.append(
                    at(cell, f"carried_over names {origin.get('lesson')!r}; it must be an earlier lesson, e.g. 01_…")
                )
    return found


def cell_ids_explain_themselves(lesson: Lesson) -> list[str]:
    """Ids are words joined by hyphens: links and messages name them."""
    found = []
    for cell in lesson.cells:
        name = cell_id(cell)
        if not _ID.fullmatch(name) or re.fullmatch(r"(?=.*\d)[0-9a-f]{8}(-[0-9a-f-]+)?", name):
            found.append(at(cell, "its id is not made of words; rename it, e.g. patches-by-einops"))
    return found


def tags_are_known(lesson: Lesson) -> list[str]:
    """A tag that nothing reads is a slip of the pen."""
    return [
        at(cell, f"the tag {tag!r} means nothing; use {', '.join(sorted(KNOWN_TAGS))} or q42")
        for cell in lesson.cells
        for tag in tags(cell)
        if tag not in KNOWN_TAGS and not QUESTION_TAG.fullmatch(tag)
    ]


def shows_invalid_input(lesson: Lesson) -> list[str]:
    """One cell shows the ValueErrors that wrong sizes meet."""
    cells = lesson.tagged("invalid-input")
    if len(cells) != 1:
        return [f"one code cell must be tagged invalid-input and show what wrong sizes meet; there are {len(cells)}"]
    handled = [
        handler.type for node in ast.walk(tree_of(cells[0])) if isinstance(node, ast.Try) for handler in node.handlers
    ]
    if not any(isinstance(kind, ast.Name) and kind.id == "ValueError" for kind in handled):
        return [at(cells[0], "it must catch a ValueError and print its message")]
    if not cells[0].outputs:
        return [at(cells[0], "it prints no message; print the caught ValueError")]
    return []


def ends_with_exercises_summary_sources(lesson: Lesson) -> list[str]:
    """The last three parts, in this order; the summary has ten lines at most."""
    parts = [text for cell in lesson.markdown for level, text in _headings(cell.source) if level == 2]
    if tuple(parts[-3:]) != LAST_PARTS:
        return [f"the last parts must be {', '.join('## ' + part for part in LAST_PARTS)}; they are {parts[-3:]}"]
    for cell in lesson.markdown:
        if (2, "Summary") in _headings(cell.source):
            lines = [line for line in cell.source.split("## Summary", 1)[1].splitlines() if line.strip()]
            lines = lines[: next((n for n, line in enumerate(lines) if line.startswith("## ")), len(lines))]
            if not 1 <= len(lines) <= SUMMARY_LINES:
                return [at(cell, f"the summary has {len(lines)} lines; write 1 to {SUMMARY_LINES}")]
    return []
