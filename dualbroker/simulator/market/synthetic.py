"""A made-up market, open at all hours: one factor moves it, options are priced off it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from dualbroker.clock import NS_PER_S
from dualbroker.errors import DualBrokerError
from dualbroker.model import DepthLevel, Instrument, InstrumentKey
from dualbroker.noren.times import ist_day
from dualbroker.simulator.market.bars import MinuteRecorder, merge_bars
from dualbroker.simulator.market.board import Board
from dualbroker.simulator.market.daily import day_start, earlier_days
from dualbroker.simulator.market.deltas import FIELD_ROW, FIELDS, make_ticks
from dualbroker.simulator.market.factors import Factors
from dualbroker.simulator.market.ladder import ladder
from dualbroker.simulator.market.liquidity import liquidity
from dualbroker.simulator.market.market import Bar, MarketTick
from dualbroker.simulator.market.pricing import Floats, Integers
from dualbroker.simulator.market.universe import Universe

__all__ = ["MOST_TICKS_PER_CALL", "MOST_TICKS_PER_SECOND", "SyntheticMarket"]

MOST_TICKS_PER_SECOND = 50_000
MOST_TICKS_PER_CALL = 500_000
"""Ten seconds at the highest rate: after a machine slept for hours, the market does not relive them."""

_HISTORY_MINUTES = 60
"""The session has been open for so long when the market starts, so that the day's figures mean something."""
_HISTORY_STEP_S = 15
_KEEP_MINUTES = 400
_LONGEST_STEP_S = 1.0
_SMALLEST_FULL_ROUND = 64
_ROUND_DIVISOR = 4
"""At most this part of all instruments ticks in one round: larger rounds cost less per tick, smaller ones
let liquid instruments tick more often than the others."""
_LTP = FIELD_ROW["ltp"]
_YEAR, _YEAR_OF_AN_OPTION = (1.21, 0.74), (4.0, 0.2)
"""The year's highest and lowest price, as multiples of yesterday's close."""
_DEEPER_LOTS = 160
"""At least as many as the four levels below the best one can show together."""


class SyntheticMarket:
    """The same for the same universe, seed, start and sequence of ``advance`` calls.

    Parameters
    ----------
    universe
        What is listed, from ``build_universe``.
    seed
        Of all randomness.
    start_ns
        Market time at which it starts, UTC nanoseconds; an hour of history lies before it.
    ticks_per_second
        Of all instruments together, 1 to 50,000; liquid ones get more of them.

    Raises
    ------
    DualBrokerError
        The rate is out of bounds.
    """

    def __init__(self, universe: Universe, *, seed: int, start_ns: int, ticks_per_second: float) -> None:
        if not 1 <= ticks_per_second <= MOST_TICKS_PER_SECOND:
            raise DualBrokerError(
                f"expected 1 to {MOST_TICKS_PER_SECOND} ticks a second, found {ticks_per_second}"
            )
        self.instruments: Sequence[Instrument] = universe.instruments
        self.finished: bool = False
        self._positions = {item.key: position for position, item in enumerate(universe.instruments)}
        self._rate = ticks_per_second
        self._owed_ticks = 0.0
        self._now_ns = start_ns - _HISTORY_MINUTES * 60 * NS_PER_S
        self._random = np.random.default_rng(seed)
        self._factors = Factors(universe, self._random)
        busy = liquidity(universe, self._factors.volatility, self._now_s)
        self._weight: Floats = busy.tick_weight
        self._board = Board(universe, self._factors, busy, self._random, self._now_s)
        self._underlying: Integers = np.array(universe.underlying_of)
        self._is_gone: NDArray[np.bool_] = np.zeros(len(universe.instruments), dtype=bool)
        self._everything: Integers = np.arange(len(universe.instruments))
        self._most_per_round = max(_SMALLEST_FULL_ROUND, self._everything.size // _ROUND_DIVISOR)
        self._quotes: dict[int, Mapping[str, float]] = {}
        """As last asked for, until it changes: resting orders ask for the same few many times a second."""
        self._recorder = MinuteRecorder(self._everything.size, keep_minutes=_KEEP_MINUTES)
        self._live_through_history()

    def index_of(self, key: InstrumentKey) -> int | None:
        """Position of an instrument in ``instruments``, None when there is no such one."""
        return self._positions.get(key)

    def now_ns(self) -> int:
        """Market time, UTC nanoseconds."""
        return self._now_ns

    def advance(self, elapsed_ns: int) -> list[MarketTick]:
        """Move on by an elapsed time; the ticks come in rounds in which no instrument ticks twice."""
        seconds = elapsed_ns / NS_PER_S
        self._owed_ticks += self._rate * seconds
        count = min(int(self._owed_ticks), MOST_TICKS_PER_CALL)
        self._owed_ticks %= 1.0
        rounds = max(
            math.ceil(count / self._most_per_round), min(count, math.ceil(seconds / _LONGEST_STEP_S))
        )
        start_ns = self._now_ns
        ticks: list[MarketTick] = []
        for done in range(rounds):
            self._now_ns = start_ns + elapsed_ns * (done + 1) // rounds
            self._factors.step(seconds / rounds)
            which = self._choose(count * (done + 1) // rounds - count * done // rounds)
            values, changed = self._move(which)
            ticks += make_ticks(which, values.T, changed.T)
        if not rounds:
            self._now_ns += elapsed_ns
            self._factors.step(seconds)
        return ticks

    def rest(self, elapsed_ns: int) -> None:
        """Let time pass while the market is closed; what is traded next is not traded for that time too."""
        self._now_ns += elapsed_ns
        self._board.rest_until(self._now_s)

    def begin_day(self) -> None:
        """A new day: the last price becomes the previous close, expired derivatives are no more."""
        board = self._board
        self._recorder.begin(self._now_s, board.volume, board.turnover, board.open_interest)
        board.begin_day()
        self._recorder.begin_day(board.volume, board.turnover)
        self._quotes.clear()
        today = ist_day(self._now_ns)
        for position, item in enumerate(self.instruments):
            if item.expiry is not None and item.expiry < today:
                self._positions.pop(item.key, None)
                self._is_gone[position] = True

    def quote(self, index: int) -> Mapping[str, float]:
        """Full state now, under the names of ``model.QUOTE_FIELDS`` and ``feed_time``; empty once expired."""
        quote = self._quotes.get(index)
        if quote is None:
            values = [] if self._is_gone[index] else self._board.state[:, index].tolist()
            quote = {name: value for name, value in zip(FIELDS, values, strict=False) if value == value}
            self._quotes[index] = quote
        return quote

    def depth(self, index: int) -> tuple[list[DepthLevel], list[DepthLevel]]:
        """Five bids and five asks, best first; empty for an index."""
        if self._board.is_index[index] or self._is_gone[index]:
            return [], []
        quote = self.quote(index)
        tick = float(self._board.tick[index])
        lot_size = self.instruments[index].lot_size
        step = tick * max(1, round((quote["ask"] - quote["bid"]) / tick / 2))
        bids = ladder(quote["bid"], quote["bid_quantity"], step=-step, lot_size=lot_size, salt=index)
        asks = ladder(quote["ask"], quote["ask_quantity"], step=step, lot_size=lot_size, salt=index + 1)
        return bids, asks

    def circuit(self, index: int) -> tuple[float, float] | None:
        """Lower and upper price band in rupees, None for an index."""
        return None if self._board.is_index[index] else self._board.price_band(index)

    def details(self, index: int) -> Mapping[str, float]:
        """What depth and GetQuotes say beyond ``quote``; the year's range lies around yesterday's close."""
        quote = self.quote(index)
        if not quote:
            return {}
        instrument, tick = self.instruments[index], float(self._board.tick[index])
        rise, fall = _YEAR_OF_AN_OPTION if instrument.strike is not None else _YEAR
        close = quote["prev_close"]
        details = {
            "high_52_weeks": max(quote["high"], round(close * rise / tick) * tick),
            "low_52_weeks": min(quote["low"], max(1, round(close * fall / tick)) * tick),
        }
        if self._board.is_index[index]:
            return details
        deeper = (_DEEPER_LOTS + index % _DEEPER_LOTS) * instrument.lot_size
        details["total_buy_quantity"] = 3 * quote["bid_quantity"] + deeper
        details["total_sell_quantity"] = 3 * quote["ask_quantity"] + deeper
        if self._board.last_trade_s[index] > 0:
            details["last_trade_time"] = float(self._board.last_trade_s[index])
            details["last_trade_quantity"] = float(self._board.last_trade_quantity[index])
        return details

    def total_open_interest(self, index: int) -> float | None:
        """Units open in all derivatives of its underlying, None when there are none."""
        ours = (self._underlying == self._underlying[index]) & ~self._is_gone
        total = float(np.nansum(self._board.open_interest[ours]))
        return total or None

    def days(self, index: int, start_s: int, end_s: int) -> list[Bar]:
        """Daily bars, newest first; those before today are made up from yesterday's close backwards."""
        today = ist_day(self._now_ns)
        quote = self.quote(index)
        days: list[Bar] = []
        if not quote:
            return days
        if start_s <= day_start(today) < end_s:
            volume = quote.get("volume", 0.0)
            average = quote.get("average_price", quote["ltp"])
            prices = (quote["open"], quote["high"], quote["low"], quote["ltp"])
            interest = quote.get("open_interest", 0.0)
            days.append(Bar(day_start(today), *prices, volume, average, interest, volume))
        first, last = (datetime.fromtimestamp(max(each, 0), UTC).date() for each in (start_s, end_s - 1))
        instrument, tick = self.instruments[index], float(self._board.tick[index])
        return days + earlier_days(instrument, quote["prev_close"], tick, first, last, today)

    def bars(self, index: int, start_s: int, end_s: int, interval_minutes: int) -> list[Bar]:
        """Bars that start within ``start_s <= start < end_s``, newest first; 400 minutes are kept."""
        board = self._board
        minutes = self._recorder.minutes(index, board.volume, board.turnover, board.open_interest)
        return merge_bars(minutes, start_s, end_s, interval_minutes)

    @property
    def _now_s(self) -> float:
        return self._now_ns / NS_PER_S

    def _live_through_history(self) -> None:
        self._factors.open()
        self._board.open(self._now_s)
        for _ in range(_HISTORY_MINUTES * 60 // _HISTORY_STEP_S):
            self._factors.step(_HISTORY_STEP_S)
            self._move(self._everything)
            self._now_ns += _HISTORY_STEP_S * NS_PER_S

    def _choose(self, count: int) -> Integers:
        """Distinct instruments, liquid ones more often: an exponential race in which the first win."""
        finish = self._random.standard_exponential(self._weight.size) / self._weight
        if self._is_gone.any():
            finish[self._is_gone] = np.inf
            count = min(count, int(np.count_nonzero(~self._is_gone)))
        if count >= finish.size:
            return self._everything
        winners = np.argpartition(finish, count)[:count]
        chosen: Integers = winners[np.argsort(finish[winners])]
        return chosen

    def _move(self, which: Integers) -> tuple[Floats, np.typing.NDArray[np.bool_]]:
        board = self._board
        self._recorder.begin(self._now_s, board.volume, board.turnover, board.open_interest)
        values, changed, traded = board.move(which, self._now_s)
        if self._quotes:
            for index in which.tolist():
                self._quotes.pop(index, None)
        self._recorder.note(which[traded], values[_LTP, traded])
        return values, changed
