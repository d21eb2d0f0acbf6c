"""What a reader meets on the lessons' pages, in numbers: `python -m tools.site.measure [folder of the site]`.

For each lesson, at 1,280 px: the height of its page, the share that is code, the first picture's distance from the
top, the corrections that stand open; and the blocks of code that scroll sideways at three widths.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tools.lesson.read import ROOT, lesson_paths
from tools.run.browser import find_chromium
from tools.site.weight import SETTLING, chromium, served

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

WIDTHS = (1280, 1440, 1920)
READ = """() => {
    const article = document.querySelector("article.bd-article").getBoundingClientRect();
    const shown = (element) => element.checkVisibility ? element.checkVisibility() : element.offsetParent !== null;
    const all = (selector) => [...document.querySelectorAll(`article ${selector}`)].filter(shown);
    const height = (elements) => elements.reduce((sum, element) => sum + element.getBoundingClientRect().height, 0);
    const picture = all("img")[0];
    return {
        height: article.height,
        code: height(all(".cell_input")) / article.height,
        printed: height(all(".cell_output pre")) / article.height,
        picture: picture ? picture.getBoundingClientRect().top + scrollY : -1,
        careful: all(".careful").filter((box) => box.tagName !== "DETAILS" || box.open).length,
        folds: all("details.code-fold").length,
        open: all(".cell_input").length,
    };
}"""
OVERFLOWING = """() => {
    document.querySelectorAll("article details").forEach((fold) => (fold.open = true));
    return [...document.querySelectorAll("article pre, article figure")]
        .filter((block) => block.scrollWidth > block.clientWidth + 1)
        .map((block) => [block.scrollWidth - block.clientWidth,
                         Math.max(...block.textContent.split("\\n").map((line) => [...line].length))]);
}"""


@dataclass(frozen=True)
class Figures:
    """The numbers of one page."""

    height: int  # of the text's column at 1,280 px
    code: float  # share of the height that is code one sees
    printed: float  # share that is what code printed
    picture: int  # distance of the first picture from the top
    careful: int  # corrections that stand open
    folds: int
    open: int  # cells of code that one sees
    overflow: dict[int, list[tuple[int, int]]]  # by width: how much a block lacks, and its longest line; folds open


def measured(page: Page, address: str) -> Figures:
    """Read the numbers of a page."""
    page.set_viewport_size({"width": WIDTHS[0], "height": 800})
    page.goto(address)
    page.wait_for_timeout(SETTLING)
    found = page.evaluate(READ)
    overflow = {}
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        page.wait_for_timeout(SETTLING)
        overflow[width] = [(lacks, line) for lacks, line in page.evaluate(OVERFLOWING)]
    whole = {name: round(found[name]) for name in ("height", "picture", "careful", "folds", "open")}
    return Figures(code=found["code"], printed=found["printed"], overflow=overflow, **whole)


def measure(browser: Browser, site: Path, names: list[str]) -> dict[str, Figures]:
    """Read the numbers of some pages of a site."""
    with served(site) as address:
        page = browser.new_page()
        figures = {name: measured(page, address + name) for name in names}
        page.close()
    return figures


def row(name: str, figures: Figures) -> str:
    """One line of the table."""
    overflow = " / ".join(str(len(figures.overflow[width])) for width in WIDTHS)
    return (
        f"{name:34}{figures.height:9,}{figures.code:7.2f}{figures.code + figures.printed:9.2f}"
        f"{figures.picture:9,}{figures.careful:9}{figures.open:7}{figures.folds:7}   {overflow}"
    )


def main(arguments: list[str] | None = None) -> int:
    """Print a table of all lessons."""
    parser = argparse.ArgumentParser(prog="python -m tools.site.measure", description=__doc__)
    parser.add_argument("site", nargs="?", type=Path, default=ROOT / "_build" / "html")
    site = parser.parse_args(arguments).site
    program = find_chromium()
    if program is None or not (site / "index.html").is_file():
        print(f"There is no Chromium, or no site in {site}: `make book` builds it.", file=sys.stderr)
        return 1
    names = [f"notebooks/{path.stem}.html" for path in lesson_paths()]
    with chromium(program) as browser:
        found = measure(browser, site, [name for name in names if (site / name).is_file()])
    widths = " / ".join(map(str, WIDTHS))
    heads = f"{'page':34}{'height':>9}{'code':>7}{'+output':>9}{'picture':>9}{'careful':>9}{'open':>7}{'folds':>7}"
    print(f"{heads}   overflow at {widths}")
    for name, figures in found.items():
        print(row(Path(name).stem, figures))
    return 0


if __name__ == "__main__":
    sys.exit(main())
