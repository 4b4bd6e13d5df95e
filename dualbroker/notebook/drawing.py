"""The panel's parts as HTML and as text, out of the view's state. Pure: no widget, no clock.

Whatever comes from a broker is escaped. A state is always a word too, never colour alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from dualbroker.notebook.text import UNKNOWN, age, clock_time, data_size, grouped, percent, price

__all__ = [
    "ROWS_SHOWN",
    "STYLE",
    "cards_html",
    "headline_html",
    "orders_html",
    "plain_text",
    "problem_html",
    "quotes_html",
    "snapshot_html",
]

State = Mapping[str, Any]
Row = Mapping[str, Any]
Cell = str | tuple[str, str]
"""Text, or text and the CSS classes of its cell."""

ROWS_SHOWN = 60
"""Of a table; the frames have all of them."""

# A head that begins with # stands over numbers.
_QUOTE_HEADS = ("symbol", "#ltp", "#chg %", "#bid", "#ask", "#volume", "#oi", "from")
_ORDER_HEADS = (
    "time",
    "broker",
    "side",
    "symbol",
    "#filled",
    "#quantity",
    "#price",
    "#average",
    "status",
    "why",
)
_BROKER_HEADS = ("broker", "state", "role", "#tick", "#order")

_FIRST_SUBSCRIPTION = 'feed.subscribe("NIFTY")'

STYLE = """<style>
.dualbroker { font-family: system-ui, sans-serif; font-size: 13px; line-height: 1.45; }
.dualbroker b.mode { padding: 1px 7px; border-radius: 3px; color: #fff; background: #5b3fa8; }
.dualbroker b.live { background: #1a7f37; }
.dualbroker .cards { display: flex; flex-wrap: wrap; gap: 8px; }
.dualbroker .card { flex: 1 1 220px; max-width: 420px; padding: 6px 10px; }
.dualbroker .card { border: 1px solid #8886; border-radius: 6px; }
.dualbroker .state { padding: 0 7px; border-radius: 9px; color: #fff; background: #57606a; }
.dualbroker .state.good { background: #1a7f37; }
.dualbroker .state.busy { background: #8a5a00; }
.dualbroker .state.bad { background: #c02c2c; }
.dualbroker .problem { margin-top: 3px; padding-left: 7px; border-left: 3px solid #c02c2c; }
.dualbroker .quiet { opacity: .75; }
.dualbroker table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
.dualbroker table.rows th, .dualbroker table.rows td { padding: 2px 8px; border: 0; }
.dualbroker table.rows th, .dualbroker table.rows td { text-align: left; white-space: nowrap; }
.dualbroker table.rows tbody tr { border-bottom: 1px solid #8883; background: none; }
.dualbroker table.rows .number { text-align: right; }
.dualbroker table.rows .words { min-width: 11em; white-space: normal; overflow-wrap: anywhere; }
.dualbroker .up { color: #1a7f37; }
.dualbroker .down { color: #c02c2c; }
[data-jp-theme-light="false"] .dualbroker .up { color: #5fd07a; }
[data-jp-theme-light="false"] .dualbroker .down { color: #ff8a80; }
</style>"""

_STATE_CLASS = {
    "live": "good",
    "polling": "good",
    "connecting": "busy",
    "reconnecting": "busy",
    "parked": "bad",
}


def headline_html(state: State) -> str:
    """Where prices come from, on which market, and what it saved so far."""
    mode = state["mode"]
    live = " live" if mode == "LIVE" else ""
    own = {f"{row['broker_name']}: {text}" for row in state["brokers"] for text in row["problems"]}
    problems = "".join(_problem(text) for text in state["problems"] if text not in own)
    return _block(
        f'<b class="mode{live}">{escape(mode)}</b> &nbsp;<b>{escape(state["headline"]["quotes"])}</b>'
        f" &nbsp;·&nbsp; {escape(state['headline']['orders'])}"
        f'<br><span class="quiet">{escape(_savings_words(state))}</span>{problems}'
    )


def _savings_words(state: State) -> str:
    savings = state["traffic"]["savings"]
    if savings["saved_percent"] is None:
        return "No quote has come yet, so there is nothing saved yet."
    return (
        f"{data_size(savings['quote_bytes'])} of quotes came; {data_size(savings['saved_quote_bytes'])} "
        f"({savings['saved_percent']:.1f} %) did not have to ({savings['how']})"
    )


def cards_html(state: State) -> str:
    """One card per broker: its state, its role, how fresh it is, what is wrong and what to do."""
    cards = "".join(_card(row, state) for row in state["brokers"])
    return _block(f'<div class="cards">{cards}</div>')


def _card(row: Row, state: State) -> str:
    now = state["time"]
    simulated = " · SIMULATED" if row["simulated"] else ""
    problems = "".join(_problem(text) for text in row["problems"])
    return (
        f'<div class="card"><b>{escape(row["broker_name"])}</b> '
        f'<span class="state {_STATE_CLASS.get(row["state"], "")}">● {escape(row["state"])}</span>'
        f"<br>{escape(row['role'])}"
        f'<br><span class="quiet">tick {age(row["last_quote"], now)} · order {age(row["last_order"], now)}'
        f" · {data_size(sum(row['bytes'].values()))}{simulated}</span>{problems}</div>"
    )


def _problem(text: str) -> str:
    return f'<div class="problem">{escape(text)}</div>'


def quotes_html(state: State) -> str:
    """The latest quote of each instrument, in order of subscription."""
    rows = state["quotes"]["rows"]
    warning = "".join(map(_problem, _no_source_words(state)))
    if not rows:
        return _block(warning or f"No instrument yet; ask for one: {_code(_FIRST_SUBSCRIPTION)}")
    table = _table(_QUOTE_HEADS, [_quote_cells(row) for row in rows[:ROWS_SHOWN]])
    return _block(warning + table + _more(state["quotes"]["count"], "instruments", "feed.quotes"))


def _quote_cells(row: Row) -> list[Cell]:
    decimals = row["decimals"]
    change = row["change_percent"]
    direction = "" if not change else " up" if change > 0 else " down"
    return [
        row["symbol"],
        (price(row["ltp"], decimals), "number"),
        (percent(change), f"number{direction}"),
        (price(row["bid"], decimals), "number"),
        (price(row["ask"], decimals), "number"),
        (grouped(row["volume"]), "number"),
        (grouped(row["open_interest"]), "number"),
        row["broker_name"] or UNKNOWN,
    ]


def orders_html(state: State, broker_name: str | None = None) -> str:
    """Orders of one broker, or with None of all, the newest first."""
    named = [row for row in state["brokers"] if broker_name in (None, row["broker_name"])]
    counts = state["orders"]["counts"]
    count = sum(counts.get(row["broker_name"], 0) for row in named)
    warning = "".join(map(_problem, _unread_words(state, broker_name)))
    rows = [row for row in state["orders"]["rows"] if broker_name in (None, row["broker_name"])]
    if not rows:
        return _block(warning or f"No order at {escape(broker_name or 'any broker')} today.")
    table = _table(_ORDER_HEADS, [_order_cells(row) for row in rows[:ROWS_SHOWN]])
    return _block(warning + table + _more(count, "orders", "feed.orders"))


def _no_source_words(state: State) -> list[str]:
    return [f"No broker carries quotes. {_because(row)}" for row in state["quotes"]["no_source"]]


def _unread_words(state: State, broker_name: str | None = None) -> list[str]:
    return [
        f"Orders unknown for {_because(row)}"
        for row in state["orders"]["unread"]
        if broker_name in (None, row["broker_name"])
    ]


def _because(row: Row) -> str:
    return f"{row['broker_name']}: {row['why']}"


def _order_cells(row: Row) -> list[Cell]:
    status = row["status"]
    css = {"COMPLETE": "up", "REJECTED": "down"}.get(status, "")
    return [
        clock_time(row["order_time"]),
        row["broker_name"],
        row["side"] or UNKNOWN,
        row["symbol"] or UNKNOWN,
        (grouped(row["filled_quantity"]), "number"),
        (grouped(row["quantity"]), "number"),
        (price(row["price"]), "number"),
        (price(row["average_price"]), "number"),
        (status, css),
        (row["reject_reason"] or "", "words"),
    ]


def problem_html(text: str) -> str:
    """What is wrong, standing by itself."""
    return _block(_problem(text))


def snapshot_html(state: State) -> str:
    """The whole panel at one moment, for readers without a kernel: no script, no widget."""
    parts = [headline_html(state), cards_html(state), quotes_html(state), orders_html(state)]
    as_of = _block(f'<span class="quiet">As of {escape(state["time"] or UNKNOWN)}</span>')
    return STYLE + "".join(parts) + as_of


def plain_text(state: State) -> str:
    """The same as text, for a terminal."""
    lines = [
        f"dualbroker · {state['mode']} · {state['headline']['quotes']} · {state['headline']['orders']}",
        _savings_words(state),
        *(f"! {text}" for text in state["problems"]),
        "",
        *_columns(
            _BROKER_HEADS,
            [
                [
                    row["broker_name"],
                    row["state"],
                    row["role"],
                    age(row["last_quote"], state["time"]),
                    age(row["last_order"], state["time"]),
                ]
                for row in state["brokers"]
            ],
        ),
    ]
    unknown = [*_no_source_words(state), *_unread_words(state)]
    if unknown:
        lines += ["", *(f"! {text}" for text in unknown)]
    quotes = state["quotes"]["rows"][:ROWS_SHOWN]
    if quotes:
        lines += ["", *_columns(_QUOTE_HEADS, [_texts(_quote_cells(row)) for row in quotes])]
    orders = state["orders"]["rows"][:ROWS_SHOWN]
    if orders:
        lines += ["", *_columns(_ORDER_HEADS, [_texts(_order_cells(row)) for row in orders])]
    return "\n".join(line.rstrip() for line in lines)


def _texts(cells: Iterable[Cell]) -> list[str]:
    return [cell if isinstance(cell, str) else cell[0] for cell in cells]


def _columns(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    names = [head.removeprefix("#") for head in heads]
    widths = [max(map(len, column)) for column in zip(names, *rows, strict=True)]
    align = [str.rjust if head.startswith("#") else str.ljust for head in heads]
    return [
        "  ".join(cell(text, width) for cell, text, width in zip(align, row, widths, strict=True))
        for row in (names, *rows)
    ]


def _block(inner: str) -> str:
    return f'<div class="dualbroker">{inner}</div>'


def _code(text: str) -> str:
    return f"<code>{escape(text)}</code>"


def _more(count: int, what: str, where: str) -> str:
    if count <= ROWS_SHOWN:
        return ""
    return f'<div class="quiet">{ROWS_SHOWN} of {grouped(count)} {what}; all of them: {_code(where)}</div>'


def _table(heads: Sequence[str], rows: Sequence[Sequence[Cell]]) -> str:
    head = "".join(
        f'<th class="number">{escape(text[1:])}</th>' if text[0] == "#" else f"<th>{escape(text)}</th>"
        for text in heads
    )
    body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows)
    return f'<table class="rows"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'


def _cell(cell: Cell) -> str:
    if isinstance(cell, str):
        return f"<td>{escape(cell)}</td>"
    text, css = cell
    return f'<td class="{css}">{escape(text)}</td>'
