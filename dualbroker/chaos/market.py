"""A market of few instruments that costs little: what thousands of schedules run over.

Every change of an instrument raises its volume by one lot, so price and volume together tell each change
from every other, which is what the rules compare the store by. It is open on weekdays from 09:15 to
15:30 IST, and silent, but for its quotes, at all other times.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from datetime import date
from functools import lru_cache
from itertools import accumulate

from dualbroker.clock import NS_PER_S
from dualbroker.model import DepthLevel, Instrument, InstrumentKey, InstrumentKind
from dualbroker.simulator.market.market import DEFAULT_TICK_SIZE, Bar, MarketTick
from dualbroker.simulator.market.universe import Universe, build_universe

__all__ = ["QUIET_SHARE", "SmallMarket", "market_is_open", "small_universe"]

_IST_OFFSET_S = 19_800
_DAY_S = 86_400
_OPEN_S, _CLOSE_S = 33_300, 55_800
_EPOCH_WEEKDAY = 3
"""1 January 1970 was a Thursday; Monday is 0."""
_EPOCH = date(1970, 1, 1).toordinal()
_DEPTH = 5
_DECIMALS = 4
"""The finest tick is that of currencies, 0.0025."""
_WEIGHTS = {InstrumentKind.INDEX: 8, InstrumentKind.EQUITY: 4, InstrumentKind.FUTURE: 4}
QUIET_SHARE = 12
"""One instrument in so many never trades, as far options do on most days."""


@lru_cache(maxsize=32)
def small_universe(today: date) -> Universe:
    """Indices, shares, futures and a few strikes of each chain: about 100 instruments."""
    return build_universe(today, strikes_each_side=2, expiries=1)


def market_is_open(time_ns: int) -> bool:
    """Whether the market trades at that moment (UTC ns). Holidays are unknown to it."""
    day, second = divmod(time_ns // NS_PER_S + _IST_OFFSET_S, _DAY_S)
    return (day + _EPOCH_WEEKDAY) % 7 < 5 and _OPEN_S <= second < _CLOSE_S


class SmallMarket:
    """A ``dualbroker.simulator.market.market.Market``; equal for equal arguments and calls of ``advance``.

    Parameters
    ----------
    universe
        What is listed.
    seed
        Of all chance.
    start_ns
        Market time at the start, UTC ns.
    ticks_per_second
        Of all instruments together, while the market is open.
    """

    def __init__(self, universe: Universe, *, seed: int, start_ns: int, ticks_per_second: float) -> None:
        self.instruments: Sequence[Instrument] = universe.instruments
        self.finished: bool = False
        self._positions = {item.key: place for place, item in enumerate(universe.instruments)}
        self._now_ns = start_ns
        self._rate = ticks_per_second
        self._owed = 0.0
        self._random = random.Random(f"market/{seed}")
        self._quotes = [_first_quote(universe, place) for place in range(len(universe.instruments))]
        day, second = divmod(start_ns // NS_PER_S + _IST_OFFSET_S, _DAY_S)
        self._session_days = [day if second >= _OPEN_S else day - 1] * len(self._quotes)
        for quote in self._quotes:
            quote["feed_time"] = float(start_ns // NS_PER_S)
        self.past: list[set[tuple[float | None, float | None]]] = [
            {(quote.get("ltp"), quote.get("volume"))} for quote in self._quotes
        ]
        """By position: every pair of last price and volume that there ever was."""
        self._weights = [_weight(place, item) for place, item in enumerate(self.instruments)]
        self._cumulative_weights = list(accumulate(self._weights))
        self._everything = range(len(self._quotes))

    def index_of(self, key: InstrumentKey) -> int | None:
        return self._positions.get(key)

    def now_ns(self) -> int:
        return self._now_ns

    def advance(self, elapsed_ns: int) -> list[MarketTick]:
        """Move on by an elapsed time; nothing ticks while the market is closed."""
        self._now_ns += elapsed_ns
        if not market_is_open(self._now_ns):
            return []
        self._owed += self._rate * elapsed_ns / NS_PER_S
        count = int(self._owed)
        if not count:
            return []
        self._owed -= count
        chosen = self._random.choices(self._everything, cum_weights=self._cumulative_weights, k=count)
        return [MarketTick(index, self._move(index)) for index in chosen]

    def rest(self, elapsed_ns: int) -> None:
        """Move on by a time in which nothing ticks."""
        self._now_ns += elapsed_ns

    def begin_day(self) -> None:
        """Derivatives that expired yesterday are no longer found or quoted; volumes start over."""
        today = date.fromordinal(_EPOCH + (self._now_ns // NS_PER_S + _IST_OFFSET_S) // _DAY_S)
        for index, item in enumerate(self.instruments):
            if item.expiry is not None and item.expiry < today:
                self._positions.pop(item.key, None)
                self._quotes[index] = {}
                self._weights[index] = 0
        self._cumulative_weights = list(accumulate(self._weights))

    def quote(self, index: int) -> Mapping[str, float]:
        return self._quotes[index]

    def depth(self, index: int) -> tuple[list[DepthLevel], list[DepthLevel]]:
        quote = self._quotes[index]
        if "bid" not in quote:
            return [], []
        tick = self.instruments[index].tick_size or DEFAULT_TICK_SIZE
        bids = [
            DepthLevel(quote["bid"] - tick * level, quote["bid_quantity"] * (level + 1), float(level + 1))
            for level in range(_DEPTH)
        ]
        asks = [
            DepthLevel(quote["ask"] + tick * level, quote["ask_quantity"] * (level + 1), float(level + 1))
            for level in range(_DEPTH)
        ]
        return bids, asks

    def circuit(self, index: int) -> tuple[float, float] | None:
        quote = self._quotes[index]
        return (quote["prev_close"] * 0.5, quote["prev_close"] * 2.0) if "bid" in quote else None

    def details(self, index: int) -> Mapping[str, float]:
        """Nothing is known beyond the quote."""
        return {}

    def total_open_interest(self, index: int) -> float | None:
        """Not kept: no rule looks at it."""
        return None

    def days(self, index: int, start_s: int, end_s: int) -> list[Bar]:
        """None: nobody here asks for daily bars."""
        return []

    def bars(self, index: int, start_s: int, end_s: int, interval_minutes: int) -> list[Bar]:
        """None: nobody here asks for bars."""
        return []

    def _move(self, index: int) -> dict[str, float]:
        quote = self._quotes[index]
        tick = self.instruments[index].tick_size or DEFAULT_TICK_SIZE
        now_s = self._now_ns // NS_PER_S
        price = max(tick, round(quote["ltp"] + tick * self._random.choice((-2, -1, 1, 2)), _DECIMALS))
        changes = {"ltp": price, "feed_time": float(now_s)}
        day = (now_s + _IST_OFFSET_S) // _DAY_S
        if self._session_days[index] != day:
            # A new session: the volume starts over, as the broker's does.
            changes |= {"prev_close": quote["ltp"], "open": price, "high": price, "low": price}
        elif price > quote["high"]:
            changes["high"] = price
        elif price < quote["low"]:
            changes["low"] = price
        if "volume" in quote:
            lot = self.instruments[index].lot_size
            before = 0.0 if "open" in changes else quote["volume"]
            changes |= {
                "bid": round(price - tick, _DECIMALS),
                "ask": round(price + tick, _DECIMALS),
                "volume": before + lot,
            }
            changes["bid_quantity"] = float(lot * self._random.randint(1, 20))
        self._session_days[index] = day
        quote.update(changes)
        self.past[index].add((price, quote.get("volume")))
        return changes


def _weight(place: int, instrument: Instrument) -> int:
    if instrument.kind is InstrumentKind.OPTION and place % QUIET_SHARE == 0:
        return 0
    return _WEIGHTS.get(instrument.kind, 1)


def _first_quote(universe: Universe, place: int) -> dict[str, float]:
    """As yesterday left it, a price of its own for each instrument."""
    instrument = universe.instruments[place]
    underlying = universe.underlyings[universe.underlying_of[place]]
    tick = instrument.tick_size or DEFAULT_TICK_SIZE
    price = underlying.base_price
    if instrument.kind is InstrumentKind.OPTION:
        price = 100.0 + place
    price = round(round(price / tick) * tick, _DECIMALS)
    quote = dict.fromkeys(("ltp", "open", "high", "low", "prev_close"), price) | {"change_percent": 0.0}
    if instrument.kind is InstrumentKind.INDEX:
        return quote
    lot = float(instrument.lot_size)
    quote |= {
        "bid": round(price - tick, _DECIMALS),
        "ask": round(price + tick, _DECIMALS),
        "average_price": price,
    }
    quote |= {"bid_quantity": 10 * lot, "ask_quantity": 12 * lot, "volume": 100 * lot}
    if instrument.expiry is not None:
        quote |= {"open_interest": 1000 * lot, "prev_open_interest": 900 * lot}
    return quote
