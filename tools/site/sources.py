"""What the pages are made of: a copy of it, and a checksum of all that decides how they look."""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
from collections.abc import Iterator
from pathlib import Path

from tools.site.generated import write_cram_pages
from tools.site.repository import find_repository

# What the pages are made of, and what lies beside them and is not.
SOURCES = ("_config.yml", "_toc.yml", "book", "notebooks", "tools")
NOISE = ("__pycache__", ".ipynb_checkpoints")


def mutants(root: Path) -> list[Path]:
    """The files from which a lesson's page says what makes its proofs fail."""
    return sorted((root / "tests" / "mutants").glob("*.toml"))


def input_files(root: Path) -> Iterator[Path]:
    """Every file that the site is made of or made by."""
    for name in ("_config.yml", "_toc.yml", "requirements.txt", "constraints.txt"):
        yield root / name
    yield from mutants(root)
    for folder in ("notebooks", "book", "tools"):
        for path in sorted((root / folder).rglob("*")):
            if path.is_file() and not set(NOISE).intersection(path.parts):
                yield path


def addresses(root: Path) -> dict[str, str]:
    """Where source and site are published, by the variables that the pages' extension reads; empty where unknown."""
    return {
        "BOOK_REPOSITORY_URL": find_repository(os.environ, root) or "",
        "BOOK_SITE_URL": os.environ.get("BOOK_SITE_URL", ""),
    }


def fingerprint(root: Path) -> str:
    """A checksum of everything the site depends on."""
    digest = hashlib.sha256(platform.python_version().encode())
    for path in input_files(root):
        content = path.read_bytes() if path.is_file() else b""
        digest.update(f"\n{path.relative_to(root)} {len(content)}\n".encode() + content)
    for variable, value in addresses(root).items():
        digest.update(f"\n{variable}={value}".encode())
    return digest.hexdigest() + "\n"


def copied_sources(root: Path, target: Path) -> Path:
    """A copy of just the book's files: Sphinx would also read a Markdown file that happens to lie beside them."""
    for name in SOURCES:
        source = root / name
        if source.is_dir():
            shutil.copytree(source, target / name, ignore=shutil.ignore_patterns(*NOISE))
        elif source.is_file():
            target.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target / name)
        else:
            raise ValueError(f"{name} is missing; restore it with `git checkout -- {name}`")
    for path in mutants(root):
        (target / "tests" / "mutants").mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, target / "tests" / "mutants")
    write_cram_pages(target)
    return target
