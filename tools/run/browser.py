"""Where this machine's browser is."""

from __future__ import annotations

import os
import shutil

# On Linux by name, on macOS where applications lie.
BROWSERS = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)


def find_chromium() -> str | None:
    """The browser's program; CHROMIUM names one."""
    found = (shutil.which(name) for name in BROWSERS)
    return os.environ.get("CHROMIUM") or next((program for program in found if program), None)
