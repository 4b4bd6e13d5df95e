"""What stays of a view without its kernel: a plain table, a picture, a text. No script, no widget."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from html import escape
from typing import Any

import pandas as pd

from dualbroker.figures import UNKNOWN
from dualbroker.manager.source import FeedSource
from dualbroker.notebook.plain.cards import cards_html, cards_text
from dualbroker.notebook.plain.desk import desk_html, desk_text
from dualbroker.notebook.plain.drawing import (
    STYLE,
    bandwidth_html,
    bandwidth_text,
    headline_html,
    headline_text,
    orders_html,
    orders_text,
    quotes_html,
    quotes_text,
    savings_words,
    summary_html,
)
from dualbroker.notebook.plain.history import failovers_html, failovers_text, incidents_html, incidents_text
from dualbroker.notebook.plain.pieces import State, block
from dualbroker.view.named import with_named_rows
from dualbroker.view.parts import MONITOR_PARTS
from dualbroker.view.state import view_state

__all__ = ["FORMS", "Form", "part_snapshot", "snapshot_html", "snapshot_text"]


def _title(state: State) -> list[str]:
    return [" · ".join(("dualbroker", state["mode"], state["market"]["words"]))]


def _bandwidth_png(state: State) -> bytes:
    # matplotlib takes half a second to import, and most views never need it.
    from dualbroker.notebook.pictures.png import Line, draw_png

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


@dataclass(frozen=True, kw_only=True)
class Form:
    """What stays of a part of the dashboard."""

    html: Callable[[State], str]
    text: Callable[[State], list[str]]
    above: Callable[[State], list[str]] | None = None
    """Lines above its text where it stands by itself."""
    png: Callable[[State], bytes] | None = None
    """A picture in place of the HTML where it stands by itself."""


FORMS: dict[str, Form] = {
    "cards": Form(
        html=lambda state: headline_html(state) + cards_html(state),
        text=lambda state: headline_text(state) + cards_text(state),
    ),
    "quotes": Form(html=quotes_html, text=quotes_text, above=_title),
    "orders": Form(html=orders_html, text=orders_text, above=_title),
    "desk": Form(html=desk_html, text=desk_text, above=_title),
    "logs": Form(
        html=lambda state: failovers_html(state) + incidents_html(state),
        text=lambda state: failovers_text(state) + incidents_text(state),
        above=_title,
    ),
    "bandwidth": Form(
        html=bandwidth_html,
        text=bandwidth_text,
        above=lambda state: [*_title(state), savings_words(state)],
        png=_bandwidth_png,
    ),
    "summary": Form(html=summary_html, text=lambda state: headline_text(state) + cards_text(state)),
}
"""By part of ``view.parts.PARTS``; an option chain has its own."""


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
    if part in FORMS and (draw := FORMS[part].png) is not None:
        return {"image/png": draw(state), **text}
    as_of = f"As of {state['time'] or UNKNOWN} · {state['mode']}"
    quiet = block(f'<span class="quiet">{escape(as_of)}</span>')
    return {"text/html": f"{STYLE}{snapshot_html(part, state)}{quiet}", **text}


def snapshot_html(part: str, state: State) -> str:
    """A part of the dashboard, or all of ``monitor``, as plain HTML; ``state`` has named rows."""
    names = MONITOR_PARTS if part == "monitor" else (part,)
    return "".join(FORMS[name].html(state) for name in names)


def snapshot_text(part: str, state: State) -> str:
    """A part of the dashboard as text, for a terminal; ``state`` has named rows."""
    if part == "monitor":
        lines = [line for name in MONITOR_PARTS for line in FORMS[name].text(state)]
    else:
        form = FORMS[part]
        lines = (form.above(state) if form.above else []) + form.text(state)
    return "\n".join(line.rstrip() for line in lines)
