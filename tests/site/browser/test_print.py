"""What is printed is black on white, whatever the screen shows; a lesson in short fits two sheets."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.site.browser.window import LESSONS, OTHERS, OpenWindow, page_name
from tools.lesson.read import lesson_paths
from tools.site.weight import SETTLING

A4 = {"format": "A4", "margin": dict.fromkeys(("top", "bottom", "left", "right"), "12mm")}
# Every element that holds words and shows: its contrast with the paper below, and how light that paper is.
PALE = """() => {
    const parse = (text) => (text.match(/[\\d.]+/g) || []).map(Number);
    const share = (value) => (value /= 255, value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
    const light = ([r, g, b]) => 0.2126 * share(r) + 0.7152 * share(g) + 0.0722 * share(b);
    const paper = (element) => {
        for (; element; element = element.parentElement) {
            const [r, g, b, a = 1] = parse(getComputedStyle(element).backgroundColor);
            if (a > 0.5) return [r, g, b];
        }
        return [255, 255, 255];
    };
    const found = {};
    for (const element of document.querySelectorAll("main *")) {
        const words = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
        const box = element.getBoundingClientRect();
        if (!words || !box.width || !box.height || element.closest("svg")) continue;
        const under = light(paper(element)), ink = light(parse(getComputedStyle(element).color));
        const contrast = (Math.max(under, ink) + 0.05) / (Math.min(under, ink) + 0.05);
        if (contrast < 7 || under < 0.9) {
            const kind = `${element.tagName}.${element.className}: ${contrast.toFixed(1)} on ${under.toFixed(2)}`;
            found[kind] = element.textContent.slice(0, 40);
        }
    }
    return found;
}"""
FILTERED = """() => [...document.querySelectorAll("main img")]
    .filter((image) => getComputedStyle(image).filter !== "none").map((image) => image.src)"""


@pytest.mark.parametrize("name", [*LESSONS, *(name for name in OTHERS if name != "404.html")], ids=page_name)
def test_print_from_dark_mode_is_black_on_white(visit: OpenWindow, name: str) -> None:
    page = visit(794, "dark").go(name)
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    assert page.evaluate(PALE) != {}, "on the screen it is dark, so the measure sees something"
    page.emulate_media(media="print", color_scheme="dark")
    page.wait_for_timeout(SETTLING)  # colours fade
    page.evaluate("document.querySelectorAll('details').forEach((fold) => (fold.open = true))")
    assert page.evaluate(PALE) == {}
    assert page.evaluate("getComputedStyle(document.documentElement).colorScheme") == "light"
    assert page.evaluate(FILTERED) == [], "pictures are printed as they are"


@pytest.mark.parametrize("path", lesson_paths(), ids=lambda path: path.stem)
@pytest.mark.parametrize("mode", ["light", "dark"])
def test_a_lesson_in_short_prints_on_two_sheets(visit: OpenWindow, path: Path, mode: str) -> None:
    page = visit(1280, mode).go(f"book/cram_{int(path.stem[:2])}.html")
    pdf = page.pdf(**A4)
    assert pdf.count(b"/Type /Page\n") + pdf.count(b"/Type /Page/") <= 2
