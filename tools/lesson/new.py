"""Begin a lesson of the book's list: `python -m tools.lesson.new 04` writes its files as stubs that build."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tools.lesson.files import write_atomically
from tools.lesson.format import RegisteredLesson, files_of, read_registry
from tools.lesson.read import ROOT, find_lesson, read_lesson
from tools.lesson.stubs import stub_files

NEXT = """
What is to be written opens with "To be written:"; until nothing of that is left, the rules say what is missing.
1. Write the lesson; `make notebooks NB={number:02d}` runs and stores it, and says which rules it does not keep yet.
2. New words: book/glossary.md. New symbols: book/notation.md. Its picture for the night before:
   picture = "…" in book/lessons.toml, once a cell figure-… shows it. What interviewers like to ask and is not core:
   favourites = [{first}] there.
3. `python -m tools.site.generated --write` puts the lesson into README; a line in CHANGELOG.md is yours.
4. `make book`, `make test`."""


def main(arguments: list[str] | None = None, root: Path = ROOT) -> int:
    """Write the stubs of one lesson; refuse, with nothing written, where one of its files is there already."""
    parser = argparse.ArgumentParser(prog="python -m tools.lesson.new", description=__doc__)
    parser.add_argument("lesson", nargs="?", default="", help="its number in book/lessons.toml: 04")
    options = parser.parse_args(arguments)
    try:
        lesson = wanted(options.lesson, root)
        if there := [name for name in files_of(lesson) if (root / name).exists()]:
            raise ValueError(f"nothing was written, because Lesson {lesson.number} has been begun: {', '.join(there)}")
        texts = stub_files(lesson, read_lesson(find_lesson("01", root / "notebooks")))
        for name, text in texts.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            write_atomically(root / name, text)
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    for name, holds in files_of(lesson).items():
        print(f"{name}: {holds}")
    print(NEXT.format(number=lesson.number, first=lesson.first))
    return 0


def wanted(text: str, root: Path) -> RegisteredLesson:
    """The lesson meant by `4`, `04` or its name; ValueError names those of the list."""
    registry = read_registry(root / "book" / "lessons.toml")
    for lesson in registry.lessons:
        if text == lesson.name or (text.isdigit() and int(text) == lesson.number):
            return lesson
    to_come = [lesson.name for lesson in registry.lessons if not lesson.is_written(root / "notebooks")]
    known = ", ".join(to_come) or "none"
    if not text:
        raise ValueError(f"name the lesson, e.g. `make lesson NB=04`; to come are: {known}")
    raise ValueError(f"there is no lesson {text!r} in book/lessons.toml; put it there first. To come are: {known}")


if __name__ == "__main__":
    sys.exit(main())
