"""The figures of an option chain, out of the latest quotes. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from dualbroker.manager.options.chain_series import ChainView
from dualbroker.manager.options.chain_window import nearest
from dualbroker.manager.options.parity import implied_forward, option_prices
from dualbroker.model import Instrument
from dualbroker.stores.quotes import QuoteStore
from dualbroker.stores.tick_blocks import TICK_DTYPE
from dualbroker.tables import OPTION_FIGURES

__all__ = ["ChainTable", "chain_table"]

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
    ratio_by_open_interest: float
    """Of all the strikes together of which both sides are known: puts for each call."""
    ratio_by_volume: float
    newest_ns: int | None
    """Receive time of the newest quote in it, UTC ns; None before the first."""


def chain_table(store: QuoteStore, view: ChainView) -> ChainTable:
    """The chain's figures of now, from any thread."""
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
    calls = latest([call for call, _ in pairs])
    puts = latest([put for _, put in pairs])
    spot = latest([view.underlying])
    strikes = np.array(view.window.strikes, float)
    prices = [option_prices(side["bid"], side["ask"], side["ltp"]) for side in (calls, puts)]
    implied = implied_forward(strikes, *prices)
    ltp = float(spot["ltp"][0])
    money = implied if view.underlying is None else ltp
    middle = float("nan") if np.isnan(money) else nearest(view.window.strikes, money)
    straddle = calls["ltp"] + puts["ltp"]
    at_the_money = straddle[strikes == middle]
    newest = max(int(table["receive_time"].max(initial=0)) for table in (calls, puts, spot))
    return ChainTable(
        strikes=strikes,
        calls=_figures(calls),
        puts=_figures(puts),
        straddle=straddle,
        put_call_ratio=_ratio(puts["open_interest"], calls["open_interest"]),
        underlying_ltp=ltp,
        underlying_change_percent=float(spot["change_percent"][0]),
        implied_forward=implied,
        at_the_money=middle,
        straddle_at_the_money=float(at_the_money[0]) if at_the_money.size else float("nan"),
        ratio_by_open_interest=_ratio_of_all(puts["open_interest"], calls["open_interest"]),
        ratio_by_volume=_ratio_of_all(puts["volume"], calls["volume"]),
        newest_ns=newest or None,
    )


def _figures(rows: NDArray[Any]) -> dict[str, Floats]:
    derived = {
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
