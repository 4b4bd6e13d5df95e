"""A chain that is followed, as the state that the part ``chain`` draws."""

from __future__ import annotations

from typing import Any

import numpy as np

from dualbroker.manager.options.chain import ChainFollower
from dualbroker.manager.options.chain_table import ChainTable, chain_table
from dualbroker.manager.source import FeedSource
from dualbroker.view.chain import chain_state
from dualbroker.view.rows import iso_time, price_decimals, rupee_sign
from dualbroker.view.state import view_state
from dualbroker.view.unknown import no_quotes_because

__all__ = ["option_chain_state"]

_DECIMALS = {"iv": 2, "delta": 3, "gamma": 5, "theta": 2, "vega": 2}
"""As many as are read; the rest of a float would be most of the message."""


def option_chain_state(source: FeedSource, chain: ChainFollower, now_ns: int) -> dict[str, Any]:
    """What is shown of an option chain: ``mode``, ``time``, ``market``, and ``chain`` as in ``view.chain``.

    Parameters
    ----------
    source
        Whose chain it is; read, never changed.
    chain
        One that has begun.
    now_ns
        UTC, by the source's own clock.
    """
    view = chain.view
    assert view is not None, "a chain is shown once it has begun"
    table = chain_table(source.quotes, view, source.market_hours)
    days = chain.expiry_words
    day = f"{view.series.expiry:%a %d %b}"
    state = view_state(source, now_ns, parts="chain")
    state["chain"] = chain_state(
        _rows(table),
        underlying=view.name,
        expiry=view.series.expiry,
        expiry_words=f"{day} · {days}" if days else day,
        ltp=table.underlying_ltp,
        implied_forward=table.implied_forward,
        change_percent=table.underlying_change_percent,
        atm=table.at_the_money,
        straddle=table.straddle_at_the_money,
        iv=table.iv_at_the_money,
        max_pain=table.max_pain,
        put_call_ratio=table.ratio_by_open_interest,
        decimals=2 if view.underlying is None else price_decimals(view.underlying),
        sign="₹" if view.underlying is None else rupee_sign(view.underlying),
        option_decimals=max(map(price_decimals, view.options), default=2),
        note=chain.problem,
        no_source=no_quotes_because(source),
        newest=iso_time(table.newest_ns),
    )
    return state


def _rows(table: ChainTable) -> list[dict[str, float]]:
    columns = {"strike": table.strikes, "straddle": table.straddle, "put_call_ratio": table.put_call_ratio}
    for side, figures in (("call", table.calls), ("put", table.puts)):
        columns |= {f"{side}_{name}": values for name, values in figures.items()}
    for side in ("call", "put"):
        for name, decimals in _DECIMALS.items():
            columns[f"{side}_{name}"] = np.round(columns[f"{side}_{name}"], decimals)
        # What has never traded has a last price of 0, and no change since the last close.
        traded = columns[f"{side}_ltp"] > 0
        columns[f"{side}_change_percent"] = np.where(traded, columns[f"{side}_change_percent"], np.nan)
    values = [column.tolist() for column in columns.values()]
    return [dict(zip(columns, row, strict=True)) for row in zip(*values, strict=True)]
