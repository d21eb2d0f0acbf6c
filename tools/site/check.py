"""Is everything in a finished site that the notebooks promise? `python -m tools.site.check _build/html notebooks`."""

from __future__ import annotations

import json
import sys
from collections import Counter
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from tools.lesson.format import LESSON_NAME, LIVE, QUESTION_LINE, lesson_number

ALWAYS_PRESENT = (
    "404.html",
    "index.html",
    "book/corrections.html",
    "book/glossary.html",
    "book/index.html",
    "book/notation.html",
    "book/pictures.html",
    "book/questions.html",
    "book/quick_reference.html",
    "book/references.html",
    "book/status.html",
    "genindex.html",
    "search.html",
)
SEARCH_INDEX = "_static/search_index.js"
# Which attributes make the browser load something at once. (Links that a reader follows may lead anywhere.)
LOADED = {"img": "src", "script": "src", "iframe": "src", "source": "src", "link": "href"}
# rel values of <link> that load nothing
PASSIVE = {"index", "search", "next", "prev", "canonical", "license"}


@dataclass
class Page:
    """What a page holds, as far as a check needs it."""

    anchors: Counter[str] = field(default_factory=Counter)
    links: list[str] = field(default_factory=list)
    loaded: list[str] = field(default_factory=list)
    images: list[dict[str, str]] = field(default_factory=list)
    unresolved: list[str] = field(default_factory=list)


class Reader(HTMLParser):
    """Collect the parts of a page."""

    def __init__(self) -> None:
        """Start with an empty page."""
        super().__init__()
        self.page = Page()
        self.in_link = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note anchors, links, pictures and what is loaded."""
        found = {name: value or "" for name, value in attrs}
        if "id" in found:
            self.page.anchors[found["id"]] += 1
        if tag == "a" and "href" in found:
            self.in_link = True
            self.page.links.append(found["href"])
        if tag == "img":
            self.page.images.append(found)
        if LOADED.get(tag) in found and not (tag == "link" and set(found.get("rel", "").split()) & PASSIVE):
            self.page.loaded.append(found[LOADED[tag]])
        # Sphinx leaves these where a reference found no target; where it found one, "xref" stands within a link
        classes = set(found.get("class", "").split())
        if "problematic" in classes or ("xref" in classes and not self.in_link):
            self.page.unresolved.append(found["class"])

    def handle_endtag(self, tag: str) -> None:
        """Note where a link ends."""
        if tag == "a":
            self.in_link = False


def read_page(path: Path) -> Page:
    """Parse one file."""
    reader = Reader()
    reader.feed(path.read_text(encoding="utf-8"))
    return reader.page


def cells_of(notebook: Path) -> list[dict[str, Any]]:
    """Return the cells of a notebook."""
    return json.loads(notebook.read_text(encoding="utf-8"))["cells"]


def questions_of(notebook: Path) -> list[str]:
    """Return the questions of a notebook, such as "Q4", by its headings."""
    texts = ("".join(cell["source"]) for cell in cells_of(notebook) if cell["cell_type"] == "markdown")
    return [f"Q{number}" for text in texts for number, _ in QUESTION_LINE.findall(text)]


def figure_cells(notebook: Path) -> list[str]:
    """Return the ids of the code cells that show pictures."""
    return [
        cell["id"]
        for cell in cells_of(notebook)
        if cell["cell_type"] == "code"
        and LIVE not in cell["metadata"].get("tags", [])
        and any("image/png" in output.get("data", {}) for output in cell["outputs"])
    ]


def lesson_problems(name: str, page: Page, notebook: Path) -> list[str]:
    """Compare a lesson's page with its notebook."""
    found = [
        f"{name}: question {number} has no anchor #{number.lower()}; its heading must read '### {number} · wording'"
        for number in questions_of(notebook)
        if not page.anchors[number.lower()]
    ]
    pictures, expected = [image for image in page.images if "_images/" in image.get("src", "")], figure_cells(notebook)
    if len(pictures) < len(expected):
        found.append(f"{name}: {len(expected)} cells show a picture, but the page holds {len(pictures)}")
    return found


def image_problems(name: str, page: Page) -> list[str]:
    """Check what a page says about its pictures."""
    found = []
    for image in page.images:
        source = image.get("src", "")
        if source.startswith("data:"):
            found.append(f"{name}: a picture is embedded in the page instead of lying in a file of its own")
            continue
        if "_images/" not in source:
            continue
        alt = image.get("alt", "").strip()
        if not alt or alt.endswith(".png") or " " not in alt:
            found.append(f"{name}: {source} has no alt sentence; write one into its cell's metadata mystnb.image.alt")
        if not (image.get("width", "").isdigit() and image.get("height", "").isdigit()):
            found.append(f"{name}: {source} does not state its width and height")
    return found


def link_problems(name: str, site: Path, pages: dict[str, Page]) -> list[str]:
    """Follow the links within the site, and look for files that come from elsewhere."""
    page, found = pages[name], []
    for address in page.loaded:
        parts = urlsplit(address)
        if parts.scheme == "data":
            continue
        if parts.scheme or parts.netloc:
            found.append(f"{name}: loads {address} from another host; the site must bring it itself")
        elif not (site / name).parent.joinpath(unquote(parts.path)).is_file():
            found.append(f"{name}: loads {address}, which is not in the site")
    for address in page.links:
        parts = urlsplit(address)
        if parts.scheme or parts.netloc:
            continue
        target = (site / name).parent.joinpath(unquote(parts.path)).resolve() if parts.path else site / name
        if not target.is_file():
            found.append(f"{name}: links to {address}, which is not in the site")
            continue
        other = pages.get(target.relative_to(site.resolve()).as_posix()) if parts.path else page
        if parts.fragment and other is not None and not other.anchors[unquote(parts.fragment)]:
            found.append(f"{name}: links to {address}, but there is no such anchor")
    return found


def index_problems(site: Path, lessons: list[Path]) -> list[str]:
    """Check that the search knows every question."""
    path = site / SEARCH_INDEX
    if not path.is_file():
        return [f"{SEARCH_INDEX} is missing: the search will find nothing"]
    text = path.read_text(encoding="utf-8")
    index = json.loads(text[text.index("{") : text.rindex("}") + 1])
    anchors = {(index["pages"][page][0], anchor) for page, anchor, *_ in index["passages"]}
    return [
        f"{SEARCH_INDEX}: {number} of {lesson.name} is not in it"
        for lesson in lessons
        for number in questions_of(lesson)
        if (f"notebooks/{lesson.stem}", number.lower()) not in anchors
    ]


def problems(site: Path, notebooks: Path) -> list[str]:
    """Return one sentence for each fault of a finished site; none means that it may be published."""
    lessons = sorted(path for path in notebooks.glob("*.ipynb") if LESSON_NAME.fullmatch(path.stem))
    expected = [*ALWAYS_PRESENT, *(f"notebooks/{lesson.stem}.html" for lesson in lessons)]
    expected += [f"book/cram_{lesson_number(lesson.stem)}.html" for lesson in lessons]
    missing = [f"{name} is missing; is it listed in _toc.yml?" for name in expected if not (site / name).is_file()]
    names = [path.relative_to(site).as_posix() for path in sorted(site.rglob("*.html"))]
    pages = {name: read_page(site / name) for name in names if not name.startswith("_static/")}  # the theme's templates
    found = missing
    for name, page in pages.items():
        found += image_problems(name, page) + link_problems(name, site, pages)
        found += [f"{name}: a reference was not resolved ({kind})" for kind in page.unresolved]
        found += [f"{name}: the anchor {anchor} stands there {n} times" for anchor, n in page.anchors.items() if n > 1]
    for lesson in lessons:
        name = f"notebooks/{lesson.stem}.html"
        if name in pages:
            found += lesson_problems(name, pages[name], lesson)
    return found + index_problems(site, lessons)


def main(arguments: list[str]) -> int:
    """Print the problems of a site; the exit status is 1 if there are any."""
    found = problems(Path(arguments[0]), Path(arguments[1]))
    print("\n".join(found) or "The site is complete.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
