"""The form of the option chain."""

from __future__ import annotations

import json
import math
from datetime import date

from dualbroker.view.chain import CHAIN_COLUMNS, chain_state


def test_rows_are_lists_in_the_order_of_the_columns_and_unknown_is_none() -> None:
    state = chain_state(
        [{"strike": 26000.0, "call_ltp": 212.4, "put_ltp": math.nan}],
        underlying="NIFTY",
        expiry=date(2030, 1, 31),
        ltp=math.nan,
        change_percent=0.3,
        atm=26000.0,
        straddle=None,
        put_call_ratio=math.inf,
    )
    assert json.loads(json.dumps(state, allow_nan=False)) == state
    row = dict(zip(state["columns"], state["rows"][0], strict=True))
    assert state["columns"] == list(CHAIN_COLUMNS)
    assert (row["strike"], row["call_ltp"], row["put_ltp"], row["call_bid"]) == (26000.0, 212.4, None, None)
    assert (state["ltp"], state["put_call_ratio"], state["expiry"]) == (None, None, "2030-01-31")
