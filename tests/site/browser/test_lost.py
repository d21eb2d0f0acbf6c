"""The page for wrong addresses, served at any depth, in a site that lies anywhere."""

from __future__ import annotations

import http.server
import shutil
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.site.browser.window import playwright


class Handler(http.server.SimpleHTTPRequestHandler):
    """Answer wrong addresses with 404.html, as the hosts of static sites do."""

    site: Path

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Send the page."""
        content = (self.site / "404.html").read_bytes()
        self.send_response(code)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


@pytest.fixture(params=["", "some/where/"], ids=["at the root", "in a folder"])
def root(request: pytest.FixtureRequest, book, tmp_path: Path) -> Iterator[str]:
    """The small book, whose address nobody knows, on a host of its own or below another's."""
    shutil.copytree(book.folder, tmp_path / request.param, dirs_exist_ok=True)
    Handler.site = tmp_path / request.param
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(tmp_path))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/{request.param}"
        server.shutdown()


@pytest.mark.parametrize("wrong", ["nothing.html", "notebooks/nothing.html", "a/b/c/nothing"])
def test_its_links_lead_into_the_book(browser: playwright.Browser, root: str, wrong: str) -> None:
    page = browser.new_page()
    answer = page.goto(root + wrong)
    assert answer is not None and answer.status == 404
    page.wait_for_load_state("networkidle")
    links = [link.evaluate("link => link.href") for link in page.get_by_role("link").all()]
    assert links == [f"{root}book/questions.html", f"{root}book/index.html"]
    page.get_by_role("link", name="question index").click()
    page.wait_for_url(f"{root}book/questions.html")
    assert page.locator(".question-row").count() > 0
    page.close()
