"""Every width and mode of a page, looked at without loading it again: axe, and nothing wider than the screen."""

from __future__ import annotations

import pytest

from tests.site.browser.window import Visit, playwright

axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is missing: see tests/requirements.txt")

WIDTHS = (360, 768, 1280)
MODES = ("light", "dark")
AXE_OPTIONS = {"resultTypes": ["violations"], "preload": False}
# On a phone code is folded twice: by its cell, and by the width. Opened there, it is open everywhere.
UNFOLD = """() => {
    document.querySelectorAll("article details").forEach((fold) => (fold.open = true));
    document.querySelectorAll(".show-code").forEach((button) => button.offsetParent && button.click());
}"""
# A lesson has thousands of coloured words, and axe looks at the contrast of each: of every kind, three are enough.
THIN_OUT_CODE = """() => {
    const seen = {};
    for (const word of [...document.querySelectorAll("pre span[class]")]) {
        const kind = word.className + " " + (word.closest(".cell_output") ? "output" : "input");
        seen[kind] = (seen[kind] || 0) + 1;
        if (seen[kind] > 3) word.replaceWith(word.textContent);
    }
    document.querySelectorAll("pre").forEach((code) => code.normalize());
}"""


def faults(window: Visit, themed: bool = True) -> list[str]:
    """What is wrong with the page shown in this window, at any width, in any mode, folded or open."""
    found = []
    for width in WIDTHS:
        found += too_wide(window.show(width, "light"), f"{width} px", "the page")
    page = window.show(WIDTHS[0], "light")
    if page.locator("article details").count():
        page.evaluate(UNFOLD)
        for width in WIDTHS:
            found += too_wide(window.show(width, "light"), f"{width} px", "an open cell")
        page.evaluate(THIN_OUT_CODE)
    for width in WIDTHS:
        for mode in MODES:
            window.show(width, mode)
            where = f"{width} px, {mode}"
            if themed and (shown := page.evaluate("document.documentElement.dataset.theme")) != mode:
                found.append(f"{where}: the theme shows itself {shown}")
            found += too_wide(page, where, "something")
            for each in axe.Axe().run(page, options=AXE_OPTIONS).response["violations"]:
                targets = [node["target"] for node in each["nodes"]][:3]
                found.append(f"{where}: {each['id']}, {each['help']}: {targets}")
    return found


def too_wide(page: playwright.Page, where: str, what: str) -> list[str]:
    """Whether the page scrolls sideways."""
    wide = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    return [f"{where}: {what} is {wide[0]} px wide"] if wide[0] > wide[1] else []
