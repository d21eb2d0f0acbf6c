"use strict";

// Sliders: their hidden frames wait for the first touch, then load together, so that no step shows an empty place.
for (const slider of document.querySelectorAll(".frame-slider")) {
  const load = () => slider.querySelectorAll("img").forEach((image) => (image.loading = "eager"));
  for (const event of ["pointerenter", "focusin", "touchstart"]) {
    slider.addEventListener(event, load, { once: true, passive: true });
  }
}
// After Back, some browsers put the thumb where it was: picture and label follow it.
addEventListener("pageshow", () => {
  for (const input of document.querySelectorAll(".frame-slider input")) input.dispatchEvent(new Event("input"));
});

// Wide formulas scroll in their own box. A box that scrolls can be reached by keyboard; the theme sees to code and tables.
const boxes = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    const scrolls = target.scrollWidth > target.clientWidth;
    for (const [name, value] of [["tabindex", "0"], ["role", "group"], ["aria-label", "Formula"]]) {
      if (scrolls) target.setAttribute(name, value);
      else target.removeAttribute(name);
    }
  }
});
document.querySelectorAll(".math-block, .math-wide").forEach((box) => boxes.observe(box));

// A table that is too wide scrolls in its own box. The box ends where a column does, so that no number is cut, and a line
// below says that there is more.
const tables = document.querySelectorAll(".pst-scrollable-table-container");
const fit = () => {
  for (const box of tables) {
    const more = box.nextElementSibling && box.nextElementSibling.matches(".table-more") ? box.nextElementSibling : null;
    box.style.maxWidth = "";
    const scrolls = box.scrollWidth > box.clientWidth + 1;
    if (more) more.hidden = !scrolls;
    if (!scrolls) continue;
    const left = box.getBoundingClientRect().left - box.scrollLeft;
    const ends = [...box.querySelector("tr").cells].map((cell) => cell.getBoundingClientRect().right - left);
    const end = Math.max(0, ...ends.filter((each) => each <= box.clientWidth));
    if (end > box.clientWidth / 2) box.style.maxWidth = `${Math.ceil(end)}px`;
    if (!more) box.insertAdjacentHTML("afterend", '<p class="table-more">Scroll the table sideways for more →</p>');
  }
};
addEventListener("resize", fit);
const widths = new ResizeObserver(fit); // a font that arrives late changes them
tables.forEach((box) => widths.observe(box.querySelector("table")));

// Narrow screens fold code (book.css); each cell has a button that opens it.
document.addEventListener("click", (event) => {
  const button = event.target.closest(".show-code");
  if (!button) return;
  button.setAttribute("aria-expanded", String(button.getAttribute("aria-expanded") === "false"));
  for (const code of button.parentElement.querySelectorAll(".cell_input pre")) {
    if (code.scrollWidth > code.clientWidth) code.tabIndex = 0; // was hidden when the theme looked for boxes that scroll
  }
});

// The element that an address names, if any: what is no name, such as `#100%`, is an error to decode.
const placeOf = (hash) => {
  try { return document.getElementById(decodeURIComponent(hash.slice(1))); }
  catch { return null; }
};

// A link to something behind a fold opens it. (Browsers open folds by themselves, old ones apart, but no button.)
const reveal = () => {
  const target = placeOf(location.hash), folds = [];
  if (!target) return;
  for (let fold = target.closest("details"); fold; fold = fold.parentElement.closest("details")) folds.push(fold);
  const button = folds.length ? null : target.closest(".cell") && target.closest(".cell").querySelector(".show-code[aria-expanded='false']");
  if (button) button.setAttribute("aria-expanded", "true");
  if (!button && folds.every((fold) => fold.open)) return;
  folds.forEach((fold) => (fold.open = true));
  target.scrollIntoView();
};
addEventListener("hashchange", reveal);
reveal();

// After Back, the folds that the reader had opened are open again, and the page is where it was.
const opened = () => [...document.querySelectorAll(".bd-article details, .bd-article .show-code")];
const kept = `folds of ${location.pathname}`;
addEventListener("pagehide", () => {
  const open = opened().map((part) => (part.matches("details") ? part.open : part.getAttribute("aria-expanded") === "true"));
  sessionStorage.setItem(kept, JSON.stringify({ open: open.flatMap((is, i) => (is ? [i] : [])), top: scrollY }));
});
const [arrival] = performance.getEntriesByType("navigation");
const before = arrival && arrival.type === "back_forward" ? JSON.parse(sessionStorage.getItem(kept)) : null;
if (before) {
  const parts = opened();
  for (const part of before.open.map((i) => parts[i]).filter(Boolean)) {
    if (part.matches("details")) part.open = true;
    else part.setAttribute("aria-expanded", "true");
  }
  const back = () => scrollTo({ top: before.top, behavior: "instant" });
  back();
  addEventListener("load", () => requestAnimationFrame(back));
}

// On paper, everything but code is open: no claim stands there without its correction.
const unfolded = new Set();
addEventListener("beforeprint", () => {
  for (const fold of document.querySelectorAll(".bd-article details:not(.code-fold):not([open])")) {
    fold.open = true;
    unfolded.add(fold);
  }
});
addEventListener("afterprint", () => {
  unfolded.forEach((fold) => (fold.open = false));
  unfolded.clear();
});

// On narrow screens the contents are a dialog. It closes when something in it is chosen, and where they stand beside
// the text.
for (const side of ["primary", "secondary"]) {
  const dialog = document.querySelector(`#pst-${side}-sidebar-modal`), toggle = document.querySelector(`.${side}-toggle`);
  if (!dialog || !toggle) continue;
  dialog.addEventListener("click", (event) => {
    if (event.target.closest("a[href*='#']")) dialog.close();
  });
  addEventListener("resize", () => {
    if (dialog.open && !toggle.getClientRects().length) dialog.close();
  });
}

// The contents beside the text say where the reader is, and move so that this can be seen.
const contents = document.querySelector("#pst-page-toc-nav"), panel = document.querySelector("#pst-secondary-sidebar");
if (contents && panel) {
  const places = [...contents.querySelectorAll("a[href^='#']")]
    .map((link) => ({ link, place: placeOf(link.hash) }))
    .filter(({ place }) => place);
  const mark = () => {
    const passed = places.filter(({ place }) => place.getBoundingClientRect().top <= innerHeight * 0.3);
    const here = passed.length ? passed[passed.length - 1].link : null;
    for (const { link } of places) {
      if ((link.getAttribute("aria-current") === "true") === (link === here)) continue; // nothing to say again
      link.classList.toggle("active", link === here);
      if (link === here) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
    if (!here) return;
    const [box, entry] = [panel.getBoundingClientRect(), here.getBoundingClientRect()];
    if (entry.top < box.top + 32 || entry.bottom > Math.min(box.bottom, innerHeight) - 32) {
      panel.scrollTop += entry.top - box.top - box.height / 3;
    }
  };
  let waiting = false;
  const soon = () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => { waiting = false; mark(); });
  };
  addEventListener("scroll", soon, { passive: true });
  addEventListener("resize", soon);
  // The theme marks an entry when its heading comes into sight, and keeps it when the reader goes back above it.
  new MutationObserver(soon).observe(contents, { subtree: true, attributes: true, attributeFilter: ["aria-current"] });
  soon();
}
for (const link of document.querySelectorAll(".bd-sidebar-primary a.current")) link.setAttribute("aria-current", "page");

// The question index: what is asked for is kept in the address, so that it can be sent to somebody.
const form = document.querySelector(".question-filter");
if (form) {
  // Question, topics and answer count, not what is written on every row; -ise is -ize, a plural its singular, and the
  // beginning of a word is enough ("core" is not in "score").
  const fold = (text) =>
    ` ${text.normalize("NFKC").toLowerCase().replace(/z/g, "s").replace(/(?<=[a-z]{3})our/g, "or").replace(/[^\p{L}\p{N}√]+/gu, " ").trim()}`;
  const rows = [...document.querySelectorAll(".question-row")].map((row) => {
    const said = [...row.querySelectorAll(".question-line, .topics, .folded-answer")].map((part) => part.textContent);
    return { row, text: fold([...said, row.matches(".to-come") ? "to come" : ""].join(" ")) };
  });
  const fits = ({ row, text }, word) => (/^ q\d+$/.test(word) ? row.id === word.trim() : text.includes(word));
  const parts = new Set(rows.map(({ row }) => row.parentElement));
  const { words, lesson, difficulty, topic, tonight, careful } = form.elements;
  const choose = () => {
    const wanted = words.value.split(/\s+/).map(fold).filter((word) => word.trim()).map((word) => word.replace(/(?<=\w{2}[^s])s$/, ""));
    let shown = 0, toCome = 0;
    for (const entry of rows) {
      const { row } = entry;
      row.hidden = !(
        wanted.every((word) => fits(entry, word)) &&
        (!lesson.value || row.classList.contains(`lesson-${lesson.value}`)) &&
        (!difficulty.value || row.classList.contains(difficulty.value)) &&
        (!topic.value || row.classList.contains(`topic-${topic.value}`)) &&
        (!tonight.checked || row.classList.contains("for-tonight")) &&
        (!careful.checked || row.classList.contains("with-careful"))
      );
      shown += !row.hidden;
      toCome += !row.hidden && row.matches(".to-come");
    }
    for (const part of parts) part.hidden = !part.querySelector(".question-row:not([hidden])");
    form.querySelector("output").textContent = `${shown} of ${rows.length} questions${toCome ? `, ${toCome} of them still to come` : ""}`;
  };
  const restore = () => {
    const asked = new URLSearchParams(location.search);
    for (const field of [words, lesson, difficulty, topic]) field.value = asked.get(field.name) || "";
    for (const field of [tonight, careful]) field.checked = asked.has(field.name);
    choose();
  };
  form.addEventListener("input", () => {
    const query = new URLSearchParams([...new FormData(form)].filter(([, value]) => value)).toString();
    history.replaceState(history.state, "", `${location.pathname}${query && `?${query}`}${location.hash}`);
    choose();
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  addEventListener("pageshow", restore); // after Back, too: the address counts, not what the browser kept
  restore();
}
