"""Where the finished site is."""

from __future__ import annotations

import os
from pathlib import Path

from tools.lesson.read import ROOT


def site_folder() -> Path:
    """The usual folder, or the one that BOOK_SITE names; it need not exist."""
    return Path(os.environ.get("BOOK_SITE", ROOT / "_build" / "html"))
