"""The finished site, served on this machine, and Chromium to look at it: one of each for a module."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tools.run.browser import find_chromium
from tools.site.weight import chromium, served

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.site.browser.window import OpenWindow, Visit


@pytest.fixture(scope="session")
def address(site: Path) -> Iterator[str]:
    """Serve the site on this machine, on a free port."""
    with served(site) as address:
        yield address


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Start Chromium once."""
    program = find_chromium()
    if program is None:
        pytest.skip("There is no Chromium: install it (apt-get install chromium) or set CHROMIUM to its path.")
    with chromium(program) as browser:
        yield browser


@pytest.fixture
def visit(browser: Browser, address: str) -> Iterator[OpenWindow]:
    """Open windows, and close them afterwards."""
    from tests.site.browser.window import Visit  # skips the test where Playwright is missing

    windows: list[Visit] = []

    def open_window(width: int = 1280, mode: str = "light") -> Visit:
        windows.append(Visit(browser, address, width, mode))
        return windows[-1]

    yield open_window
    for window in windows:
        window.context.close()
