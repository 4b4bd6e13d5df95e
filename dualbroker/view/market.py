"""Whether the market is open, in words: silence after the close is no fault. Pure."""

from __future__ import annotations

from datetime import datetime

from dualbroker.clock import ist
from dualbroker.manager import WebSocketManager
from dualbroker.model import Role
from dualbroker.stores.health import BrokerHealth

__all__ = ["market_is_open", "market_words", "quiet_words", "time_words"]

_USUAL = frozenset({"NSE"})
"""Whose hours are told while nothing is subscribed."""


def market_is_open(manager: WebSocketManager, now_ns: int) -> bool:
    """Whether an exchange of any subscribed instrument trades now."""
    return manager.market_hours.any_open(_exchanges(manager), now_ns)


def market_words(manager: WebSocketManager, now_ns: int) -> str:
    """``market open``, or ``market closed, opens Mon 09:15``."""
    if market_is_open(manager, now_ns):
        return "market open"
    opens = ist(min(manager.market_hours.next_open_ns(name, now_ns) for name in _exchanges(manager)))
    return f"market closed, opens {time_words(opens, now_ns).removesuffix(':00')}"


def quiet_words(manager: WebSocketManager, health: BrokerHealth, now_ns: int) -> str:
    """Why no quote comes from a broker that carries them, while the market is closed; else empty."""
    if health.role not in (Role.PRIMARY, Role.SOME_QUOTES) or market_is_open(manager, now_ns):
        return ""
    if health.last_quote_ns is None:
        return "market closed, no quote yet"
    return f"market closed, last {time_words(ist(health.last_quote_ns), now_ns)}"


def time_words(moment: datetime, now_ns: int) -> str:
    """The time of day of an Indian time, with its day if that is not today."""
    day = "" if moment.date() == ist(now_ns).date() else f"{moment:%a} {moment.day} {moment:%b} "
    return f"{day}{moment:%H:%M:%S}"


def _exchanges(manager: WebSocketManager) -> frozenset[str]:
    return frozenset(exchange for exchange, _ in manager.subscriptions.book.wanted()) or _USUAL
