"""Files of entries, such as `[[mutant]]`, in TOML: read in one way, refused in one sentence."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any


class EntryError(ValueError):
    """A file, an entry or what it is about that cannot be used; the message says how to mend it."""


def read_toml(path: Path, needed_for: str = "restore it with `git checkout`") -> dict[str, Any]:
    """The content of a file; EntryError when there is none, which then says what the file is needed for."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise EntryError(f"there is no {path.name}; {needed_for}") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise EntryError(f"{path.name} is not valid TOML: {error}") from None


def entries_of(
    content: Mapping[str, Any],
    file: str,
    table: str,
    kinds: Mapping[str, type],
    optional: frozenset[str] = frozenset(),
    beside: frozenset[str] = frozenset(),
) -> list[dict[str, Any]]:
    """The `[[table]]` entries of a file, in its order; EntryError unless each has the keys, of these kinds.

    `beside` are keys that the file may have beside its entries.
    """
    if unknown := content.keys() - {table} - beside:
        raise EntryError(f"{file}: unknown table {sorted(unknown)}; only [[{table}]] entries belong here")
    entries = content.get(table, [])
    for number, entry in enumerate(entries, 1):
        where = f"{file}, entry {number}"
        if unknown := entry.keys() - kinds.keys():
            raise EntryError(f"{where}: unknown key {sorted(unknown)}; an entry has {', '.join(kinds)}")
        if missing := kinds.keys() - optional - entry.keys():
            raise EntryError(f"{where}: {', '.join(sorted(missing))} is missing")
        for key, value in entry.items():
            if type(value) is not kinds[key]:
                raise EntryError(f"{where}: {key} must be {kinds[key].__name__}, not {value!r}")
    return entries
