"use strict";
// The search. Any word of a question counts, in whatever form, and other names of a term as the term itself; how well
// each fits a passage is in the index, made while the site is built (book/_ext/vitbook/words.py). The index is loaded
// at the first key stroke, as a script, so that the search works in a site opened from a folder, too.
(() => {
  const SHOWN = { questions: 8, others: 6 };
  const WORTH = 0.3; // of the best score, among questions and among others: what fits less is not shown
  const LONGEST_QUERY = 200; // letters
  const TITLE = 1; // how much more a passage counts whose whole title was asked for
  const PARTS = 0.5; // power of the part of the query that a passage holds: one that holds all of it counts most
  const root = new URL(document.documentElement.dataset.content_root || "./", location.href);
  const onSearchPage = document.querySelector("#search-results");

  const script = (name) =>
    new Promise((done, failed) => {
      const tag = document.createElement("script");
      tag.src = new URL(`_static/${name}`, root).href;
      tag.onload = done;
      tag.onerror = () => (tag.remove(), failed(new Error(`${name} could not be loaded`)));
      document.head.append(tag);
    });
  let loaded;
  const index = () =>
    (loaded ??= Promise.all([script("search_index.js"), script("language_data.js")]).then(() => {
      const { pages, passages, words, names, rules } = window.bookIndex;
      const book = {
        pages, passages, words: new Map(Object.entries(words)), names: new Map(Object.entries(names)),
        word: new RegExp(rules.word, "g"), mixed: new RegExp(`^(?:${rules.mixed})$`), stop: new Set(rules.stop),
        shortened: new RegExp(rules.shortened, "g"),
        spellings: rules.spellings.map(([british, american]) => [new RegExp(british, "g"), american]),
        longest: rules.longest, stemmer: new Stemmer(),
      };
      window.bookIndex.stems = (text) => stems(book, text); // for the test that compares them with the index's
      const named = (title) => things(book, stems(book, title)).filter(([word]) => !/^q?\d+$/.test(word));
      return { ...book, titles: passages.map(([, , title]) => named(title)) };
    }).catch((error) => {
      loaded = undefined; // the next key stroke tries again
      throw error;
    }));

  const split = ({ word, mixed, shortened }, text) =>
    (text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase().replace(shortened, "").match(word) || []).flatMap((found) => {
      const parts = mixed.exec(found);
      return [found, ...(parts || []).slice(1).filter(Boolean)];
    });
  const stem = ({ spellings, stemmer }, word) => {
    if (!/^[a-z]{3,}$/.test(word)) return word;
    for (const [british, american] of spellings) word = word.replace(british, american);
    return stemmer.stemWord(word);
  };
  const stems = (book, text) => split(book, text).filter((word) => !book.stop.has(word)).map((word) => stem(book, word));
  // The things that words name, each with the words it may be asked for by: first its mark in the index, if it has
  // other names; then its words. A name of several words is one thing.
  const things = ({ names, longest }, found) => {
    const things = new Map();
    for (let first = 0, count; first < found.length; first += count) {
      const name = () => names.get(found.slice(first, first + count).join(" "));
      for (count = Math.min(longest, found.length - first); count > 1 && !name(); count--);
      const thing = [...(name() ? [name()] : []), ...found.slice(first, first + count)];
      things.set(thing[0], thing);
    }
    return [...things.values()];
  };
  // Those words of a thing that are looked up: its mark, and a single word itself.
  const looked = ([first, ...others]) => (others.length > 1 ? [first] : [first, ...others]);
  // A word that the book does not have may be the beginning of one, or one with another ending.
  // "86M" is a number with its unit.
  const near = ({ words }, word) =>
    /^\d+[a-z]$/.test(word) && words.has(word.slice(0, -1)) ? [word.slice(0, -1)] : word.length < 3 ? [] : [...words.keys()].filter((known) => known.startsWith(word) || (known.length > 3 && word.startsWith(known)));

  const search = (book, query) => {
    const found = stems(book, query.slice(0, LONGEST_QUERY));
    const all = things(book, found);
    const asked = new Set(all.map(([first]) => first));
    const vit = book.names.get("vit") || "vit";
    const scores = new Map();
    const held = new Map(); // how many of the things asked for a passage holds
    for (const word of all.flatMap(looked)) {
      const best = new Map();
      for (const known of book.words.has(word) ? [word] : near(book, word)) {
        const numbers = book.words.get(known);
        for (let i = 0, place = 0; i < numbers.length; i += 2) {
          place += numbers[i]; // each place is noted as its distance from the one before
          best.set(place, Math.max(numbers[i + 1], best.get(place) || 0));
        }
      }
      for (const [place, score] of best) {
        scores.set(place, (scores.get(place) || 0) + score);
        held.set(place, (held.get(place) || 0) + asked.has(word));
      }
    }
    for (const [place, score] of scores) {
      // One word asks for what is general: "… in ViT" makes a title no narrower, in a book about ViT.
      // It may also be a part of a name: "attention" is in "self-attention".
      const title = book.titles[place].filter(([word]) => asked.size > 1 || word !== vit || asked.has(word));
      const matches = (thing) => (asked.size > 1 ? asked.has(thing[0]) : thing.some((word) => asked.has(word)));
      const part = Math.max(held.get(place), 0.5) / asked.size; // a half where only another form of a name is there
      scores.set(place, score * part ** PARTS * (1 + (TITLE * title.filter(matches).length) / (title.length || 1)));
    }
    const ranked = [...scores].sort((a, b) => b[1] - a[1] || a[0] - b[0]);
    const isQuestion = ([place]) => /^q\d+$/.test(book.passages[place][1]);
    const best = (list, most) => {
      const fit = list.filter(([, score]) => score >= WORTH * list[0][1]);
      return { all: fit.length, shown: fit.slice(0, most).map(([place]) => book.passages[place]) };
    };
    return {
      found: new Set(found),
      questions: best(ranked.filter(isQuestion), SHOWN.questions),
      others: best(ranked.filter((result) => !isQuestion(result)), SHOWN.others),
    };
  };

  const element = (name, className, ...children) => {
    const made = document.createElement(name);
    if (className) made.className = className;
    made.append(...children);
    return made;
  };
  // A text with the words that were looked for marked.
  const marked = (book, found, text) =>
    text.split(/([\p{L}\p{N}√]+)/u).map((part, i) =>
      i % 2 && stems(book, part).some((word) => found.has(word)) ? element("mark", "", part) : part);
  const list = (book, found, title, { shown }) => {
    if (!shown.length) return [];
    const items = shown.map(([page, anchor, title, excerpt]) => {
      const link = element("a", "found-title", ...marked(book, found, title));
      link.href = new URL(`${book.pages[page][0]}.html${anchor && `#${anchor}`}`, root).href;
      const place = element("span", "found-place", book.pages[page][1]);
      return element("li", "", link, place, element("p", "found-excerpt", ...marked(book, found, excerpt)));
    });
    return [element("h2", "", title), element("ol", "found-list", ...items)];
  };
  const many = ({ all, shown: { length } }, what) =>
    `${all > length ? `the best ${length} of ${all}` : length} ${what}${all === 1 ? "" : "s"}`;
  const capital = (text) => text[0].toUpperCase() + text.slice(1);
  const nothing = (query) => {
    const all = element("a", "", "question index");
    all.href = new URL("book/questions.html", root).href;
    const shown = query.length > 60 ? `${query.slice(0, 60)}…` : query;
    return element("p", "", `Nothing in the book has to do with “${shown}”. Try other words, or the `, all, ".");
  };

  for (const form of document.querySelectorAll("form.bd-search")) {
    const input = form.querySelector("input");
    const dialog = form.closest("dialog");
    const box = (!dialog && onSearchPage) || form.parentElement.appendChild(element("div"));
    const count = element("p", "found-count");
    const results = element("div", "found");
    count.setAttribute("role", "status");
    box.append(count, results);
    let asked = 0;
    if (dialog) dialog.setAttribute("aria-label", "Search the book");
    const cut = () => input.value.trim().slice(0, LONGEST_QUERY);
    form.addEventListener("submit", () => (input.value = cut())); // the text becomes an address
    const show = async () => {
      const query = input.value.trim();
      const turn = ++asked;
      if (!query) return results.replaceChildren(), (count.textContent = "");
      try {
        const book = await index();
        if (turn !== asked) return; // something else has been typed meanwhile
        const { found, questions, others } = search(book, query);
        const lists = [...list(book, found, "Questions", questions), ...list(book, found, "Other places", others)];
        count.textContent = lists.length ? capital(`${many(questions, "question")}, ${many(others, "other place")}`) : "Nothing found";
        results.replaceChildren(...(lists.length ? lists : [nothing(query)]));
      } catch (error) {
        count.textContent = `The search cannot work here: ${error.message}.`;
      }
    };
    input.addEventListener("input", show);
    // Up and down go from the field through the results.
    box.parentElement.addEventListener("keydown", (event) => {
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      const stops = [input, ...results.querySelectorAll(".found-title")];
      const at = stops.indexOf(document.activeElement);
      if (!step || at < 0 || !stops[at + step]) return;
      event.preventDefault();
      stops[at + step].focus();
    });
    if (dialog) results.addEventListener("click", (event) => event.target.closest("a") && dialog.close());
    else if (onSearchPage) {
      const restore = () => {
        input.value = new URLSearchParams(location.search).get("q") || "";
        show();
      };
      input.addEventListener("change", () => history.replaceState(null, "", `?q=${encodeURIComponent(cut())}`));
      addEventListener("pageshow", (event) => event.persisted || restore());
    }
  }
})();
