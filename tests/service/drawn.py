"""States that are drawn in a page of their own, by the module that the page and a notebook share."""

from __future__ import annotations

from typing import Any

from dualbroker.view.chain import chain_state
from dualbroker.view.orders import ORDER_COLUMNS
from dualbroker.view.quotes import QUOTE_FIGURES

__all__ = [
    "TIMEOUT_MS",
    "chain_of_one_strike",
    "draw",
    "draw_again",
    "order_state",
    "quote_state",
    "state_of",
    "wide_strike",
]

TIMEOUT_MS = 120_000

DRAW = """async ([state, part, actions]) => {
  const dashboard = (await import("/static/view/dashboard.js")).default;
  const { Model } = await import("/static/model.js");
  const element = document.createElement("main");
  element.id = "drawn";
  document.body.replaceChildren(element);
  const model = new Model();
  model.set("state", state);
  model.set("part", part);
  if (actions) model.set("options", { actions: { problemOf: String } });
  window.drawnModel = model;
  const on = model.on.bind(model);
  model.on = (event, call) => {
    if (event === "msg:custom") window.tellDrawn = call; // as a kernel does, in a notebook
    on(event, call);
  };
  window.endDrawn = dashboard.render({ model, el: element });
  for (let frame = 0; frame < 2; frame += 1) await new Promise(requestAnimationFrame);
}"""


def draw(page: Any, state: dict[str, Any], part: str = "monitor", actions: bool = False) -> None:
    """Draw a state in an otherwise empty page, as ``#drawn``."""
    page.evaluate(DRAW, [state, part, actions])


def draw_again(page: Any, state: dict[str, Any]) -> None:
    """Put another state in the place of the one drawn."""
    page.evaluate(
        """async (state) => {
          window.drawnModel.set("state", state);
          for (let frame = 0; frame < 2; frame += 1) await new Promise(requestAnimationFrame);
        }""",
        state,
    )


def order_state(rows: list[dict[str, Any]], counts: dict[str, int], **changes: Any) -> dict[str, Any]:
    """The key ``orders`` of rows that say only what matters."""
    blank: dict[str, Any] = dict.fromkeys(ORDER_COLUMNS)
    said = {"broker_name": "broker1", "final": False, "status": "OPEN", "status_note": ""}
    named = [{**blank, "open": not row.get("final"), **said, **row} for row in rows]
    table = [[row[name] for name in ORDER_COLUMNS] for row in named]
    return {"columns": list(ORDER_COLUMNS), "rows": table, "counts": counts, "unread": [], **changes}


def quote_state(rows: list[dict[str, Any]], **changes: Any) -> dict[str, Any]:
    """The keys ``instruments`` and ``quotes`` of rows that say only what matters."""
    blank: dict[str, Any] = dict.fromkeys(("received_s", *QUOTE_FIGURES))
    columns = {name: [{**blank, **row}[name] for row in rows] for name in blank}
    return {
        "instruments": {
            "revision": 7,
            "exchanges": sorted({row["exchange"] for row in rows}),
            "exchange": [sorted({row["exchange"] for row in rows}).index(row["exchange"]) for row in rows],
            "symbol": [row["symbol"] for row in rows],
            "decimals": [row.get("decimals", 2) for row in rows],
            "gone": [],
        },
        "quotes": {
            "revision": 7,
            "count": len(rows),
            "no_source": [],
            "since": "2026-03-02T00:00:00+05:30",
            "brokers": ["broker1"],
            "broker": [0] * len(rows),
            **columns,
            **changes,
        },
    }


def state_of(page: Any) -> dict[str, Any]:
    """A whole state, as the service pushes it."""
    state: dict[str, Any] = page.evaluate(
        """() => new Promise((resolve) => {
          const socket = new WebSocket(`ws://${location.host}/ws`);
          socket.onopen = () => socket.send(JSON.stringify({ streams: { view: {} } }));
          socket.onmessage = (event) => {
            const { view } = JSON.parse(event.data);
            if (view) { socket.close(); resolve(view); }
          };
        })"""
    )
    return state


def wide_strike() -> dict[str, Any]:
    """A row with figures as long as they get."""
    side = {"ltp": 12345.65, "change_percent": -120.5, "bid": 12345.6, "ask": 12346.1, "volume": 1234567890,
            "open_interest": 123456789, "open_interest_change": -12345678,
            "iv": 112.45, "delta": -0.512, "gamma": 0.00123, "theta": -1234.56, "vega": 45.67}  # fmt: skip
    sides = {f"{name}_{field}": value for name in ("call", "put") for field, value in side.items()}
    return {"strike": 26000.0, "straddle": 24691.3, "put_call_ratio": 1.05, **sides}


def chain_of_one_strike(strike: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    """The key ``chain`` of one strike that says only what matters."""
    row = strike or {"strike": 26000.0, "call_ltp": 212.4, "put_ltp": 90.05}
    known: dict[str, Any] = {
        "underlying": "NIFTY", "expiry": None, "ltp": 26012.4, "change_percent": 0.31, "atm": 26000.0,
        "straddle": 290.1, "put_call_ratio": 0.94,
    }  # fmt: skip
    return chain_state([row], **{**known, **changes})
