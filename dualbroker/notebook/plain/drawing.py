"""The dashboard's parts as plain HTML and as text, out of the view's state. Pure: no widget, no clock.

Whatever comes from a broker is escaped. A state is always a word too, never colour alone.
"""

from __future__ import annotations

from html import escape

from dualbroker.figures import (
    UNKNOWN,
    age,
    byte_rate,
    byte_size,
    clock_time,
    compact,
    number,
    order_price,
    percent,
    written,
)
from dualbroker.notebook.plain.cards import cards_html
from dualbroker.notebook.plain.pieces import (
    ROWS_SHOWN,
    Cell,
    Row,
    State,
    block,
    code,
    gone_words,
    more,
    no_source_words,
    problem,
    rows_table,
    text_columns,
    texts,
)
from dualbroker.view.heads import HEADS, Head, still_heads

__all__ = [
    "STYLE",
    "bandwidth_html",
    "bandwidth_text",
    "headline_html",
    "headline_text",
    "orders_html",
    "orders_text",
    "quotes_html",
    "quotes_text",
    "savings_words",
    "summary_html",
]

_FIRST_SUBSCRIPTION = 'feed.subscribe("NIFTY")'

# Bound to .cold: beside a live view in the same notebook, that one's rules are there too, and must not win.
STYLE = """<style>
.dualbroker.cold { font-family: system-ui, sans-serif; font-size: 13px; line-height: 1.45; }
.dualbroker.cold b.mode { padding: 1px 7px; border-radius: 3px; color: #fff; background: #5b3fa8; }
.dualbroker.cold b.live { background: #1a7f37; }
.dualbroker.cold .cards { display: flex; flex-wrap: wrap; gap: 8px; }
.dualbroker.cold .card { flex: 1 1 220px; max-width: 420px; padding: 6px 10px; }
.dualbroker.cold .card { border: 1px solid #8886; border-radius: 6px; }
.dualbroker.cold .state,
.dualbroker.cold .verdict { padding: 0 7px; border-radius: 9px; color: #fff; background: #57606a; }
.dualbroker.cold .state.is-ok,
.dualbroker.cold .verdict.is-ok { background: #1a7f37; }
.dualbroker.cold .state.is-degraded,
.dualbroker.cold .verdict.is-degraded { background: #8a5a00; }
.dualbroker.cold .state.is-down,
.dualbroker.cold .verdict.is-down { background: #c02c2c; }
.dualbroker.cold .problem { margin-top: 3px; padding-left: 7px; border-left: 3px solid #c02c2c; }
.dualbroker.cold .quiet { opacity: .75; }
.dualbroker.cold table.rows { table-layout: auto; margin: 6px 0; }
.dualbroker.cold table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
.dualbroker.cold table.rows th,
.dualbroker.cold table.rows td { padding: 2px 8px; border: 0; }
.dualbroker.cold table.rows th,
.dualbroker.cold table.rows td { text-align: left; white-space: nowrap; }
.dualbroker.cold table.rows tbody tr { border-bottom: 1px solid #8883; background: none; }
.dualbroker.cold table.rows .number { text-align: right; }
.dualbroker.cold .wide { overflow-x: auto; }
.dualbroker.cold .wide table.rows { font-size: 12px; }
.dualbroker.cold .wide table.rows th,
.dualbroker.cold .wide table.rows td { padding: 2px; }
.dualbroker.cold table.rows .words { min-width: 22em; white-space: normal; overflow-wrap: anywhere; }
.dualbroker.cold .up { color: #1a7f37; }
.dualbroker.cold .down { color: #c02c2c; }
[data-jp-theme-light="false"] .dualbroker.cold .up { color: #5fd07a; }
[data-jp-theme-light="false"] .dualbroker.cold .down { color: #ff8a80; }
</style>"""


def headline_html(state: State) -> str:
    """Where prices come from, on which market, and what it saved so far."""
    return _headline_html(state, _newest_incident(state))


def _headline_html(state: State, incident: str) -> str:
    mode, verdict = state["mode"], state["verdict"]
    live = " live" if mode == "LIVE" else ""
    own = {f"{row['broker_name']}: {text}" for row in state["brokers"] for text in row["problems"]}
    problems = "".join(problem(text) for text in state["problems"] if text not in own)
    return block(
        f'<b class="mode{live}">{escape(mode)}</b> '
        f'<span class="verdict is-{escape(verdict["severity"])}">{escape(verdict["words"])}</span>'
        f" &nbsp;{escape(state['market']['words'])}"
        f" &nbsp;·&nbsp; <b>{escape(state['headline']['quotes'])}</b>"
        f" &nbsp;·&nbsp; {escape(state['headline']['orders'])}"
        f'<br><span class="quiet">{escape(savings_words(state))}</span>{incident}{problems}'
    )


def savings_words(state: State) -> str:
    savings = state["traffic"]["savings"]
    if savings["saved_percent"] is None:
        return "No quote has come yet, so there is nothing saved yet."
    return (
        f"{byte_size(savings['quote_bytes'])} of quotes came; {byte_size(savings['saved_quote_bytes'])} "
        f"({percent(savings['saved_percent'])}) did not have to ({savings['how']})"
    )


def _newest_incident(state: State) -> str:
    rows = state["incidents"]["rows"] if "incidents" in state else ()
    if not rows:
        return ""
    newest = rows[0]
    who = newest["broker_name"] or "all"
    words = f"{clock_time(newest['time'], state['time'])} {who}: {newest['cause']}; {newest['action']}"
    return f'<br><span class="quiet">Newest incident: {escape(words)}</span>'


def bandwidth_words(state: State) -> str:
    """What flows now beside what the naive plan would carry."""
    rates = state["traffic"]["bytes_per_second"]
    return (
        f"Now {byte_rate(rates['carried'])}, measured; "
        f"naive plan {byte_rate(rates['naive_estimate'])}, estimated."
    )


def bandwidth_html(state: State) -> str:
    return block(f'<span class="quiet">{escape(bandwidth_words(state))}</span>')


def quotes_html(state: State) -> str:
    """The latest quote of each instrument, in order of subscription."""
    rows = state["quotes"]["rows"]
    warning = "".join(map(problem, no_source_words(state["quotes"]["no_source"])))
    gone = "".join(f'<div class="quiet">{escape(words)}</div>' for words in gone_words(state))
    if not rows:
        return block(warning + gone or f"No instrument yet; ask for one: {code(_FIRST_SUBSCRIPTION)}")
    shown = rows_table(still_heads("quotes"), [_quote_cells(row, state["time"]) for row in rows[:ROWS_SHOWN]])
    return block(warning + gone + shown + more(len(rows), "instruments", "feed.quotes"))


def _quote_cells(row: Row, now: str | None) -> list[Cell]:
    return [_quote_cell(head, row, now) for head in HEADS["quotes"]]


def _quote_cell(head: Head, row: Row, now: str | None) -> Cell:
    value = row[head.key]
    if head.writing == "text":
        return value or UNKNOWN
    if head.writing == "age":
        return age(value, now), "number"
    if head.writing == "quantity":
        # The whole figure where it is pointed at.
        shown, whole = compact(value), number(value)
        return shown, "number", "" if shown == whole else whole
    signs = head.writing == "change" and value
    direction = (" up" if signs > 0 else " down") if signs else ""
    return written(head.writing, value, row["decimals"]), f"number{direction}"


def orders_html(state: State, broker_name: str | None = None) -> str:
    """Orders of one broker, or with None of all that the state has, the newest first."""
    counts = state["orders"]["counts"]
    count = sum(known for name, known in counts.items() if broker_name in (None, name))
    warning = "".join(map(problem, _unread_words(state, broker_name)))
    rows = [row for row in state["orders"]["rows"] if broker_name in (None, row["broker_name"])]
    if not rows:
        return block(warning or f"No order at {escape(broker_name or 'any broker')} today.")
    shown = rows_table(still_heads("orders"), [_order_cells(row, state["time"]) for row in rows[:ROWS_SHOWN]])
    return block(warning + shown + more(count, "orders", "feed.orders"))


def _unread_words(state: State, broker_name: str | None = None) -> list[str]:
    return [
        f"Orders unknown for {row['broker_name']}: {row['why']}"
        for row in state["orders"]["unread"]
        if broker_name in (None, row["broker_name"])
    ]


def _order_cells(row: Row, now: str | None) -> list[Cell]:
    status = row["status"]
    shown = "CANCELLED" if status == "CANCELED" else status.replace("_", " ")
    css = {"COMPLETE": "up", "REJECTED": "down"}.get(status, "")
    price = row["price"] if row["average_price"] is None else row["average_price"]
    why = [row["reject_reason"], row["doubt"] and f"not sure: {row['doubt']}"]
    cells: dict[str, Cell] = {
        "order_time": clock_time(row["order_time"], now),
        "broker_name": row["broker_name"],
        "status": (f"{shown}: {row['status_note']}" if row["status_note"] else shown, css),
        "side": row["side"] or UNKNOWN,
        "symbol": row["symbol"] or UNKNOWN,
        "filled_quantity": (f"{number(row['filled_quantity'])} / {number(row['quantity'])}", "number"),
        "price": (order_price(price, row["decimals"]), "number"),
        "limit_price": (order_price(row["price"], row["decimals"]), "number"),
        "reject_reason": (" · ".join(filter(None, why)), "words"),
    }
    return [cells[head.key] for head in HEADS["orders"]]


def summary_html(state: State) -> str:
    """A feed in short: where prices come from, and its brokers."""
    return _headline_html(state, "") + cards_html(state)


def headline_text(state: State) -> list[str]:
    """The headline as lines."""
    return [
        " · ".join(
            (
                "dualbroker",
                state["mode"],
                state["verdict"]["words"],
                state["market"]["words"],
                *state["headline"].values(),
            )
        ),
        savings_words(state),
        *(f"! {text}" for text in state["problems"]),
    ]


def bandwidth_text(state: State) -> list[str]:
    """What flows now as a line, with an empty one before it."""
    return ["", bandwidth_words(state)]


def quotes_text(state: State) -> list[str]:
    """The quotes as lines, with an empty one before them; none without an instrument."""
    unknown = [f"! {text}" for text in no_source_words(state["quotes"]["no_source"])] + gone_words(state)
    rows = [texts(_quote_cells(row, state["time"])) for row in state["quotes"]["rows"][:ROWS_SHOWN]]
    return [*_after_a_gap(unknown), *_after_a_gap(text_columns(still_heads("quotes"), rows) if rows else [])]


def orders_text(state: State) -> list[str]:
    """The orders as lines, with an empty one before them; none without an order."""
    unknown = [f"! {text}" for text in _unread_words(state)]
    rows = [texts(_order_cells(row, state["time"])) for row in state["orders"]["rows"][:ROWS_SHOWN]]
    return [*_after_a_gap(unknown), *_after_a_gap(text_columns(still_heads("orders"), rows) if rows else [])]


def _after_a_gap(lines: list[str]) -> list[str]:
    return ["", *lines] if lines else []
