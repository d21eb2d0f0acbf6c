"""What search engines and lost readers need: the site's own address, a sitemap, and a page for wrong addresses."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.config import Config

# A page of its own, without style sheets: whoever sees it may be at any depth below the site's root.
NOT_FOUND = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="description" content="There is no page at this address; the question index lists all that there is.">
<link rel="icon" href="data:,">
<title>No such page — {title}</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ max-width: 34rem; margin: 15vh auto; padding: 0 1.25rem; font: 1.0625rem/1.65 system-ui, sans-serif; }}
body {{ background: #fff; color: #1d2529; --link: #0b5c87; }}
@media (prefers-color-scheme: dark) {{ body {{ background: #15191c; color: #dde3e6; --link: #7fc3ec; }} }}
a {{ color: var(--link); }}
</style>
</head>
<body>
<main>
<h1>There is no page at this address</h1>
<p>It may have moved. The <a href="{root}book/questions.html">question index</a> lists all that the book answers, and
the <a href="{root}book/index.html">first page</a> all lessons.</p>
</main>
<script>
// Where the site's address is not known, the page looks for its root: from the folder of the wrong address upwards.
(async () => {{
  const links = [...document.links].filter((link) => !/^https?:/.test(link.getAttribute("href")));
  for (let root = new URL(".", location); links.length; root = new URL("..", root)) {{
    const there = await fetch(new URL(links[0].getAttribute("href"), root), {{ method: "HEAD" }}).catch(() => ({{}}));
    if (there.ok) return links.forEach((link) => (link.href = new URL(link.getAttribute("href"), root)));
    if (root.pathname === "/") return;
  }}
}})();
</script>
</body>
</html>
"""
UNLISTED = {"404", "search", "genindex"}


def site_address(environ: Mapping[str, str], repository: str) -> str:
    """Return where the site is published, with a slash at its end: BOOK_SITE_URL, or GitHub's pages; "" if unknown."""
    if named := environ.get("BOOK_SITE_URL", "").strip():
        if not re.fullmatch(r"https?://[^\s?#]+", named):
            raise ValueError(f"BOOK_SITE_URL = {named!r} is no address; https://example.org/book/ would fit")
        return named.rstrip("/") + "/"
    match = re.fullmatch(r"https://github\.com/([^/]+)/([^/]+)", repository)
    if match is None:
        return ""
    owner, name = match[1].lower(), match[2]
    home = f"{owner}.github.io"
    return f"https://{home}/" if name.lower() == home else f"https://{home}/{name}/"


def sitemap(address: str, pages: list[str]) -> str:
    """Return the sitemap of some pages (https://www.sitemaps.org/protocol.html)."""
    places = "".join(f"<url><loc>{escape(address + page)}</loc></url>\n" for page in pages)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n{places}</urlset>\n'
    )


def configure(app: Sphinx, config: Config) -> None:
    """Tell Sphinx the address, which it names on every page as the one that counts."""
    config.html_baseurl = site_address(os.environ, config.vitbook_repository)


def write(app: Sphinx, error: Exception | None) -> None:
    """Write the page for wrong addresses, and the sitemap where the address is known."""
    if error is not None or app.builder.format != "html":
        return
    folder, address = Path(app.outdir), app.config.html_baseurl
    page = NOT_FOUND.format(title=escape(app.config.html_title), root=escape(address))
    (folder / "404.html").write_text(page, encoding="utf-8")
    if address:
        pages = sorted(f"{name}.html" for name in app.env.found_docs if name not in UNLISTED)
        (folder / "sitemap.xml").write_text(sitemap(address, pages), encoding="utf-8")
        (folder / "robots.txt").write_text(
            f"User-agent: *\nAllow: /\nSitemap: {address}sitemap.xml\n", encoding="utf-8"
        )


def setup(app: Sphinx) -> None:
    """Register the hooks."""
    app.connect("config-inited", configure, priority=20)  # after the repository is known
    app.connect("build-finished", write)
