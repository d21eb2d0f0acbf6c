"""Files of entries: what is understood, and what is said of the rest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tools.lesson.entries import EntryError, entries_of, read_toml

KINDS = {"name": str, "size": int, "seen": bool}


def read(path: Path, text: str) -> list[dict[str, Any]]:
    path.write_text(text, encoding="utf-8")
    return entries_of(read_toml(path), path.name, "thing", KINDS, frozenset({"seen"}), frozenset({"note"}))


def test_entries_come_in_their_order(tmp_path: Path) -> None:
    text = 'note = 1\n[[thing]]\nname = "b"\nsize = 1\n[[thing]]\nname = "a"\nsize = 2\nseen = false\n'
    assert read(tmp_path / "it.toml", text) == [{"name": "b", "size": 1}, {"name": "a", "size": 2, "seen": False}]
    assert read(tmp_path / "it.toml", "") == []


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[[thing]", "it.toml is not valid TOML"),
        ("[[things]]", r"it.toml: unknown table \['things'\]; only \[\[thing\]\] entries belong here"),
        ('[[thing]]\nname = "a"', "it.toml, entry 1: size is missing"),
        ('[[thing]]\nname = "a"\nsize = 1\nseem = true', r"unknown key \['seem'\]; an entry has name, size, seen"),
        ('[[thing]]\nname = "a"\nsize = 1\n[[thing]]\nname = "b"\nsize = "1"', "entry 2: size must be int, not '1'"),
        ('[[thing]]\nname = "a"\nsize = true', "size must be int, not True"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(EntryError, match=says):
        read(tmp_path / "it.toml", text)


def test_a_missing_file_says_what_it_is_needed_for(tmp_path: Path) -> None:
    with pytest.raises(EntryError, match="there is no it.toml; every lesson needs one"):
        read_toml(tmp_path / "it.toml", "every lesson needs one")
