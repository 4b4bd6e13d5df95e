"""The brokers' cards as plain HTML and as text, out of the view's state. Pure; all text is escaped."""

from __future__ import annotations

from html import escape

from dualbroker.figures import age, byte_rate, byte_size, milliseconds, number
from dualbroker.notebook.plain.pieces import Row, State, block, problem, text_columns

__all__ = ["cards_html", "cards_text"]

_BROKER_HEADS = ("broker", "state", "duty", "#tick", "#order")


def cards_html(state: State) -> str:
    """One card per broker: its state, its role, how fresh it is, what is wrong and what to do."""
    cards = "".join(_card(row, state) for row in state["brokers"])
    return block(f'<div class="cards">{cards}</div>')


def _card(row: Row, state: State) -> str:
    facts = "<br>".join(map(escape, _card_facts(row, state["time"])))
    simulated = " · SIMULATED" if row["simulated"] else ""
    notes = "".join(
        f'<br><span class="quiet">{escape(row[key])}</span>' for key in ("market", "failover") if row[key]
    )
    problems = "".join(problem(text) for text in row["problems"])
    return (
        f'<div class="card"><b>{escape(row["broker_name"])}</b> '
        f'<span class="state is-{escape(row["severity"])}">● {escape(row["state_words"])}</span>'
        f"<br>{escape(row['duty'])}{notes}"
        f'<br><span class="quiet">{facts}{simulated}</span>'
        f"{problems}</div>"
    )


def _card_facts(row: Row, now: str) -> list[str]:
    """The facts of a live card, as lines, and what has come in all."""
    tick = "none, by plan" if row["role"] == "orders only" else age(row["last_quote"], now)
    rates = " · ".join(f"{kind} {byte_rate(rate)}" for kind, rate in row["bytes_per_second"].items())
    subscribed = number(row["acknowledged"])
    if row["acknowledged"] != row["subscriptions"]:
        subscribed += f" of {number(row['subscriptions'])}"
    return [
        f"tick {tick} · order {age(row['last_order'], now)} · latency {milliseconds(row['latency_ms'])}"
        f" · reconnects {number(row['reconnects'])}",
        f"{rates} · subscribed {subscribed}",
        f"{byte_size(row['quote_bytes'] + row['order_bytes'] + row['control_bytes'])} in all",
    ]


def cards_text(state: State) -> list[str]:
    """The brokers as lines, with an empty one before them."""
    rows = [
        [
            row["broker_name"],
            row["state_words"],
            row["duty"],
            "by plan" if row["role"] == "orders only" else age(row["last_quote"], state["time"]),
            age(row["last_order"], state["time"]),
        ]
        for row in state["brokers"]
    ]
    return ["", *text_columns(_BROKER_HEADS, rows)]
