"""Every page is accessible, quiet and within the screen, on a phone, a tablet and a desk, in light and in dark."""

from __future__ import annotations

import pytest

from tests.site.browser.accessible import faults
from tests.site.browser.window import LESSONS, OTHERS, OpenWindow, page_name


@pytest.mark.parametrize("name", [*LESSONS, *OTHERS], ids=page_name)
def test_pages_are_accessible_quiet_and_fit(visit: OpenWindow, name: str) -> None:
    window = visit(width=360, mode="light")
    page = window.go(name)
    if name.startswith("search"):
        page.wait_for_selector("#search-results li")
    # Loaded once on a phone by day, once on a desk at night; before axe, which asks for style sheets itself.
    assert window.complaints == []
    wide = visit(width=1280, mode="dark")
    assert name == "404.html" or wide.go(name).evaluate("document.documentElement.dataset.theme") == "dark"
    assert wide.page.evaluate("document.documentElement.scrollWidth") <= 1280, "the page scrolls sideways"
    assert wide.complaints == []
    assert faults(window, themed=name != "404.html") == []


# Each shows in one place only, so that no width, no mode and no state may be left out.
PLANTED = """() => {
    const style = document.createElement("style");
    style.textContent = `
        .planted { color: black; background: white; }
        @media (max-width: 400px) { #only-on-a-phone { color: #bbb; } }
        @media (min-width: 500px) and (max-width: 1000px) { #only-on-a-tablet { color: #bbb; } }
        @media (min-width: 1200px) { #only-on-a-desk { color: #bbb; } }
        html[data-theme="dark"] #only-at-night { color: #bbb; }
        html[data-theme="light"] #only-by-day { color: #bbb; }
        @media (min-width: 400px) { #nameless { display: none; } }
        @media (max-width: 400px) { #wide { width: 500px; } }
        #pale { color: #bbb; }`;
    document.head.append(style);
    const article = document.querySelector("article");
    for (const name of ["only-on-a-phone", "only-on-a-tablet", "only-on-a-desk", "only-at-night", "only-by-day"]) {
        article.insertAdjacentHTML("beforeend", `<p class="planted" id="${name}">Pale words.</p>`);
    }
    article.insertAdjacentHTML("beforeend", `<p><button id="nameless"></button></p>`);
    article.insertAdjacentHTML("beforeend", `<details class="folded"><summary>Show</summary>
        <p class="planted" id="pale">Pale words.</p>
        <div class="cell"><button class="show-code" aria-expanded="false">Code</button><p id="wide">Wide</p></div>
        <img id="silent" src="data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7">
        </details>`);
}"""
EVERYWHERE = {f"{width} px, {mode}" for width in (360, 768, 1280) for mode in ("light", "dark")}


def test_a_fault_of_one_width_mode_or_fold_is_found(visit: OpenWindow) -> None:
    window = visit(width=360, mode="light")
    window.go("book/status.html").evaluate(PLANTED)
    found = faults(window)

    def places(words: str) -> set[str]:
        return {line.partition(":")[0] for line in found if words in line}

    assert places("#only-on-a-phone") == {"360 px, light", "360 px, dark"}
    assert places("#only-on-a-tablet") == {"768 px, light", "768 px, dark"}
    assert places("#only-on-a-desk") == {"1280 px, light", "1280 px, dark"}
    assert places("#only-at-night") == {"360 px, dark", "768 px, dark", "1280 px, dark"}
    assert places("#only-by-day") == {"360 px, light", "768 px, light", "1280 px, light"}
    assert places("#nameless") == {"360 px, light", "360 px, dark"}
    assert places("#pale") == places("#silent") == EVERYWHERE
    assert places("the page is") == set(), "it is the open cell that is too wide"
    assert places("an open cell is") == {"360 px"}
    assert places("something is") == {"360 px, light", "360 px, dark"}


def test_a_page_that_stays_light_at_night_is_found(visit: OpenWindow) -> None:
    window = visit(width=360, mode="light")
    page = window.go("book/status.html")
    page.evaluate("""() => new MutationObserver(() => {
        if (document.documentElement.dataset.theme !== "light") document.documentElement.dataset.theme = "light";
    }).observe(document.documentElement, { attributes: true })""")
    found = [line for line in faults(window) if "the theme shows itself light" in line]
    assert {line.partition(":")[0] for line in found} == {"360 px, dark", "768 px, dark", "1280 px, dark"}


def test_a_page_that_complains_is_found(visit: OpenWindow) -> None:
    window = visit()
    window.page.add_init_script("console.warn('careful'); fetch('nowhere.json'); setTimeout(() => { throw 'down'; })")
    window.go("book/status.html")
    told = "\n".join(window.complaints)
    assert "warning: careful" in told and "status 404" in told and "error: down" in told
