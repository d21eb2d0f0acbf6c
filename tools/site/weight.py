"""What a page of the finished site weighs: the compressed bytes that a browser loads for it."""

from __future__ import annotations

import gzip
import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from tools.run.browser import find_chromium

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Response

SETTLING = 400  # milliseconds; the theme makes scrolling boxes reachable a moment after loading


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    """Serve files without a line for each."""

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


@contextmanager
def served(site: Path) -> Iterator[str]:
    """Serve the site on this machine, on a free port; gives its address."""
    handler = partial(QuietHandler, directory=str(site))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()


@contextmanager
def chromium(program: str) -> Iterator[Browser]:
    """Chromium, without a window."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as engine:
        browser = engine.chromium.launch(
            executable_path=program, args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        )
        yield browser
        browser.close()


def note_address(addresses: list[str], response: Response) -> None:
    """Remember what was loaded."""
    addresses.append(response.url)


def compressed(site: Path, addresses: list[str], root: str) -> int:
    """The bytes of these files of the site, each once, as a server would compress them."""
    names = {address.removeprefix(root).split("?")[0] for address in addresses}
    return sum(len(gzip.compress((site / name).read_bytes(), 6)) for name in names)


def read_to_the_end(page: Page) -> None:
    """Scroll through the page, so that everything in it is loaded."""
    height = page.evaluate("document.documentElement.scrollHeight")
    for top in range(0, height, 1500):
        page.evaluate(f"scrollTo(0, {top})")
        page.wait_for_timeout(15)
    page.wait_for_load_state("networkidle")


def weigh(site: Path, names: list[str]) -> dict[str, tuple[int, int]] | None:
    """Of each page, kB before scrolling and in all, on a phone; None where there is no Chromium."""
    program = find_chromium()
    if program is None:
        return None
    weights = {}
    with served(site) as address, chromium(program) as browser:
        for name in names:
            context = browser.new_context(viewport={"width": 360, "height": 800})
            page = context.new_page()
            loaded: list[str] = []
            page.on("response", partial(note_address, loaded))
            page.goto(address + name)
            page.wait_for_timeout(SETTLING)
            first = compressed(site, loaded, address)
            read_to_the_end(page)
            weights[name] = (round(first / 1000), round(compressed(site, loaded, address) / 1000))
            context.close()
    return weights
