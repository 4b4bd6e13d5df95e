// Where everything else is, at the foot of a page.

import { link, make } from "./nodes.js";

const KEYS = [["/", "to the search"], ["↑ ↓", "through the rows of a table or of what was found"], ["Enter", "adds what was found, opens an order's life"]];

// actions.links: pairs of words and an address; without them, as in a notebook, there is no foot.
export function help(actions) {
  const node = make("footer", "foot");
  node.hidden = !actions?.links;
  for (const [words, address] of actions?.links ?? []) node.append(link(words, address));
  const keys = make("span", "quiet", "Keys: ");
  KEYS.forEach(([key, what], at) => keys.append(at ? " · " : "", make("kbd", "", key), ` ${what}`));
  node.append(keys);
  return { node, draw() {} };
}
