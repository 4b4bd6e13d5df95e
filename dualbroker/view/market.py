"""Whether the market of what is subscribed is open, in words. Pure."""

from __future__ import annotations

from typing import Any

import numpy as np

from dualbroker.clock import NS_PER_S, ist
from dualbroker.manager.source import FeedSource
from dualbroker.view.remembered import Remembered

__all__ = ["market_state", "subscribed_exchanges"]

_DAYS_KNOWN_BY_WEEKDAY = 7
_remembered = Remembered()


def subscribed_exchanges(manager: FeedSource) -> list[str]:
    """The exchanges of all that is subscribed, in order of the alphabet; NSE when nothing is."""
    return _remembered.of(
        manager.quotes,
        "exchanges",
        manager.arrangement,
        lambda: sorted({exchange for exchange, _ in manager.wanted()}) or ["NSE"],
    )


def market_state(manager: FeedSource, now_ns: int) -> dict[str, Any]:
    """``open``: whether an exchange of what is subscribed trades now; ``words``: that, for a person.

    ``market open``; ``market open: MCX; closed: NSE``;
    ``market closed, last 15:29:59 · opens Wed 09:15`` (the newest quote, and the next session).
    """
    hours = manager.market_hours
    exchanges = subscribed_exchanges(manager)
    trading = [exchange for exchange in exchanges if hours.is_open(exchange, now_ns)]
    if not trading:
        return {"open": False, "words": _closed(manager, exchanges, now_ns)}
    closed = [exchange for exchange in exchanges if exchange not in trading]
    words = f"market open: {', '.join(trading)}; closed: {', '.join(closed)}" if closed else "market open"
    if hours.beyond_calendar(now_ns):
        words += ", unless today is a holiday: the calendar does not reach so far"
    return {"open": True, "words": words}


def _closed(manager: FeedSource, exchanges: list[str], now_ns: int) -> str:
    hours = manager.market_hours
    closes = [hours.last_close_ns(exchange, now_ns) for exchange in exchanges]
    last_close_ns = max((moment for moment in closes if moment is not None), default=None)
    newest_ns = _newest_feed_time_ns(manager)
    words = "market closed"
    if newest_ns is not None and last_close_ns is not None:
        # A snapshot that was taken after the close has its own time, and no trade of that time.
        words += f", last {_moment(min(newest_ns, last_close_ns), now_ns, '%H:%M:%S')}"
    next_ns = min(hours.next_open_ns(exchange, now_ns) for exchange in exchanges)
    return f"{words} · opens {_moment(next_ns, now_ns, '%H:%M')}"


def _newest_feed_time_ns(manager: FeedSource) -> int | None:
    _, rows, _ = manager.quotes.latest()
    times_s = rows["feed_time"][np.isfinite(rows["feed_time"])]
    return int(times_s.max()) * NS_PER_S if len(times_s) else None


def _moment(moment_ns: int, now_ns: int, clock: str) -> str:
    """The time alone for today, with the weekday for this week, else with the date."""
    moment, today = ist(moment_ns), ist(now_ns).date()
    days = abs((moment.date() - today).days)
    if days == 0:
        return f"{moment:{clock}}"
    if days < _DAYS_KNOWN_BY_WEEKDAY:
        return f"{moment:%a {clock}}"
    return f"{moment.day} {moment:%b {clock}}"
