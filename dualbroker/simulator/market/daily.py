"""Days that lie before a synthetic market: made up backwards from yesterday's close, the same each time."""

from __future__ import annotations

import zlib
from datetime import UTC, date, datetime, timedelta

import numpy as np

from dualbroker.market_calendar import closed_as_listed
from dualbroker.model import Instrument
from dualbroker.simulator.market.market import Bar

__all__ = ["MOST_DAYS", "day_start", "earlier_days"]

MOST_DAYS = 1200
"""A broker gives 1,201 at most, the present day among them (protocol: section 1.5)."""
_LIFE_OF_A_CONTRACT = 60
_DAILY_MOVE = 0.012
_VOLUME = 1_000_000


def day_start(day: date) -> int:
    """The epoch second by which a daily bar is known: midnight UTC."""
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())


def earlier_days(
    instrument: Instrument, close: float, tick: float, first: date, last: date, today: date
) -> list[Bar]:
    """Daily bars before today, newest first, those from ``first`` to ``last`` of them.

    Parameters
    ----------
    close
        Of the newest one, rupees.
    tick
        On which prices lie, rupees.
    """
    most = MOST_DAYS if instrument.expiry is None else _LIFE_OF_A_CONTRACT
    dice = np.random.default_rng(zlib.crc32("|".join(instrument.key).encode("utf-8")))
    days: list[Bar] = []
    day = today
    for move, reach_up, reach_down, busy in zip(
        dice.normal(0.0, _DAILY_MOVE, most), *dice.random((3, most)), strict=True
    ):
        day -= timedelta(days=1)
        while closed_as_listed(day):
            day -= timedelta(days=1)
        if day < first:
            break
        opened = _on_tick(close * np.exp(-move), tick)
        high = _on_tick(max(opened, close) * (1 + reach_up * _DAILY_MOVE), tick)
        low = _on_tick(min(opened, close) * (1 - reach_down * _DAILY_MOVE), tick)
        volume = float(round(_VOLUME * busy / instrument.lot_size) * instrument.lot_size)
        if day <= last:
            days.append(
                Bar(day_start(day), opened, high, low, close, volume, round((high + low) / 2, 2), 0.0, volume)
            )
        close = opened
    return days


def _on_tick(price: float, tick: float) -> float:
    return round(float(max(1, round(price / tick)) * tick), 4)
