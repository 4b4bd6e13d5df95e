"""The figures of an option chain, out of the latest quotes. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from dualbroker.clock import NS_PER_S
from dualbroker.greeks import NS_PER_YEAR, Greeks, greeks, implied_volatility
from dualbroker.manager.options.chain_series import ChainView
from dualbroker.manager.options.chain_window import nearest
from dualbroker.manager.options.parity import implied_forward, option_prices
from dualbroker.market_hours import MarketHours
from dualbroker.model import Instrument
from dualbroker.stores.quotes import QuoteStore
from dualbroker.stores.tick_blocks import TICK_DTYPE
from dualbroker.tables import GREEKS, OPTION_FIGURES

__all__ = ["ChainTable", "chain_table", "implied_money", "max_pain"]

Floats = NDArray[np.float64]


class ChainTable(msgspec.Struct, frozen=True):
    """A chain at one moment; arrays have a place for each strike, the lowest first. NaN is unknown."""

    strikes: Floats
    calls: dict[str, Floats]
    """By the names of ``tables.OPTION_FIGURES``; ``change`` and ``open_interest_change`` are since the day
    before."""
    puts: dict[str, Floats]
    straddle: Floats
    """Call and put of the strike together, rupees."""
    put_call_ratio: Floats
    """Open interest of the put for each of the call."""
    underlying_ltp: float
    """Unknown also where the underlying is not listed itself."""
    underlying_change_percent: float
    implied_forward: float
    """What the underlying will cost at expiry by its calls and puts, rupees; see ``parity``."""
    at_the_money: float
    """The strike nearest to the underlying's price, or to the implied one where that is all there is."""
    straddle_at_the_money: float
    iv_at_the_money: float
    """Per cent a year; of call and put at the money, the mean of those that are known."""
    max_pain: float
    """Of all the strikes in it; see ``max_pain``."""
    ratio_by_open_interest: float
    """Of all the strikes together of which both sides are known: puts for each call."""
    ratio_by_volume: float
    newest_ns: int | None
    """Receive time of the newest quote in it, UTC ns; None before the first."""


def chain_table(store: QuoteStore, view: ChainView, hours: MarketHours) -> ChainTable:
    """The chain's current figures, from any thread.

    Volatilities and greeks are of the moment of its newest quote, by the broker's own time, so that they hold
    after the close too. The greeks go by an option's own volatility; where its price tells none, as deep in
    the money, by that of the other side of its strike, which is the same but for the spread.
    """
    calls, puts, spot = _latest(store, view)
    strikes = np.array(view.window.strikes, float)
    prices = _prices(calls), _prices(puts)
    implied = implied_forward(strikes, *prices)
    ltp = float(spot["ltp"][0])
    money = implied if view.underlying is None else ltp
    middle = float("nan") if np.isnan(money) else nearest(view.window.strikes, money)
    straddle = calls["ltp"] + puts["ltp"]
    at_the_money = straddle[strikes == middle]
    newest = max(int(table["receive_time"].max(initial=0)) for table in (calls, puts, spot))
    years = _years_left(view, hours, calls, puts, newest)
    call_iv = implied_volatility(prices[0], implied, strikes, years, True)
    put_iv = implied_volatility(prices[1], implied, strikes, years, False)
    either = np.where(np.isnan(call_iv), put_iv, call_iv), np.where(np.isnan(put_iv), call_iv, put_iv)
    call_figures = _figures(calls, call_iv, greeks(implied, strikes, years, either[0], True))
    put_figures = _figures(puts, put_iv, greeks(implied, strikes, years, either[1], False))
    return ChainTable(
        strikes=strikes,
        calls=call_figures,
        puts=put_figures,
        straddle=straddle,
        put_call_ratio=_ratio(puts["open_interest"], calls["open_interest"]),
        underlying_ltp=ltp,
        underlying_change_percent=float(spot["change_percent"][0]),
        implied_forward=implied,
        at_the_money=middle,
        straddle_at_the_money=float(at_the_money[0]) if at_the_money.size else float("nan"),
        iv_at_the_money=100 * _mean([call_iv[strikes == middle], put_iv[strikes == middle]]),
        max_pain=max_pain(strikes, calls["open_interest"], puts["open_interest"]),
        ratio_by_open_interest=_ratio_of_all(puts["open_interest"], calls["open_interest"]),
        ratio_by_volume=_ratio_of_all(puts["volume"], calls["volume"]),
        newest_ns=newest or None,
    )


def implied_money(store: QuoteStore, view: ChainView) -> float:
    """The forward that the chain's calls and puts imply, rupees, without the rest of the table."""
    calls, puts, _ = _latest(store, view)
    return implied_forward(np.array(view.window.strikes, float), _prices(calls), _prices(puts))


def max_pain(strikes: Floats, calls: Floats, puts: Floats) -> float:
    """The strike at which options would bring their holders least if the underlying ended there, rupees.

    Parameters
    ----------
    calls, puts
        Open interest in the strikes' order, units; NaN is unknown and counts for nothing.

    Returns
    -------
    float
        The lowest of several; NaN where no open interest is known.
    """
    calls, puts = np.nan_to_num(calls), np.nan_to_num(puts)
    if not (calls.any() or puts.any()):
        return math.nan
    above = np.maximum(strikes[:, None] - strikes, 0.0)
    return float(strikes[np.argmin(above @ calls + above.T @ puts)])


def _latest(store: QuoteStore, view: ChainView) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """The newest rows of calls, puts and the underlying; NaN where there is none yet."""
    indices, rows, _ = store.latest()
    places = {int(index): place for place, index in enumerate(indices)}

    def latest(instruments: Sequence[Instrument | None]) -> NDArray[Any]:
        found = np.zeros(len(instruments), TICK_DTYPE)
        for name in TICK_DTYPE.names or ():
            found[name] = 0 if name == "receive_time" else np.nan
        for number, instrument in enumerate(instruments):
            index = None if instrument is None else store.index_of(instrument.key)
            place = None if index is None else places.get(index)
            if place is not None:
                found[number] = rows[place]
        return found

    pairs = list(view.pairs.values())
    return latest([call for call, _ in pairs]), latest([put for _, put in pairs]), latest([view.underlying])


def _prices(rows: NDArray[Any]) -> Floats:
    return option_prices(rows["bid"], rows["ask"], rows["ltp"])


def _years_left(
    view: ChainView, hours: MarketHours, calls: NDArray[Any], puts: NDArray[Any], newest_ns: int
) -> float:
    """From the newest quote to the expiry; NaN before the first."""
    if not newest_ns or not view.options:
        return math.nan
    told = np.concatenate([calls["feed_time"], puts["feed_time"]])
    told_ns = int(np.nanmax(told) * NS_PER_S) if not np.isnan(told).all() else newest_ns
    at_ns = min(told_ns, newest_ns)
    return hours.time_left_ns(view.options[0].exchange, view.series.expiry, at_ns) / NS_PER_YEAR


def _mean(values: Sequence[Floats]) -> float:
    known = [float(value) for array in values for value in array if not np.isnan(value)]
    return sum(known) / len(known) if known else math.nan


def _figures(rows: NDArray[Any], volatility: Floats, sensitivities: Greeks) -> dict[str, Floats]:
    derived = {
        **{name: getattr(sensitivities, name) for name in GREEKS},
        "iv": volatility * 100,
        "change": np.round(rows["ltp"] - rows["prev_close"], 4),
        "open_interest_change": rows["open_interest"] - rows["prev_open_interest"],
    }
    return {name: derived[name] if name in derived else rows[name].copy() for name in OPTION_FIGURES}


def _ratio(puts: Floats, calls: Floats) -> Floats:
    """Unknown where there is no call to divide by."""
    divisor = np.where(calls > 0, calls, np.nan)
    ratio: Floats = puts / divisor
    return ratio


def _ratio_of_all(puts: Floats, calls: Floats) -> float:
    both = ~(np.isnan(puts) | np.isnan(calls))
    if not both.any():
        return float("nan")
    return float(_ratio(puts[both].sum(keepdims=True), calls[both].sum(keepdims=True))[0])
