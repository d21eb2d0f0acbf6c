"""The pages in Chromium load little, and nothing moves while they do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.site.browser.window import LESSONS, WIDTHS, OpenWindow, page_name, playwright
from tools.site.weight import compressed, read_to_the_end


def layout_shift(page: playwright.Page) -> float:
    """How much has moved since the page began to load; 0.1 is called good."""
    return page.evaluate(
        """() => new Promise((done) => {
            let sum = 0;
            new PerformanceObserver((list) => list.getEntries().forEach((entry) => (sum += entry.value)))
                .observe({ type: "layout-shift", buffered: true });
            setTimeout(() => done(sum), 300);
        })"""
    )


@pytest.mark.parametrize(
    "name", [*LESSONS, "book/index.html", "book/questions.html", "book/corrections.html"], ids=page_name
)
@pytest.mark.parametrize("width", WIDTHS)
def test_pages_are_light_and_nothing_moves(
    visit: OpenWindow, site: Path, name: str, width: int, record_property: Callable[[str, object], None]
) -> None:
    window = visit(width)
    page = window.go(name)
    shift, start = layout_shift(page), compressed(site, window.loaded, window.address)
    read_to_the_end(page)
    whole = compressed(site, window.loaded, window.address)
    record_property(
        "weight", f"{page_name(name):32}{width:6} px{start / 1000:8.0f} kB{whole / 1000:8.0f} kB{shift:8.3f}"
    )
    assert start <= 1_000_000, "too much before scrolling"
    assert whole <= 3_000_000, "too much in all"
    assert shift < 0.05, "something moves while the page loads"
