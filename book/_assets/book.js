"use strict";

// Sliders: their hidden frames wait for the first touch, then load together, so that no step shows an empty place.
for (const slider of document.querySelectorAll(".frame-slider")) {
  const load = () => slider.querySelectorAll("img").forEach((image) => (image.loading = "eager"));
  for (const event of ["pointerenter", "focusin", "touchstart"]) {
    slider.addEventListener(event, load, { once: true, passive: true });
  }
}

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
