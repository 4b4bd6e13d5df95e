"""The frame of an option chain, and how it reads as text."""

from __future__ import annotations

from typing import Any

import pandas as pd

from dualbroker import tables
from dualbroker.frames.columns import frame
from dualbroker.manager.options.chain_series import ChainView
from dualbroker.manager.options.chain_table import ChainTable

__all__ = ["chain_frame", "chain_text"]

_READ = ("open_interest", "volume", "ltp")
"""Of a side, in a terminal: as many as fit."""


def chain_frame(view: ChainView, table: ChainTable) -> pd.DataFrame:
    """One row per strike, the lowest first, indexed by ``strike``; columns: ``CHAIN``.

    ``attrs`` have what is about the chain as a whole; see :attr:`dualbroker.feed.chains.OptionChain.frame`.
    """
    data: dict[str, Any] = {}
    for side, figures in (("call", table.calls), ("put", table.puts)):
        data |= {f"{side}_{name}": figures[name] for name in tables.OPTION_FIGURES}
    pairs = list(view.pairs.values())
    data["straddle"] = table.straddle
    data["put_call_ratio"] = table.put_call_ratio
    data["call_symbol"] = [None if call is None else call.symbol for call, _ in pairs]
    data["put_symbol"] = [None if put is None else put.symbol for _, put in pairs]
    data["strike"] = table.strikes
    chain = frame(tables.CHAIN, data)
    chain.attrs.update(
        underlying=view.name,
        underlying_ltp=table.underlying_ltp,
        implied_forward=table.implied_forward,
        expiry=view.series.expiry.isoformat(),
        at_the_money=table.at_the_money,
        straddle=table.straddle_at_the_money,
        iv_at_the_money=table.iv_at_the_money,
        max_pain=table.max_pain,
        put_call_ratio={"open_interest": table.ratio_by_open_interest, "volume": table.ratio_by_volume},
    )
    return chain


def chain_text(chain: pd.DataFrame) -> str:
    """The frame as a person reads it: calls left, puts right of the strike, the one at the money marked."""
    middle = chain.attrs["at_the_money"]
    names = [f"call_{name}" for name in _READ] + ["strike", ""] + [f"put_{name}" for name in reversed(_READ)]
    shown = chain.reset_index()
    shown[""] = ["<" if strike == middle else "" for strike in chain.index]
    return str(
        shown[names].to_string(
            index=False,
            na_rep="–",
            float_format="{:,.2f}".format,
            formatters={"strike": "{:g}".format},
        )
    )
