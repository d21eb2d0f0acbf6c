"""Writing files so that nobody ever sees half of one."""

from __future__ import annotations

from pathlib import Path


def write_atomically(path: Path, text: str) -> None:
    """Replace the file in one step: a reader sees the old lesson or the new one, never half of it."""
    scratch = path.with_suffix(".tmp")
    scratch.write_text(text, encoding="utf-8", newline="\n")
    scratch.replace(path)
