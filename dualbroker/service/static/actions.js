// What a page can do besides show: find instruments, subscribe them, let them go, fetch an order's life.

const JSON_HEADERS = { "content-type": "application/json" };

class Refusal extends Error {}

async function ask(path, options = {}) {
  const response = await fetch(path, { ...options, headers: { accept: "application/json", ...options.headers } });
  const answer = await response.json().catch(() => null);
  if (response.ok) return answer;
  throw new Refusal(answer?.error?.message ?? `${path}: ${response.status} ${response.statusText}`);
}

function nameOf({ exchange, symbol }) {
  return `${exchange}:${symbol}`;
}

export const actions = {
  async search(words) {
    return (await ask(`/api/instruments?${new URLSearchParams({ search: words, limit: 12 })}`)).instruments;
  },

  subscribe(instrument) {
    return ask("/api/subscriptions", {
      method: "POST", headers: JSON_HEADERS, body: JSON.stringify({ symbols: [nameOf(instrument)] }),
    });
  },

  // The instruments that the page itself holds are those that it can let go.
  async letGo(instrument) {
    const { released } = await ask(`/api/subscriptions?${new URLSearchParams({ symbol: nameOf(instrument) })}`, { method: "DELETE" });
    if (released.length === 0) {
      throw new Refusal(`${instrument.symbol} was not subscribed on this page: whoever did (config.yaml, a notebook) lets it go.`);
    }
  },

  problemOf(error) {
    return error instanceof Refusal ? error.message : "dualbroker does not answer. Is it running?";
  },
};
