// Finds instruments by words and subscribes them: a box with a list that the keyboard walks through.

import { make, setAttribute, setText } from "./nodes.js";
import { number } from "./words.js";

const PAUSE_BEFORE_ASKING_MS = 180;
let boxes = 0;

const HINT = "Enter adds the first; more words narrow it, as in: nifty 26000 ce";

// actions: { search(words) -> the answer of /api/instruments, subscribe(instrument), problemOf(error) -> words };
// bringIntoSight(name): brings the row of an instrument into sight.
export function searchBox(actions, subscribed, bringIntoSight) {
  boxes += 1;
  const listId = `dualbroker-found-${boxes}`;
  const node = make("div", "search");
  const input = make("input", "", "", {
    type: "search", role: "combobox", autocomplete: "off", spellcheck: "false", placeholder: "/ search and add …",
    "aria-label": "Search instruments and add them", "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": listId,
  });
  const list = make("ul", "found", "", { role: "listbox", id: listId, "aria-label": "Instruments found" });
  list.hidden = true;
  const said = make("p", "said", "", { role: "status" });
  setText(said, HINT);
  node.append(input, list, said);
  let rows = [];
  let chosen = -1;
  let asked = 0;
  let timer = null;
  let foundFor = "";
  let addsFirst = false;

  input.addEventListener("input", () => {
    clearTimeout(timer);
    asked += 1;
    addsFirst = false;
    const words = input.value.trim();
    if (!words) {
      setText(said, HINT);
      show([]);
      return;
    }
    timer = setTimeout(ask, PAUSE_BEFORE_ASKING_MS, words, asked);
  });
  input.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown") choose(Math.min(chosen + 1, rows.length - 1));
    else if (event.key === "ArrowUp") choose(Math.max(chosen - 1, 0));
    else if (event.key === "Enter") enter();
    else if (event.key === "Escape" && !list.hidden) show([]);
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  // What is highlighted; where the answer to what was typed is still on its way, its first.
  function enter() {
    if (input.value.trim() === foundFor && rows.length) add(rows[Math.max(chosen, 0)]);
    else addsFirst = input.value.trim() !== "" && input.value.trim() !== foundFor;
  }

  // As on many pages, / goes to the search, unless somebody types elsewhere.
  function slash(event) {
    if (event.key !== "/" || event.altKey || event.ctrlKey || event.metaKey || event.target.closest?.("input, textarea, select, [contenteditable]")) return;
    event.preventDefault();
    input.focus();
    input.select();
  }
  document.addEventListener("keydown", slash);

  node.addEventListener("focusout", (event) => {
    if (!node.contains(event.relatedTarget)) show([]);
  });

  async function ask(words, turn) {
    try {
      const answer = await actions.search(words);
      if (turn !== asked) return;
      foundFor = words;
      setText(said, searchedWords(words, answer));
      show(answer.instruments);
      if (addsFirst && rows.length) add(rows[0]);
      addsFirst = false;
    } catch (error) {
      if (turn === asked) setText(said, actions.problemOf(error));
    }
  }

  function isSubscribed({ symbol, exchange }) {
    const { symbol: symbols, exchange: places, exchanges } = subscribed();
    return symbols.some((each, at) => each === symbol && exchanges[places[at]] === exchange);
  }

  function show(found) {
    rows = found;
    list.hidden = rows.length === 0;
    setAttribute(input, "aria-expanded", String(rows.length > 0));
    list.replaceChildren(...rows.map((row, at) => {
      const item = make("li", "", "", { role: "option", id: `${listId}-${at}` });
      item.append(make("span", "title", row.title), make("span", "exchange", row.exchange), make("span", "quiet", row.details),
        make("span", "hint", [row.ltp === null ? "" : number(row.ltp, 2, 4), isSubscribed(row) ? "subscribed" : ""].filter(Boolean).join(" · ")));
      item.title = `${row.exchange}:${row.symbol}`;
      // Not "click": the box would lose the focus first, and the list would be gone.
      item.onpointerdown = (event) => {
        event.preventDefault();
        add(row);
      };
      return item;
    }));
    choose(rows.length ? 0 : -1);
  }

  function choose(place) {
    chosen = place;
    [...list.children].forEach((item, at) => {
      setAttribute(item, "aria-selected", String(at === chosen));
      if (at === chosen) item.scrollIntoView({ block: "nearest" });
    });
    if (chosen < 0) input.removeAttribute("aria-activedescendant");
    else setAttribute(input, "aria-activedescendant", `${listId}-${chosen}`);
  }

  async function add(row) {
    const name = `${row.exchange}:${row.symbol}`;
    if (isSubscribed(row)) {
      setText(said, `${row.symbol} is subscribed already.`);
      show([]);
      bringIntoSight(name);
      return;
    }
    setText(said, `Subscribing ${row.symbol} …`);
    try {
      await actions.subscribe(row);
      setText(said, `${row.symbol} is subscribed.`);
      input.select();
      show([]);
      bringIntoSight(name);
    } catch (error) {
      setText(said, actions.problemOf(error));
    }
  }

  return { node, say: (words) => setText(said, words), close: () => document.removeEventListener("keydown", slash) };
}

// Where it was looked for, so that "nothing" is not taken for more than it is.
function searchedWords(words, { instruments, searched, not_searched: missing }) {
  const missed = Object.entries(missing).map(([exchange, why]) => `${exchange} could not be searched: ${why}`);
  const where = searched.join(", ");
  const found = instruments.length ? `Searched ${where}.` : `Nothing on ${where || "any exchange"} fits “${words}”.`;
  return [found, ...missed].join(" ");
}
