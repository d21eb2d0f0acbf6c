"""Where the buttons lead."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest

from tools.site.repository import find_repository, public_address


@pytest.mark.parametrize(
    ("remote", "address"),
    [
        ("https://github.com/org/book", "https://github.com/org/book"),
        ("https://github.com/org/book.git", "https://github.com/org/book"),
        ("https://token:x@github.com/org/book.git/", "https://github.com/org/book"),
        ("git@github.com:org/book.git", "https://github.com/org/book"),
        ("ssh://git@github.com:22/org/book.git", "https://github.com/org/book"),
        ("ssh://git@gitlab.com/group/sub/book", "https://gitlab.com/group/sub/book"),
        ("https://GitHub.com/org/book", "https://github.com/org/book"),
        ("https://github.example.edu/org/book", None),  # a host that contains a forge's name is another's
        ("https://notgithub.com/org/book", None),
        ("https://github.com.example.org/org/book", None),
        ("git@github.com-work:org/book.git", None),  # an alias of somebody's ssh settings
        ("work:org/book.git", None),
        ("gh:org/book", None),
        ("https://github.com/org/book/tree/main", None),
        ("https://gitlab.com/group/sub/book", "https://gitlab.com/group/sub/book"),
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
    assert public_address(remote) == address


def repository(folder: Path, remote: str = "git@github.com:a/remote.git") -> Path:
    """A git repository with a remote."""
    subprocess.run(["git", "init", "-q", str(folder)], check=True)
    subprocess.run(["git", "remote", "add", "origin", remote], cwd=folder, check=True)
    return folder


def test_the_environment_comes_before_the_remote(tmp_path: Path):
    assert find_repository({}, tmp_path) is None, "no repository"
    repository(tmp_path)
    assert find_repository({}, tmp_path) == "https://github.com/a/remote"
    ci = {"GITHUB_SERVER_URL": "https://github.com", "GITHUB_REPOSITORY": "a/ci"}
    assert find_repository(ci, tmp_path) == "https://github.com/a/ci"
    assert find_repository(ci | {"BOOK_REPOSITORY_URL": "https://github.com/a/named"}, tmp_path).endswith("/a/named")


def test_an_archive_inside_another_repository_has_no_remote(tmp_path: Path):
    archive = repository(tmp_path) / "downloads" / "book"
    archive.mkdir(parents=True)
    assert find_repository({}, archive) is None
    assert find_repository({}, tmp_path / "nowhere") is None


def test_a_repository_without_remote_has_no_address(tmp_path: Path):
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    assert find_repository({}, tmp_path) is None


def test_a_way_round_to_the_folder_does_not_matter(tmp_path: Path):
    repository(tmp_path / "real")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert find_repository({}, tmp_path / "link") == "https://github.com/a/remote"


def test_another_owners_clone_and_settings_of_ones_own_change_nothing(monkeypatch, tmp_path: Path):
    home = tmp_path / "home"
    home.mkdir()
    (home / ".gitconfig").write_text('[url "https://mirror.example.org/"]\n    insteadOf = git@github.com:\n')
    git = shutil.which("git")
    (home / "git").write_text(f'#!/bin/sh\nGIT_TEST_ASSUME_DIFFERENT_OWNER=1 exec {git} "$@"\n')
    (home / "git").chmod(0o755)
    book, other = repository(tmp_path / "book"), repository(tmp_path / "other", "git@github.com:not/this.git")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("PATH", f"{home}:{os.environ['PATH']}")
    refused = subprocess.run(["git", "status"], cwd=book, capture_output=True, text=True, check=False)
    assert "dubious ownership" in refused.stderr
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))  # as within a hook
    assert find_repository({}, book) == "https://github.com/a/remote"


def test_without_git_there_is_no_address(monkeypatch, tmp_path: Path):
    repository(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_repository({}, tmp_path) is None


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
