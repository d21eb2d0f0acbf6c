"""Cells of tables: figures keep together, sentences get room."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("28.3 M", "figures"),
        ("2, 2, 18, 2", "figures"),
        ("224 px", "figures"),
        ("1,025 × 768", "figures"),
        ("Swin-T", None),
        ("12 heads of width 64", None),
        ("Table 6", None),
        ("shift windows without drifting, and mask what should not meet", "words"),
        ("", None),
    ],
)
def test_cells_are_told_apart(text: str, kind: str | None) -> None:
    from vitbook.tables import kind_of

    assert kind_of(text) == kind
