"""The public address of the book's source, and the buttons that depend on it."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.config import Config

# The theme knows the page layout of these forges only.
FORGES = ("github", "gitlab", "bitbucket")
ADDRESS = re.compile(
    r"(?:https://(?:[^@/]+@)?|ssh://(?:[^@/]+@)?|[\w.-]+@)"  # a login before the host is dropped
    r"(?P<host>[\w-]+(?:\.[\w-]+)+)(?::\d+(?=/))?[:/]"
    r"(?P<path>[\w.~-]+(?:/[\w.~-]+)+)/?"
)


def public_address(remote: str) -> str | None:
    """Turn a git remote into ``https://host/owner/name``; None for local paths and unknown hosts."""
    match = ADDRESS.fullmatch(remote.strip())
    if match is None or not any(forge in match["host"] for forge in FORGES):
        return None
    return f"https://{match['host']}/{match['path'].removesuffix('.git')}"


def find_repository(environ: Mapping[str, str], folder: Path) -> str | None:
    """Look up the repository: BOOK_REPOSITORY_URL, then the CI's variables, then the git remote `origin`."""
    if environ.get("BOOK_REPOSITORY_URL"):
        return public_address(environ["BOOK_REPOSITORY_URL"])
    if environ.get("GITHUB_REPOSITORY"):
        server = environ.get("GITHUB_SERVER_URL", "https://github.com")
        return public_address(f"{server}/{environ['GITHUB_REPOSITORY']}")
    try:
        remote = subprocess.run(
            ["git", "remote", "get-url", "origin"], cwd=folder, capture_output=True, text=True, check=True
        ).stdout
    except (OSError, subprocess.CalledProcessError):  # no git, no repository, or no remote of that name
        return None
    return public_address(remote)


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
    config.html_theme_options = options


def setup(app: Sphinx) -> None:
    """Register the configuration value and the hook."""
    # "env": a changed address reads the pages again, because notes in them link to it.
    app.add_config_value("vitbook_repository", "", "env", str)
    app.connect("config-inited", configure, priority=10)
