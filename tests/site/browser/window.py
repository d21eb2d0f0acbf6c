"""A page of the site in a browser window of its own, and what went wrong in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.shared.site import site_folder
from tools.lesson.read import lesson_paths
from tools.site.weight import SETTLING

playwright = pytest.importorskip(
    "playwright.sync_api", reason="Playwright is missing: pip install -r tests/requirements.txt"
)

WIDTHS = (360, 1280)


def other_pages(site: Path) -> Iterator[str]:
    """Every page of the site that is no lesson, in a form that shows something; none where there is no site.

    The one at the root only leads to the landing page.
    """
    for path in sorted(site.rglob("*.html")):
        name = path.relative_to(site).as_posix()
        if name != "index.html" and not name.startswith(("notebooks/", "_static/")):
            yield f"{name}?q=patch" if name == "search.html" else name


LESSONS = tuple(f"notebooks/{path.stem}.html" for path in lesson_paths())
LESSON = LESSONS[0]  # where one lesson stands for all: what is tried is the site's, not the lesson's
OTHERS = tuple(other_pages(site_folder()))


def page_name(name: str) -> str:
    """A page's file name without folder and ending, to tell the tests apart."""
    return name.split("/")[-1].split(".")[0]


class Visit:
    """A page in a window of its own, and what went wrong while it loaded."""

    def __init__(self, browser: playwright.Browser, address: str, width: int = 1280, mode: str = "light") -> None:
        """Open an empty window."""
        self.context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=mode)
        self.address = address
        self.complaints: list[str] = []
        self.loaded: list[str] = []
        self.page = self.context.new_page()
        self.page.on("console", self.note_message)
        self.page.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))
        self.page.on("request", self.note_request)
        self.page.on("response", self.note_response)

    def note_message(self, message: playwright.ConsoleMessage) -> None:
        """Keep what a page says on the console, if it matters."""
        if message.type in {"error", "warning"}:
            self.complaints.append(f"{message.type}: {message.text}")

    def note_request(self, request: playwright.Request) -> None:
        """The site asks no other host for anything."""
        if not request.url.startswith((self.address, "data:")):
            self.complaints.append(f"asks another host for {request.url}")

    def note_response(self, response: playwright.Response) -> None:
        """Whatever is asked for is there."""
        self.loaded.append(response.url)
        if response.status >= 400:
            self.complaints.append(f"status {response.status} for {response.url}")

    def go(self, name: str) -> playwright.Page:
        """Open a page, and wait until the theme has seen to it: it makes scrolling boxes reachable a moment later."""
        self.page.goto(self.address + name)
        self.page.wait_for_timeout(SETTLING)
        return self.page

    def show(self, width: int, mode: str) -> playwright.Page:
        """Make the window this wide, and the reader's wish this mode, without loading the page again."""
        self.page.set_viewport_size({"width": width, "height": 800})
        self.page.emulate_media(color_scheme=mode)
        self.page.wait_for_timeout(SETTLING)
        return self.page


OpenWindow = Callable[..., Visit]
