"""What stays of a view without its kernel: a plain table, a picture, a text. No script, no widget."""

from __future__ import annotations

from collections.abc import Callable, Collection
from html import escape
from typing import Any

import pandas as pd

from dualbroker.figures import UNKNOWN
from dualbroker.manager.source import FeedSource
from dualbroker.notebook.card_drawing import cards_html, cards_text
from dualbroker.notebook.drawing import (
    STYLE,
    bandwidth_text,
    headline_html,
    headline_text,
    orders_html,
    orders_text,
    quotes_html,
    quotes_text,
    savings_words,
    snapshot_html,
    summary_html,
)
from dualbroker.notebook.history import failovers_text, incidents_text
from dualbroker.notebook.pieces import State, block
from dualbroker.view.named import with_named_rows
from dualbroker.view.state import view_state

__all__ = ["part_snapshot", "snapshot_text"]

_HTML: dict[str, Callable[[State], str]] = {
    "monitor": snapshot_html,
    "summary": summary_html,
    "cards": lambda state: headline_html(state) + cards_html(state),
    "quotes": quotes_html,
    "orders": orders_html,
}


def part_snapshot(
    source: FeedSource,
    now_ns: int,
    part: str,
    symbols: Collection[str] | None = None,
    broker: str | None = None,
) -> dict[str, Any]:
    """A part of the dashboard at one moment, by mimetype: ``text/html`` or ``image/png``, and ``text/plain``.

    Parameters are those of ``view.state.view_state``.
    """
    state = with_named_rows(view_state(source, now_ns, part, symbols, broker))
    text = {"text/plain": snapshot_text(part, state)}
    if part == "bandwidth":
        return {"image/png": _bandwidth_png(state), **text}
    as_of = f"As of {state['time'] or UNKNOWN} · {state['mode']}"
    quiet = block(f'<span class="quiet">{escape(as_of)}</span>')
    return {"text/html": f"{STYLE}{_HTML[part](state)}{quiet}", **text}


def snapshot_text(part: str, state: State) -> str:
    """A part of the dashboard as text, for a terminal; ``state`` has named rows."""
    makers: dict[str, list[Callable[[State], list[str]]]] = {
        "monitor": [
            headline_text,
            cards_text,
            quotes_text,
            orders_text,
            failovers_text,
            incidents_text,
            bandwidth_text,
        ],
        "summary": [headline_text, cards_text],
        "cards": [headline_text, cards_text],
        "quotes": [_title, quotes_text],
        "orders": [_title, orders_text],
        "bandwidth": [_title, lambda state: [savings_words(state)], bandwidth_text],
    }
    lines = [line for make in makers[part] for line in make(state)]
    return "\n".join(line.rstrip() for line in lines)


def _title(state: State) -> list[str]:
    return [" · ".join(("dualbroker", state["mode"], state["market"]["words"]))]


def _bandwidth_png(state: State) -> bytes:
    # matplotlib takes half a second to import, and most views never need it.
    from dualbroker.notebook.png import Line, draw_png

    history = state["traffic"]["history"]
    count = len(history["carried"])
    seconds = pd.Index(range(1 - count, 1))
    return draw_png(
        [
            Line(x=seconds, y=history["naive_estimate"], name="every broker streaming quotes, estimated"),
            Line(x=seconds, y=history["carried"], name="carried, measured"),
        ],
        title=f"Bytes per second · {state['mode']} · {savings_words(state)}",
        x_title="seconds ago",
        from_zero=True,
    )
