"""How busy each instrument is: how often it ticks, what it trades, what is open in it."""

from __future__ import annotations

import msgspec
import numpy as np
from numpy.typing import NDArray

from dualbroker.model import InstrumentKind
from dualbroker.simulator.market.pricing import FairValues, Floats
from dualbroker.simulator.market.universe import Universe

__all__ = ["Liquidity", "liquidity"]

_TICK_WEIGHTS = {InstrumentKind.INDEX: 10.0, InstrumentKind.FUTURE: 8.0, InstrumentKind.EQUITY: 3.0}
_UNITS_PER_SECOND = {InstrumentKind.INDEX: 0.0, InstrumentKind.FUTURE: 150.0, InstrumentKind.EQUITY: 350.0}
_OPTION_TICK_WEIGHT = 8.0
_LEAST_TICK_WEIGHT = 0.3
_OPTION_UNITS_PER_SECOND = 3_000.0
_LEAST_BUSY = 0.001
_BUSY_DEVIATIONS = 1.5
"""Standard deviations from the money within which most trading in options takes place."""
_OPTION_DECAY_YEARS = 10 / 365
_FUTURE_DECAY_YEARS = 30 / 365
"""An expiry this much further away is traded 2.7 times less."""
_OPEN_INTEREST_SECONDS = 1_500.0
"""Open interest of yesterday, as seconds of today's trading."""
_TRADED_OUTSIDE, _HELD_OUTSIDE = 0.5, 1.0
"""People buy and write what is out of the money, calls above and puts below it: how much more of it is
traded, and how much more is open, than at the money (1.0 is 2.7 times); by as much less inside."""
_ROUND_STRIKE = 10
"""Steps between strikes that a person would name, such as 26,000 among 25,950 and 26,050."""
_HELD_AT_ROUND_STRIKES = 1.8


class Liquidity(msgspec.Struct, frozen=True):
    """One element per instrument of the universe in each array."""

    tick_weight: Floats
    """Relative frequency of ticks."""
    units_per_second: Floats
    """Expected turnover; 0 for an index."""
    open_interest: Floats
    """Yesterday's, in whole lots; NaN for what has none."""


def liquidity(universe: Universe, volatility: float, now_s: float) -> Liquidity:
    """Indices, near futures and options near the money and near their expiry are the busiest.

    Parameters
    ----------
    volatility
        India VIX / 100.
    now_s
        Market time, epoch seconds.
    """
    instruments = universe.instruments
    fair_values = FairValues(universe)
    everything = np.arange(len(instruments))
    bases = np.array([underlying.base_price for underlying in universe.underlyings])
    away = fair_values.moneyness(everything, bases, volatility, now_s)
    years = fair_values.years_left(everything, now_s)
    is_option = fair_values.is_option
    decay_years = np.where(is_option, _OPTION_DECAY_YEARS, _FUTURE_DECAY_YEARS)
    busy = np.exp(-0.5 * (away / _BUSY_DEVIATIONS) ** 2 - years / decay_years)
    weight = np.array([_TICK_WEIGHTS.get(item.kind, 0.0) for item in instruments])
    units = np.array([_UNITS_PER_SECOND.get(item.kind, 0.0) for item in instruments])
    weight = np.where(is_option, _LEAST_TICK_WEIGHT + _OPTION_TICK_WEIGHT * busy, weight * busy)
    units = np.where(is_option, _OPTION_UNITS_PER_SECOND * (_LEAST_BUSY + busy), units * busy)
    side = np.array([{"CE": 1.0, "PE": -1.0}.get(item.option_type or "", 0.0) for item in instruments])
    outside = np.tanh(side * away)
    units = units * np.exp(_TRADED_OUTSIDE * outside)
    has_expiry = np.array([item.expiry is not None for item in instruments])
    lots = np.array([item.lot_size for item in instruments])
    held = np.exp((_HELD_OUTSIDE - _TRADED_OUTSIDE) * outside) * np.where(
        _is_round(universe), _HELD_AT_ROUND_STRIKES, 1.0
    )
    open_interest = np.ceil(units * held * _OPEN_INTEREST_SECONDS / lots) * lots
    return Liquidity(
        tick_weight=weight,
        units_per_second=units,
        open_interest=np.where(has_expiry, open_interest, np.nan),
    )


def _is_round(universe: Universe) -> NDArray[np.bool_]:
    """Which options have a strike that people prefer."""
    strikes: dict[str, set[float]] = {}
    for item in universe.instruments:
        if item.strike is not None:
            strikes.setdefault(item.name, set()).add(item.strike)
    steps = {name: np.diff(sorted(ladder)).min() for name, ladder in strikes.items() if len(ladder) > 1}
    return np.array(
        [
            item.strike is not None
            and item.name in steps
            and item.strike % (_ROUND_STRIKE * steps[item.name]) == 0
            for item in universe.instruments
        ]
    )
