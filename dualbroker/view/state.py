"""What is shown, as one plain value: the page draws it, and so does the notebook."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from dualbroker.manager.source import FeedSource
from dualbroker.view.parts import SLOW_KEYS, Look, parts_of
from dualbroker.view.rows import iso_time, mode

__all__ = ["slow_and_quick", "view_changes", "view_state"]

_PASSING = frozenset({"time"})
"""Keys that change by themselves, without anything having happened."""


def view_state(
    source: FeedSource,
    now_ns: int,
    parts: str | Iterable[str] = "monitor",
    symbols: Collection[str] | None = None,
    broker: str | None = None,
) -> dict[str, Any]:
    """What is shown of a running feed, as far as these parts of a dashboard need it.

    Plain values, ready for JSON; times are ISO 8601 with +05:30, None is unknown.

    Parameters
    ----------
    source
        Read, never changed; may still be connecting.
    now_ns
        UTC, by the source's own clock.
    parts
        One of ``view.parts.PARTS`` or several, or ``monitor``: all but the option chain, whose key
        ``chain`` is added by what keeps the chain (``view.chain``).
    symbols
        Quotes of these instruments only, by symbol or qualified name.
    broker
        Orders of this broker only.

    Returns
    -------
    dict
        ``mode``, ``time``, ``market`` (``open``, ``words``) always, and of these what the parts need:
        ``headline`` (``quotes``, ``orders``), ``verdict`` (as ``view.severity.verdict``), ``problems``,
        ``brokers`` (as ``view.cards.card_rows`` has them),
        ``counts`` (``instruments``; ``orders`` by broker),
        ``instruments`` and ``quotes`` (columns, as ``view.quotes.Shown`` and ``quote_columns`` have them),
        ``desk`` (as ``view.desk.desk_state``),
        ``orders`` (as ``view.orders.order_table``), ``histories`` (as ``view.histories.order_histories``),
        ``incidents``, ``failovers`` and ``alerts`` (``rows``, the newest first, and ``count``), ``traffic``.
    """
    shown = parts_of(parts)
    look = Look(source, now_ns, symbols, broker, frozenset[str]().union(*(part.keys for part in shown)))
    state: dict[str, Any] = {"mode": mode(source), "time": iso_time(now_ns), "market": look.market}
    for part in shown:
        state |= {key: make(look) for key, make in part.makers.items() if key not in state}
    return state


def view_changes(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """The keys of ``new`` whose values differ, with the time; empty when nothing has happened."""
    changes = {key: value for key, value in new.items() if key not in _PASSING and old.get(key) != value}
    return changes and {"time": new["time"], **changes}


def slow_and_quick(state: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """A state in two: what changes rarely (``view.parts.SLOW_KEYS``), and the rest."""
    return (
        {key: value for key, value in state.items() if key in SLOW_KEYS},
        {key: value for key, value in state.items() if key not in SLOW_KEYS},
    )
