"""What is derived from the book's list of lessons outside its pages: `python -m tools.site.generated`.

With --write it renews README's account of what is written; without, it says whether that is up to date.
The pages for the night before are written into the sources of each build.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tools.lesson.files import write_atomically
from tools.lesson.format import RegisteredLesson, Registry, read_registry

ROOT = Path(__file__).resolve().parents[2]
BEGIN = "<!-- Written by `python -m tools.site.generated --write`. -->"
END = "<!-- Until here. -->"


def main(arguments: list[str] | None = None, root: Path = ROOT) -> int:
    """Write or compare README's account; exit status 1 where it is out of date."""
    parser = argparse.ArgumentParser(prog="python -m tools.site.generated", description=__doc__)
    parser.add_argument("--write", action="store_true", help="renew what is out of date")
    options = parser.parse_args(arguments)
    readme = root / "README.md"
    try:
        present = readme.read_text(encoding="utf-8")
        wanted = with_account(present, written(read_registry(root / "book" / "lessons.toml"), root))
        if present == wanted:
            print("README.md is up to date.")
        elif options.write:
            write_atomically(readme, wanted)
            print("README.md: renewed")
        else:
            raise ValueError("README.md is out of date; run `python -m tools.site.generated --write`")
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def written(registry: Registry, root: Path) -> list[RegisteredLesson]:
    """The lessons whose notebooks are there."""
    return [lesson for lesson in registry.lessons if lesson.is_written(root / "notebooks")]


def account(lessons: list[RegisteredLesson]) -> str:
    """What README says of the lessons that are written."""
    parts = [
        f"Lesson {lesson.number}, *{lesson.title}*, questions {lesson.first} to {lesson.last}" for lesson in lessons
    ]
    return "So far: " + "; ".join(parts or ["nothing"]) + "."


def with_account(readme: str, lessons: list[RegisteredLesson]) -> str:
    """README with a fresh account between its two marks."""
    before, begin, rest = readme.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not end:
        raise ValueError(f"README.md has lost the line {BEGIN if not begin else END}; put both back round `So far: …`")
    return f"{before}{BEGIN}\n{account(lessons)}\n{END}{after}"


def cram_page(lesson: RegisteredLesson) -> str:
    """A lesson's page for the night before, in Markdown."""
    picture = f"\n## One picture\n\n```{{pictures}} {lesson.picture}\n```\n" if lesson.picture else ""
    with_picture = ", its formulas and a picture" if lesson.picture else " and its formulas"
    return f"""# Lesson {lesson.number} in short

For the night before: the core questions of *{lesson.title}* and those that interviewers like to ask, answered as one
would say it aloud{with_picture}. It prints on two sheets. The same questions as
<a href="questions.html?lesson={lesson.number}&amp;tonight=on#cards">flash cards</a>.

## Questions

```{{core-answers}} {lesson.number}
```

## Formulas

```{{include}} formulas/lesson_{lesson.number}.md
```
{picture}"""


def write_cram_pages(root: Path) -> None:
    """Write the page for the night before of each lesson that is written into the sources in `root`."""
    for lesson in written(read_registry(root / "book" / "lessons.toml"), root):
        (root / "book" / f"cram_{lesson.number}.md").write_text(cram_page(lesson), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
