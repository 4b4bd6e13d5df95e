"""What the simulated brokers need of a market, be it made up or a recorded day played again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import msgspec

from dualbroker.model import DepthLevel, Instrument, InstrumentKey

__all__ = ["DEFAULT_TICK_SIZE", "Bar", "Market", "MarketTick"]

DEFAULT_TICK_SIZE = 0.05
"""Rupees; the tick of an instrument that does not name its own."""


class MarketTick(msgspec.Struct, gc=False):
    """One change of one instrument.

    ``changes`` holds only what changed, under the names of ``model.QUOTE_FIELDS`` and ``feed_time``
    (epoch seconds, whole).
    """

    index: int
    """Position in ``Market.instruments``."""
    changes: dict[str, float]


class Bar(msgspec.Struct, frozen=True, gc=False):
    """Prices of one interval, labelled by its start."""

    start_s: int
    """Epoch seconds."""
    open: float
    high: float
    low: float
    close: float
    volume: float
    """Units traded within the interval; 0 for an index."""
    average_price: float
    """Weighted by volume over the interval; the close where nothing was traded."""
    open_interest: float
    """At the interval's end; 0 for what has none."""
    day_volume: float = 0.0
    """Units traded since the day's beginning, at the interval's end."""
    open_interest_change: float = 0.0
    """Within the interval."""


class Market(Protocol):
    """A market on its own clock, moved on by its holder. Not safe for several threads."""

    instruments: Sequence[Instrument]
    finished: bool
    """A replay that has come to its end; a synthetic market never has."""

    def index_of(self, key: InstrumentKey) -> int | None:
        """Position of an instrument in ``instruments``, None when there is no such one."""
        ...

    def now_ns(self) -> int:
        """Market time, UTC nanoseconds."""
        ...

    def advance(self, elapsed_ns: int) -> list[MarketTick]:
        """Move the market on by an elapsed real time; returns all changes, in the order of time."""
        ...

    def rest(self, elapsed_ns: int) -> None:
        """Let time pass while the market is closed: nothing changes, however long it is."""
        ...

    def begin_day(self) -> None:
        """A new day: figures of the day start over, expired derivatives are found and quoted no more."""
        ...

    def quote(self, index: int) -> Mapping[str, float]:
        """Full state now: names of ``model.QUOTE_FIELDS`` and ``feed_time``.

        Fields that an instrument lacks are absent (an index has no bid, volume or open interest).
        """
        ...

    def depth(self, index: int) -> tuple[list[DepthLevel], list[DepthLevel]]:
        """Five bids and five asks, best first, level one equal to ``quote()``; empty for indices.

        A level with a price of 0 is an empty one; a level of None is one of which nothing is known.
        """
        ...

    def circuit(self, index: int) -> tuple[float, float] | None:
        """Lower and upper price band in rupees, None where there is none."""
        ...

    def details(self, index: int) -> Mapping[str, float]:
        """What depth and GetQuotes say beyond ``quote``; only what is known.

        ``last_trade_time`` (epoch seconds), ``last_trade_quantity``, ``total_buy_quantity`` and
        ``total_sell_quantity`` (all orders of a side, units), ``high_52_weeks``, ``low_52_weeks`` (rupees).
        """
        ...

    def total_open_interest(self, index: int) -> float | None:
        """Units open in all derivatives of the instrument's underlying, None when there are none."""
        ...

    def days(self, index: int, start_s: int, end_s: int) -> list[Bar]:
        """Daily bars that start within ``start_s <= start < end_s``, newest first; ``start_s`` of a bar is
        the day's midnight UTC. The present day goes as far as it has come."""
        ...

    def bars(self, index: int, start_s: int, end_s: int, interval_minutes: int) -> list[Bar]:
        """Bars that start within ``start_s <= start < end_s`` (epoch seconds), newest first."""
        ...
