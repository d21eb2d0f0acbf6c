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

// Narrow screens fold code (book.css); each cell has a button that opens it.
document.addEventListener("click", (event) => {
  const button = event.target.closest(".show-code");
  if (!button) return;
  button.setAttribute("aria-expanded", String(button.getAttribute("aria-expanded") === "false"));
  for (const code of button.parentElement.querySelectorAll(".cell_input pre")) {
    if (code.scrollWidth > code.clientWidth) code.tabIndex = 0; // was hidden when the theme looked for boxes that scroll
  }
});

// The question index: what is asked for is kept in the address, so that it can be sent to somebody.
const form = document.querySelector(".question-filter");
if (form) {
  const rows = [...document.querySelectorAll(".question-row")].map((row) => ({ row, text: row.textContent.toLowerCase() }));
  const parts = new Set(rows.map(({ row }) => row.parentElement));
  const { words, difficulty, topic, careful } = form.elements;
  const choose = () => {
    const wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const { row, text } of rows) {
      row.hidden = !(
        wanted.every((word) => text.includes(word)) &&
        (!difficulty.value || row.classList.contains(difficulty.value)) &&
        (!topic.value || row.classList.contains(`topic-${topic.value}`)) &&
        (!careful.checked || row.classList.contains("with-careful"))
      );
      shown += !row.hidden;
    }
    for (const part of parts) part.hidden = !part.querySelector(".question-row:not([hidden])");
    form.querySelector("output").textContent = `${shown} of ${rows.length} questions`;
  };
  const restore = () => {
    const asked = new URLSearchParams(location.search);
    for (const field of [words, difficulty, topic]) field.value = asked.get(field.name) || "";
    careful.checked = asked.has("careful");
    choose();
  };
  form.addEventListener("input", () => {
    const query = new URLSearchParams([...new FormData(form)].filter(([, value]) => value)).toString();
    history.replaceState(null, "", `${location.pathname}${query && `?${query}`}${location.hash}`);
    choose();
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  addEventListener("pageshow", restore); // after Back, too: the address counts, not what the browser kept
  restore();
}
