"""The quote board of a synthetic market: a table of all quotes, and how a tick changes a row of it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dualbroker.model import InstrumentKind
from dualbroker.simulator.market.deltas import FIELD_ROW, FIELDS
from dualbroker.simulator.market.factors import Factors
from dualbroker.simulator.market.liquidity import Liquidity
from dualbroker.simulator.market.pricing import FairValues, Floats, Integers, two_sided
from dualbroker.simulator.market.universe import Universe

__all__ = ["Board"]

_TRADE_SHARE = 0.6
"""Share of ticks that bring a trade; the others change the book only."""
_PRICE_BAND = 0.1
"""Share of yesterday's close by which a share or future may move."""
_OPTION_BAND = 0.2
"""Share of the underlying's price by which an option may move away from yesterday's close."""
_TYPICAL_LOTS = 12.0
"""Mean quantity at the best price, in lots of 50 units or more."""
_LOT_WORTH = 50.0

_DECIMALS = 4
"""Of prices in rupees: the tick of a currency is 0.0025."""
_LTP, _BID, _ASK = FIELD_ROW["ltp"], FIELD_ROW["bid"], FIELD_ROW["ask"]
_BID_QUANTITY, _ASK_QUANTITY = FIELD_ROW["bid_quantity"], FIELD_ROW["ask_quantity"]
_VOLUME, _AVERAGE = FIELD_ROW["volume"], FIELD_ROW["average_price"]
_INTEREST, _PREVIOUS_INTEREST = FIELD_ROW["open_interest"], FIELD_ROW["prev_open_interest"]
_OPEN, _HIGH, _LOW, _CLOSE = FIELD_ROW["open"], FIELD_ROW["high"], FIELD_ROW["low"], FIELD_ROW["prev_close"]
_CHANGE, _FEED_TIME = FIELD_ROW["change_percent"], FIELD_ROW["feed_time"]
_NOT_OF_A_SHARE = np.array([_INTEREST, _PREVIOUS_INTEREST])
_NOT_OF_AN_INDEX = np.array(
    [_BID, _BID_QUANTITY, _ASK, _ASK_QUANTITY, _VOLUME, _AVERAGE, _INTEREST, _PREVIOUS_INTEREST]
)


class Board:
    """Quotes of all instruments, one column each; NaN is what an instrument lacks.

    Built with the underlyings still at yesterday's close; ``open`` then gives every instrument its
    first price of the day.
    """

    def __init__(
        self, universe: Universe, factors: Factors, busy: Liquidity, random: np.random.Generator, now_s: float
    ) -> None:
        self._factors = factors
        self._random = random
        self._fair_values = FairValues(universe)
        self.tick: Floats = self._fair_values.tick
        kinds = np.array([item.kind for item in universe.instruments])
        self.is_index: NDArray[np.bool_] = kinds == InstrumentKind.INDEX
        self._is_share: NDArray[np.bool_] = kinds == InstrumentKind.EQUITY
        self._lot: Floats = np.array([float(item.lot_size) for item in universe.instruments])
        self._quantity_step: Floats = np.ceil(_LOT_WORTH / self._lot) * self._lot
        self._units_per_second = busy.units_per_second
        self._last_tick_s: Floats = np.full(kinds.size, now_s)
        self.turnover: Floats = np.zeros(kinds.size)
        self.last_trade_s: Floats = np.full(kinds.size, np.nan)
        """Epoch seconds; NaN before the first trade, and of an index."""
        self.last_trade_quantity: Floats = np.full(kinds.size, np.nan)
        self.state: Floats = np.full((len(FIELDS), kinds.size), np.nan)
        """Shape (fields, instruments), rows as in ``deltas.FIELDS``."""
        everything = np.arange(kinds.size)
        close = self._on_tick(self._fair(everything, now_s)[0], everything)
        self.state[_CLOSE] = close
        self.state[_INTEREST] = self.state[_PREVIOUS_INTEREST] = busy.open_interest
        self._set_price_bands(close)

    @property
    def volume(self) -> Floats:
        """Units traded since the session opened, NaN for an index."""
        volume: Floats = self.state[_VOLUME]
        return volume

    @property
    def open_interest(self) -> Floats:
        """Units, NaN for what has none."""
        open_interest: Floats = self.state[_INTEREST]
        return open_interest

    def price_band(self, index: int) -> tuple[float, float]:
        """Lowest and highest price of the day, rupees."""
        tick = self.tick[index]
        lowest, highest = float(self._lowest[index] * tick), float(self._highest[index] * tick)
        return round(lowest, _DECIMALS), round(highest, _DECIMALS)

    def open(self, now_s: float) -> None:
        """Set the first prices of the day, from where the underlyings opened."""
        everything = np.arange(self._lot.size)
        first = self._on_tick(self._fair(everything, now_s)[0], everything)
        self.state[[_LTP, _OPEN, _HIGH, _LOW, _AVERAGE]] = first
        self.state[[_BID, _ASK, _BID_QUANTITY, _ASK_QUANTITY, _VOLUME, _CHANGE]] = 0.0
        self.state[np.ix_(_NOT_OF_AN_INDEX, np.flatnonzero(self.is_index))] = np.nan
        self.state[np.ix_(_NOT_OF_A_SHARE, np.flatnonzero(self._is_share))] = np.nan

    def rest_until(self, now_s: float) -> None:
        """Nothing was traded until now (epoch seconds): what follows is not the trade of that time."""
        self._last_tick_s[:] = now_s

    def begin_day(self) -> None:
        """Yesterday's last price is the previous close, and the day's figures start there."""
        last = self.state[_LTP].copy()
        self.state[[_CLOSE, _OPEN, _HIGH, _LOW]] = last
        self.state[_CHANGE] = 0.0
        self.state[_AVERAGE] = np.where(np.isnan(self.state[_AVERAGE]), np.nan, last)
        self.state[_VOLUME] = np.where(np.isnan(self.state[_VOLUME]), np.nan, 0.0)
        self.state[_PREVIOUS_INTEREST] = self.state[_INTEREST]
        self.turnover[:] = 0.0
        self._set_price_bands(last)

    def move(self, which: Integers, now_s: float) -> tuple[Floats, NDArray[np.bool_], NDArray[np.bool_]]:
        """Give distinct instruments a tick each.

        Returns
        -------
        values
            Their new columns, shape (fields, instruments).
        changed
            What of it is new, the same shape; at least one field each.
        traded
            Which of them had a trade, shape (instruments,).
        """
        old: Floats = self.state[:, which]
        new = old.copy()
        is_index = self.is_index[which]
        fair, half_spread = self._fair(which, now_s)
        draws = self._random.random((5, which.size))
        self._quote(new, which, fair + half_spread * (draws[0] - 0.5), half_spread, draws[1:3])
        traded: NDArray[np.bool_] = is_index | (draws[3] < _TRADE_SHARE)
        bought = draws[4] < 0.5
        price = np.where(bought, new[_ASK], new[_BID])
        price = np.where(is_index, self._level(old[_LTP], fair, which, bought), price)
        self._trade(new, which, np.where(traded, price, old[_LTP]), traded, now_s)
        new[_FEED_TIME] = np.floor(now_s)
        new[np.ix_(_NOT_OF_AN_INDEX, np.flatnonzero(is_index))] = np.nan
        self.state[:, which] = new
        self._last_tick_s[which] = now_s
        return new, (new != old) & ~np.isnan(new), traded

    def _quote(
        self, new: Floats, which: Integers, middle: Floats, half_spread: Floats, draws: Floats
    ) -> None:
        """Put a new bid and ask, both with a quantity that differs from the one before."""
        tick = self.tick[which]
        bid, ask = two_sided(middle, half_spread, tick, self._lowest[which], self._highest[which])
        new[_BID] = np.round(bid * tick, _DECIMALS)
        new[_ASK] = np.round(ask * tick, _DECIMALS)
        step = self._quantity_step[which]
        for row, draw in zip((_BID_QUANTITY, _ASK_QUANTITY), draws, strict=True):
            quantity = np.ceil(-_TYPICAL_LOTS * np.log1p(-draw) + 1e-9) * step
            new[row] = np.where(quantity == new[row], quantity + step, quantity)

    def _level(self, before: Floats, fair: Floats, which: Integers, upwards: NDArray[np.bool_]) -> Floats:
        """The level of an index; never the one before, or there would be nothing to tell."""
        level = self._on_tick(fair, which)
        nudged = np.round(before + np.where(upwards, 1.0, -1.0) * self.tick[which], _DECIMALS)
        return np.where(level == before, nudged, level)

    def _trade(
        self, new: Floats, which: Integers, price: Floats, traded: NDArray[np.bool_], now_s: float
    ) -> None:
        """Book a trade and all that follows from it."""
        lot = self._lot[which]
        expected = self._units_per_second[which] * (now_s - self._last_tick_s[which]) / _TRADE_SHARE
        bursts = self._random.standard_exponential(which.size)
        quantity = np.where(traded, np.ceil(expected * bursts / lot + 1e-9) * lot, 0.0)
        sold = quantity > 0
        self.last_trade_quantity[which[sold]] = quantity[sold]
        self.last_trade_s[which[sold]] = now_s
        new[_LTP] = price
        new[_HIGH] = np.maximum(new[_HIGH], price)
        new[_LOW] = np.minimum(new[_LOW], price)
        new[_CHANGE] = np.round((price / new[_CLOSE] - 1.0) * 100.0, 2)
        new[_VOLUME] += quantity
        self.turnover[which] += quantity * price
        with np.errstate(invalid="ignore"):
            average = np.round(self.turnover[which] / new[_VOLUME], 2)
        new[_AVERAGE] = np.where(new[_VOLUME] > 0, average, new[_AVERAGE])
        opened = np.round(quantity * self._random.uniform(-0.3, 0.33, which.size) / lot) * lot
        new[_INTEREST] = np.maximum(new[_INTEREST] + opened, lot)

    def _fair(self, which: Integers, now_s: float) -> tuple[Floats, Floats]:
        return self._fair_values.values(which, self._factors.levels, self._factors.volatility, now_s)

    def _on_tick(self, price: Floats, which: Integers) -> Floats:
        tick = self.tick[which]
        return np.round(np.maximum(np.round(price / tick), 1.0) * tick, _DECIMALS)

    def _set_price_bands(self, close: Floats) -> None:
        """Lowest and highest price, in ticks; an index has no band."""
        underlying = self._factors.levels[self._fair_values.underlying]
        reach = np.where(self._fair_values.is_option, underlying * _OPTION_BAND, close * _PRICE_BAND)
        lowest = np.maximum(np.ceil((close - reach) / self.tick), 1.0)
        highest = np.floor((close + reach) / self.tick)
        self._lowest: Floats = np.where(self.is_index, 1.0, lowest)
        self._highest: Floats = np.where(self.is_index, np.inf, highest)
