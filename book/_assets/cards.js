"use strict";

// Flash cards of the question index: question in front, short answer behind. They are made of the rows that the filter
// leaves (book.js), so that without scripts the list is all there is. The address says #cards; which card shows, and in what
// order they come, is noted in the browser's history only, so that Back from a lesson leads to the same card.
{
  const form = document.querySelector(".question-filter");
  const deck = document.querySelector("#cards");
  deck.innerHTML = `
    <p class="deck-place"><output></output> <button type="button" data-do="leave">Show the list</button></p>
    <div class="deck-card" tabindex="-1" aria-live="polite">
      <h2></h2>
      <div class="deck-meta"></div>
      <div class="deck-answer" id="deck-answer" hidden></div>
    </div>
    <div class="deck-buttons">
      <button type="button" data-do="back">← Back</button>
      <button type="button" data-do="flip" aria-controls="deck-answer"></button>
      <button type="button" data-do="next">Next →</button>
    </div>
    <p class="deck-more">
      <button type="button" data-do="later">Once more at the end</button>
      <button type="button" data-do="shuffle">Shuffle</button>
    </p>
    <p class="deck-note" role="status"></p>
    <p class="deck-help">Keys: ← and → change the card, space or Enter shows the answer. On a phone: swipe, and tap. The filter below chooses the cards.</p>`;
  const opener = form.querySelector(".show-cards");
  const part = (selector) => deck.querySelector(selector);
  const card = part(".deck-card");
  const answer = part(".deck-answer");
  const isOpen = () => location.hash === "#cards"; // the address decides: so Back works, and a link may lead here
  const focusCard = () => card.focus({ preventScroll: true });
  let rows = [];
  let at = 0;

  // A copy of a part of a row: its anchors stay where they are.
  const copied = (row, selector) => {
    const copy = row.querySelector(selector).cloneNode(true);
    copy.querySelectorAll("[id]").forEach((element) => element.removeAttribute("id"));
    return copy;
  };
  const turn = (open) => {
    answer.hidden = !open;
    part("[data-do=flip]").textContent = open ? "Hide answer" : "Show answer";
    part("[data-do=flip]").setAttribute("aria-expanded", String(open));
    if (!isOpen()) return;
    const deck = { order: rows.map(({ id }) => id), at, open };
    history.replaceState({ ...history.state, deck }, ""); // the address stays
  };
  const place = () => {
    if (rows.length) return `Card ${at + 1} of ${rows.length}${at === rows.length - 1 ? ", the last" : ""}`;
    const toCome = [...document.querySelectorAll(".question-row.to-come")].filter((row) => !row.hidden).length;
    if (!toCome) return "No question fits the filter below.";
    return toCome === 1 ? "The one question that fits is still to come." : `The ${toCome} questions that fit are still to come.`;
  };
  const show = (open = false, note = "") => {
    const row = rows[at];
    part("output").textContent = place();
    part(".deck-note").textContent = note;
    part("h2").textContent = row ? row.querySelector(".question-line a").textContent : "";
    part(".deck-meta").replaceChildren();
    answer.replaceChildren();
    if (row) {
      part(".deck-meta").append(...["difficulty", "topics"].map((name) => copied(row, `.${name}`)));
      const links = [...row.querySelectorAll(".question-line a, .has-careful a")].map((link) => link.cloneNode(true));
      links[0].textContent = "In the lesson, with its proof";
      const line = document.createElement("p");
      line.className = "deck-links";
      line.append(...links);
      answer.append(copied(row, ".folded-answer"), line);
    }
    for (const button of deck.querySelectorAll(":is(.deck-buttons, .deck-more) button")) button.disabled = !row;
    turn(open);
  };
  const deal = () => {
    rows = [...document.querySelectorAll(".question-row:not(.to-come)")].filter((row) => !row.hidden);
    at = 0;
  };
  // As it was left, if the filter still leaves the same cards.
  const dealAgain = ({ order, at: left, open }) => {
    const known = new Map(rows.map((row) => [row.id, row]));
    if (order.length !== rows.length || !order.every((id) => known.has(id)) || !rows[left]) return show();
    rows = order.map((id) => known.get(id));
    at = left;
    show(open);
  };
  const move = (step) => {
    const around = at + step === rows.length;
    if (rows.length) at = (at + step + rows.length) % rows.length;
    show(false, around ? "That was the last card. They begin again." : "");
  };
  const doings = {
    back: () => move(-1),
    next: () => move(1),
    flip: () => turn(answer.hidden),
    later: () => {
      if (at === rows.length - 1) {
        part(".deck-note").textContent = "This is the last card already.";
        return;
      }
      rows.push(...rows.splice(at, 1));
      show(false, "The card before this one comes once more at the end.");
    },
    shuffle: () => {
      for (let last = rows.length - 1; last > 0; last -= 1) {
        const other = Math.floor(Math.random() * (last + 1));
        [rows[last], rows[other]] = [rows[other], rows[last]];
      }
      at = 0;
      show(false, "Shuffled.");
    },
    leave: () => {
      history.pushState(null, "", location.pathname + location.search);
      choose();
      opener.focus();
    },
  };

  // The list shows, or the cards.
  const choose = () => {
    const opens = isOpen() && deck.hidden;
    deck.hidden = !isOpen();
    form.parentElement.classList.toggle("as-cards", isOpen());
    opener.hidden = isOpen();
    if (opens) {
      deal();
      if (history.state?.deck) dealAgain(history.state.deck);
      else show();
      focusCard();
    } else if (!isOpen() && location.hash) {
      document.getElementById(location.hash.slice(1))?.scrollIntoView(); // was hidden when the browser looked for it
    }
  };

  // A browser that goes to the place that the address names, early or late, gives the focus to that place, or takes it away.
  deck.tabIndex = -1;
  deck.addEventListener("focus", focusCard);
  opener.addEventListener("click", () => {
    history.pushState(null, "", `${location.pathname}${location.search}#cards`);
    choose();
  });
  form.addEventListener("input", () => {
    deal();
    if (isOpen()) show();
  });
  addEventListener("popstate", choose);
  addEventListener("hashchange", choose);
  addEventListener("pageshow", choose);
  deck.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button) doings[button.dataset.do]();
    else if (card.contains(event.target) && !event.target.closest("a") && !String(getSelection())) doings.flip();
    if (button && event.detail && isOpen()) focusCard(); // by hand: the keys mean the card again
  });
  addEventListener("keydown", (event) => {
    const modified = event.altKey || event.ctrlKey || event.metaKey || event.shiftKey;
    if (!isOpen() || modified || event.target.closest("input, select, textarea, dialog")) return;
    const wanted = { ArrowLeft: "back", ArrowRight: "next", " ": "flip", Enter: "flip" }[event.key];
    if (!wanted || (wanted === "flip" && event.target.closest("a, button, summary"))) return;
    event.preventDefault();
    if (rows.length) doings[wanted]();
  });
  let touched = null;
  card.addEventListener("touchstart", ({ touches: [{ clientX, clientY }] }) => (touched = [clientX, clientY]), { passive: true });
  card.addEventListener("touchend", ({ changedTouches: [{ clientX, clientY }] }) => {
    const [across, down] = [clientX - touched[0], clientY - touched[1]];
    if (Math.abs(across) > 50 && Math.abs(across) > 2 * Math.abs(down)) move(across < 0 ? 1 : -1);
  });
  choose();
}
