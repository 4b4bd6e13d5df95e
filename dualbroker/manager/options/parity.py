"""What calls and puts say about their underlying's price, by put-call parity. Pure.

A call less a put of one strike is worth what the underlying will cost at expiry, less the strike. So their
prices imply a forward price also where the underlying itself is not listed: options on commodities and
currencies, or a recorded day that has options only. It is not the underlying's current price: it differs
by what holding the underlying until expiry costs.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["implied_forward", "option_prices"]

_STRIKES_ASKED = 3
"""Strikes nearest to the money that are asked, so that a stale price at one of them decides nothing."""

Floats = NDArray[np.float64]


def option_prices(bid: Floats, ask: Floats, ltp: Floats) -> Floats:
    """What each option is worth, rupees: the middle of bid and ask, else the last price; NaN is unknown.

    A last price may be hours old where few trade; bid and ask are current. 0 means that there is none.
    """
    quoted = (bid > 0) & (ask >= bid)
    return np.where(quoted, (bid + ask) / 2, np.where(ltp > 0, ltp, np.nan))


def implied_forward(strikes: Floats, calls: Floats, puts: Floats) -> float:
    """The forward price that calls and puts imply, rupees; NaN where no strike has both prices.

    Parameters
    ----------
    strikes
        Rupees.
    calls, puts
        Prices in the strikes' order, rupees; NaN is unknown.

    Returns
    -------
    float
        Strike plus call less put: the median of the strikes where call and put are nearest to each other,
        which are those nearest to the money. Interest until expiry is left out of account.
    """
    difference = calls - puts
    known = ~np.isnan(difference)
    if not known.any():
        return float("nan")
    nearest = np.argsort(np.abs(difference[known]), kind="stable")[:_STRIKES_ASKED]
    return float(np.median((strikes + difference)[known][nearest]))
