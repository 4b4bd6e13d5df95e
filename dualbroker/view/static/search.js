// Finds instruments by words and subscribes them: a box with a list that the keyboard walks through.

import { make, setAttribute, setText } from "./nodes.js";

const PAUSE_BEFORE_ASKING_MS = 180;
let boxes = 0;

// actions: { search(words) -> [{ symbol, exchange, expiry }], subscribe(instrument), problemOf(error) -> words }
export function searchBox(actions, subscribed) {
  boxes += 1;
  const listId = `dualbroker-found-${boxes}`;
  const node = make("div", "search");
  const input = make("input", "", "", {
    type: "search", role: "combobox", autocomplete: "off", spellcheck: "false", placeholder: "search and add …",
    "aria-label": "Search instruments and add them", "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": listId,
  });
  const list = make("ul", "found", "", { role: "listbox", id: listId, "aria-label": "Instruments found" });
  list.hidden = true;
  const said = make("p", "said", "", { role: "status" });
  node.append(input, list, said);
  let rows = [];
  let chosen = -1;
  let asked = 0;
  let timer = null;

  input.addEventListener("input", () => {
    clearTimeout(timer);
    asked += 1;
    const words = input.value.trim();
    if (!words) {
      setText(said, "");
      show([]);
      return;
    }
    timer = setTimeout(ask, PAUSE_BEFORE_ASKING_MS, words, asked);
  });
  input.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown") choose(Math.min(chosen + 1, rows.length - 1));
    else if (event.key === "ArrowUp") choose(Math.max(chosen - 1, 0));
    else if (event.key === "Enter" && rows.length) add(rows[Math.max(chosen, 0)]);
    else if (event.key === "Escape" && !list.hidden) show([]);
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  node.addEventListener("focusout", (event) => {
    if (!node.contains(event.relatedTarget)) show([]);
  });

  async function ask(words, number) {
    try {
      const found = await actions.search(words);
      if (number !== asked) return;
      setText(said, found.length ? "" : `No instrument fits “${words}”.`);
      show(found);
    } catch (error) {
      if (number === asked) setText(said, actions.problemOf(error));
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
      item.append(make("span", "", row.symbol), make("span", "exchange", row.exchange),
        make("span", "hint", isSubscribed(row) ? "subscribed" : "add"));
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
    if (isSubscribed(row)) {
      setText(said, `${row.symbol} is subscribed already.`);
      return;
    }
    setText(said, `Subscribing ${row.symbol} …`);
    try {
      await actions.subscribe(row);
      setText(said, `${row.symbol} is subscribed.`);
      input.select();
      show([]);
    } catch (error) {
      setText(said, actions.problemOf(error));
    }
  }

  return { node, say: (words) => setText(said, words) };
}
