"""What a person was told of, the newest of it. Pure."""

from __future__ import annotations

from collections import deque
from typing import Literal

import msgspec

__all__ = ["Alert", "AlertState", "AlertStore"]

MOST_ALERTS = 1_000

AlertState = Literal["raised", "resolved", "event", "test"]
"""A condition that has begun, or has ended; what happened once; what a person sent to see it arrive."""


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """One message to a person."""

    number: int = 0
    """Counts all alerts of this feed, from 1; 0 before it has been noted."""
    time_ns: int = 0
    """UTC, by the feed's clock."""
    state: AlertState
    rule: str
    """One of ``alerts.rules.RULES``, ``price``, ``margin``, ``max_loss`` or ``max_drawdown``."""
    words: str
    broker_name: str | None = None
    symbol: str | None = None


class AlertStore:
    """The newest alerts; older ones are dropped and counted."""

    def __init__(self, max_alerts: int = MOST_ALERTS) -> None:
        self.alerts: deque[Alert] = deque(maxlen=max_alerts)
        self.count = 0

    @property
    def dropped(self) -> int:
        return self.count - len(self.alerts)

    def add(self, alert: Alert, time_ns: int) -> Alert:
        """Give it its number and time, and keep it."""
        self.count += 1
        numbered = msgspec.structs.replace(alert, number=self.count, time_ns=time_ns)
        self.alerts.append(numbered)
        return numbered

    def snapshot(self) -> list[Alert]:
        """Oldest first; safe from any thread."""
        return list(self.alerts.copy())
