"""Moments of one trading day."""

from __future__ import annotations

from datetime import datetime

from dualbroker.clock import IST

__all__ = ["ns_at"]


def ns_at(hour: int, minute: int, second: int = 0) -> int:
    """A moment of Monday 2 March 2026 in India, UTC ns."""
    return int(datetime(2026, 3, 2, hour, minute, second, tzinfo=IST).timestamp()) * 10**9
