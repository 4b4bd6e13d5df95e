"""The option chain as plain state: the key ``chain``, drawn by the part ``chain``. Pure.

``state["chain"]`` is::

    {
        "underlying": "NIFTY",          # as a person says it
        "expiry": "2030-01-31",         # ISO date, None when it is not known yet
        "expiry_words": "Thu 31 Jan · 4 days",   # or ""
        "ltp": 26012.4,                 # of the underlying, rupees; None is unknown, or it is not listed
        "implied_forward": 26031.2,     # what it will cost at expiry, by calls and puts; None is unknown
        "change_percent": 0.31,
        "decimals": 2,                  # of the underlying's price
        "sign": "₹",                    # before it; empty for an index, which is points
        "option_decimals": 2,           # of the options' prices
        "atm": 26000.0,                 # the strike at the money; None before the first price
        "straddle": 412.3,              # call and put at the money together, rupees
        "iv": 12.4,                     # of that strike, per cent a year
        "max_pain": 26000.0,            # the strike at which the open interest shown would be worth least
        "put_call_ratio": 0.94,         # by open interest, of the strikes shown
        "note": "",                     # why it is not whole, in words; empty when it is
        "no_source": [],                # why no broker carries quotes, as in ``quotes``; empty when one does
        "newest": "2030-01-27T10:…",    # when its newest quote came, ISO 8601; None before the first
        "columns": CHAIN_COLUMNS,
        "rows": [[25500.0, ...], ...],  # by strike, the lowest first; fields in the columns' order
    }

Quantities and open interest are units, ``*_open_interest_change`` is its change since the day before; None is
unknown. ``call_*`` stands left of the strike, ``put_*`` right of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from dualbroker import tables
from dualbroker.view.rows import known

__all__ = ["CHAIN_COLUMNS", "chain_state"]

CHAIN_COLUMNS = tuple(column.name for column in tables.CHAIN.all_columns if column.head)
"""Fields of a row, in the order in which they are sent."""


def chain_state(
    rows: Iterable[Mapping[str, Any]],
    *,
    underlying: str,
    expiry: date | None,
    expiry_words: str = "",
    ltp: float | None,
    implied_forward: float | None = None,
    change_percent: float | None,
    atm: float | None,
    straddle: float | None,
    iv: float | None = None,
    max_pain: float | None = None,
    put_call_ratio: float | None,
    decimals: int = 2,
    sign: str = "",
    option_decimals: int = 2,
    note: str = "",
    no_source: Iterable[Mapping[str, str]] = (),
    newest: str | None = None,
) -> dict[str, Any]:
    """The key ``chain`` of rows with the fields of ``CHAIN_COLUMNS``; one that is missing is unknown."""
    return {
        "underlying": underlying,
        "expiry": None if expiry is None else expiry.isoformat(),
        "expiry_words": expiry_words,
        "ltp": known(ltp),
        "implied_forward": known(implied_forward),
        "change_percent": known(change_percent),
        "decimals": decimals,
        "sign": sign,
        "option_decimals": option_decimals,
        "atm": known(atm),
        "straddle": known(straddle),
        "iv": known(iv),
        "max_pain": known(max_pain),
        "put_call_ratio": known(put_call_ratio),
        "note": note,
        "no_source": [dict(row) for row in no_source],
        "newest": newest,
        "columns": list(CHAIN_COLUMNS),
        "rows": [[known(row.get(name)) for name in CHAIN_COLUMNS] for row in rows],
    }
