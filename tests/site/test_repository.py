"""Where the buttons lead."""

from __future__ import annotations

import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest


@pytest.mark.parametrize(
    ("remote", "address"),
    [
        ("https://github.com/org/book", "https://github.com/org/book"),
        ("https://github.com/org/book.git", "https://github.com/org/book"),
        ("https://token:x@github.com/org/book.git/", "https://github.com/org/book"),
        ("git@github.com:org/book.git", "https://github.com/org/book"),
        ("ssh://git@github.com:22/org/book.git", "https://github.com/org/book"),
        ("ssh://git@gitlab.com/group/sub/book", "https://gitlab.com/group/sub/book"),
        ("https://github.example.edu/org/book", "https://github.example.edu/org/book"),
        ("https://git.example.org/org/book", None),  # a forge that the theme does not know
        ("/srv/git/book.git", None),
        ("../book", None),
        ("file:///srv/github.com/book", None),
        ("C:\\github\\book", None),
        ("http://127.0.0.1/org/book", None),
        ("git@localhost:org/book", None),
        ("https://github.com/org", None),
        ("", None),
    ],
)
def test_addresses(remote: str, address: str | None):
    from vitbook.repository import public_address

    assert public_address(remote) == address


def test_the_environment_comes_before_the_remote(tmp_path: Path):
    from vitbook.repository import find_repository

    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    assert find_repository({}, tmp_path) is None, "no remote"
    subprocess.run(["git", "remote", "add", "origin", "git@github.com:a/remote.git"], cwd=tmp_path, check=True)
    assert find_repository({}, tmp_path) == "https://github.com/a/remote"
    ci = {"GITHUB_SERVER_URL": "https://github.com", "GITHUB_REPOSITORY": "a/ci"}
    assert find_repository(ci, tmp_path) == "https://github.com/a/ci"
    assert find_repository(ci | {"BOOK_REPOSITORY_URL": "https://github.com/a/named"}, tmp_path).endswith("/a/named")


@pytest.mark.parametrize(
    ("url", "buttons", "launch"),
    [("https://github.com/a/b", True, True), ("https://gitlab.com/a/b", True, False), ("/srv/b.git", False, False)],
)
def test_buttons_need_an_address(monkeypatch, tmp_path: Path, url: str, buttons: bool, launch: bool):
    from vitbook.repository import configure

    monkeypatch.setenv("BOOK_REPOSITORY_URL", url)
    config = SimpleNamespace(html_theme_options={"launch_buttons": {"colab_url": "x"}, "toc_title": "t"})
    configure(SimpleNamespace(srcdir=tmp_path), config)
    options = config.html_theme_options
    assert options["use_repository_button"] is options["use_source_button"] is options["use_issues_button"] is buttons
    assert bool(options["launch_buttons"]) is launch
    assert options["repository_url"] == config.vitbook_repository == (url if buttons else "")
    assert options["toc_title"] == "t"
