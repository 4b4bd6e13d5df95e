// What a page can do besides show: find instruments, subscribe them, let them go, fetch an order's life, reconnect a
// broker, move the quotes.

const JSON_HEADERS = { "content-type": "application/json" };

const HOLDER = "rest";

// Where the service is: a proxy may serve it below a path of its own, so nothing begins at the host's root.
const SERVICE = new URL("../", import.meta.url);

export function addressOf(path) {
  return new URL(path, SERVICE);
}

class Refusal extends Error {}

async function ask(path, options = {}) {
  const response = await fetch(addressOf(path), { ...options, headers: { accept: "application/json", ...options.headers } });
  const answer = await response.json().catch(() => null);
  if (response.ok) return answer;
  throw new Refusal(answer?.error?.message ?? `${path}: ${response.status} ${response.statusText}`);
}

function post(path, content) {
  return ask(path, { method: "POST", headers: JSON_HEADERS, body: JSON.stringify(content) });
}

function nameOf({ exchange, symbol }) {
  return `${exchange}:${symbol}`;
}

// Whether the service still lets this browser in; a token that has run out can't be told from a lost link otherwise.
export async function isLetIn() {
  try {
    return (await fetch(addressOf("health"), { headers: { accept: "application/json" } })).status !== 401;
  } catch {
    return true;
  }
}

export const actions = {
  search(words) {
    return ask(`api/instruments?${new URLSearchParams({ search: words, limit: 12 })}`);
  },

  subscribe(instrument) {
    return post("api/subscriptions", { symbols: [nameOf(instrument)] });
  },

  // Names of the instruments that are held here rather than by config.yaml or a notebook.
  async held() {
    const { subscriptions } = await ask("api/subscriptions");
    return new Set(subscriptions.filter((row) => row.holders.includes(HOLDER)).map(nameOf));
  },

  async letGo(instrument) {
    await ask(`api/subscriptions?${new URLSearchParams({ symbol: nameOf(instrument) })}`, { method: "DELETE" });
  },

  // Everything that happened to an order, oldest first.
  async history({ broker_name: broker, order_id: number, trading_day: day }) {
    const path = `api/orders/${encodeURIComponent(broker)}/${encodeURIComponent(number)}`;
    return (await ask(`${path}?${new URLSearchParams({ day })}`)).history;
  },

  clients() {
    return ask("api/clients");
  },

  reconnect(broker) {
    return post("api/brokers/reconnect", { broker });
  },

  carry_quotes(broker) {
    return post("api/brokers/quote-source", { broker });
  },

  csv: { quotes: addressOf("api/quotes?format=csv").href, orders: addressOf("api/orders?format=csv").href, positions: addressOf("api/positions?format=csv").href },

  links: [["API and its documentation", addressOf("docs").href], ["Ticks and bars of an instrument, as CSV or Parquet", addressOf("docs#/ticks").href]],

  problemOf(error) {
    return error instanceof Refusal ? error.message : "dualbroker does not answer. Is it running?";
  },
};
