"""Where the book's source is published, as far as its folder and the environment tell. The only place that asks git."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

# The theme knows the page layout of these forges. A host that merely contains such a name is another's.
FORGES = ("github.com", "gitlab.com", "bitbucket.org")
ADDRESS = re.compile(
    r"(?:https://(?:[^@/]+@)?|ssh://(?:[^@/]+@)?|[\w.-]+@)"  # a login before the host is dropped
    r"(?P<host>[\w.-]+)(?::\d+(?=/))?[:/]"
    r"(?P<path>[\w.~-]+(?:/[\w.~-]+)+)/?"
)


def public_address(remote: str) -> str | None:
    """Turn a git remote into ``https://host/owner/name``; None for local paths, aliases and unknown hosts."""
    match = ADDRESS.fullmatch(remote.strip())
    if match is None or match["host"].lower() not in FORGES:
        return None
    path = match["path"].removesuffix(".git")
    if match["host"].lower() != "gitlab.com" and path.count("/") != 1:  # GitLab has groups within groups
        return None
    return f"https://{match['host'].lower()}/{path}"


def find_repository(environ: Mapping[str, str], folder: Path) -> str | None:
    """Look up the repository: BOOK_REPOSITORY_URL, then the CI's variables, then the git remote `origin`."""
    if environ.get("BOOK_REPOSITORY_URL"):
        return public_address(environ["BOOK_REPOSITORY_URL"])
    if environ.get("GITHUB_REPOSITORY"):
        server = environ.get("GITHUB_SERVER_URL", "https://github.com")
        return public_address(f"{server}/{environ['GITHUB_REPOSITORY']}")
    top = ask_git(folder, "rev-parse", "--show-toplevel")
    if top is None or not folder.is_dir() or Path(top).resolve() != folder.resolve():
        return None  # no repository, or one in which this folder merely lies, as an unpacked archive does
    return public_address(ask_git(folder, "config", "--local", "--get", "remote.origin.url") or "")


def ask_git(folder: Path, *question: str) -> str | None:
    """What git says about a folder, whoever owns it; None where there is no git or no answer."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    environment |= {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull}  # no user's settings
    # "Dubious ownership" guards against hooks, of which these questions run none.
    command = ["git", "-c", "safe.directory=*", "-C", str(folder), *question]
    try:
        answer = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return None
    return answer.strip() or None
