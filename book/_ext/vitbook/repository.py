"""The buttons that need the public address of the book's source."""

from __future__ import annotations

import os
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from tools.site.repository import find_repository

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.config import Config


def colab_link(repository: str, branch: str, docname: str) -> str | None:
    """Return the address that opens a notebook in Colab; Colab reads public GitHub repositories only."""
    prefix = "https://github.com/"
    if not repository.startswith(prefix):
        return None
    return f"https://colab.research.google.com/github/{repository.removeprefix(prefix)}/blob/{quote(branch)}/{docname}.ipynb"


def configure(app: Sphinx, config: Config) -> None:
    """Give the theme the repository's address, or take away every button that would need one."""
    url = find_repository(os.environ, Path(app.srcdir)) or ""
    config.vitbook_repository = url
    options = dict(config.html_theme_options)
    options["repository_url"] = url
    options["use_repository_button"] = options["use_source_button"] = bool(url)
    options["use_issues_button"] = bool(url) and "bitbucket" not in url
    if colab_link(url, "main", "") is None:
        options["launch_buttons"] = {}
    if url:
        options["extra_footer"] = f'{options.get("extra_footer", "")} <a href="{escape(url)}">Source and authors</a>'
    config.html_theme_options = options


def setup(app: Sphinx) -> None:
    """Register the configuration value and the hook."""
    # "env": a changed address reads the pages again, because notes in them link to it.
    app.add_config_value("vitbook_repository", "", "env", str)
    app.connect("config-inited", configure, priority=10)
