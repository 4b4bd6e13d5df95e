"""Quote messages: a touchline (``tk``, ``tf``) or five levels of depth (``dk``, ``df``).

The structs are what msgspec decodes a frame into, in one call, numbers out of strings included; they
are handed on as they are (`dualbroker.model.QuoteUpdate`, `DepthUpdate`), so no tick is copied.
Prices are rupees, quantities and open interest units; None is what the message did not say.
Protocol: section 2.3.
"""

from __future__ import annotations

from typing import ClassVar

import msgspec

from dualbroker.model import DepthLevel
from dualbroker.noren.fields import EpochSeconds, Percent, Price, Quantity, Text, Whole, Word

__all__ = ["DepthDelta", "DepthSnapshot", "TouchlineDelta", "TouchlineSnapshot"]


# msgspec applies ``rename`` only to fields defined in the very class that has it, so each field is
# defined once, in a base with its own table. gc=False: these hold no containers, nothing can cycle.
class _Touchline(
    msgspec.Struct,
    kw_only=True,
    gc=False,
    rename={
        "exchange": "e",
        "token": "tk",
        "ltp": "lp",
        "change_percent": "pc",
        "bid": "bp1",
        "bid_quantity": "bq1",
        "ask": "sp1",
        "ask_quantity": "sq1",
        "volume": "v",
        "open": "o",
        "high": "h",
        "low": "l",
        "prev_close": "c",
        "average_price": "ap",
        "open_interest": "oi",
        "prev_open_interest": "poi",
        "total_open_interest": "toi",
        "feed_time": "ft",
    },
):
    is_snapshot: ClassVar[bool]
    has_depth: ClassVar[bool] = False

    exchange: Word
    token: Word
    ltp: Price = None
    change_percent: Percent = None
    bid: Price = None
    bid_quantity: Quantity = None
    ask: Price = None
    ask_quantity: Quantity = None
    volume: Quantity = None
    """Cumulative over the day."""
    open: Price = None
    high: Price = None
    low: Price = None
    prev_close: Price = None
    average_price: Price = None
    open_interest: Quantity = None
    prev_open_interest: Quantity = None
    """Of the previous day."""
    total_open_interest: Quantity = None
    """Of the underlying."""
    feed_time: EpochSeconds = None
    """Epoch seconds; the broker's server time, not the exchange's."""


class _Depth(
    _Touchline,
    kw_only=True,
    gc=False,
    rename={
        "bid_orders": "bo1",
        "ask_orders": "so1",
        **{
            f"{side}{what}{level}": f"{wire_side}{wire_what}{level}"
            for side, wire_side in (("bid", "b"), ("ask", "s"))
            for what, wire_what in (("", "p"), ("_quantity", "q"), ("_orders", "o"))
            for level in range(2, 6)
        },
        "last_trade_time": "ltt",
        "last_trade_quantity": "ltq",
        "total_buy_quantity": "tbq",
        "total_sell_quantity": "tsq",
        "upper_circuit": "uc",
        "lower_circuit": "lc",
        "high_52_weeks": "52h",
        "low_52_weeks": "52l",
        "upper_execution_range": "ue",
        "lower_execution_range": "le",
    },
):
    has_depth: ClassVar[bool] = True
    level_quantities: ClassVar[tuple[str, ...]] = tuple(
        f"{side}_quantity{level}" for side in ("bid", "ask") for level in range(2, 6)
    )

    bid_orders: Quantity = None
    bid2: Price = None
    bid_quantity2: Quantity = None
    bid_orders2: Quantity = None
    bid3: Price = None
    bid_quantity3: Quantity = None
    bid_orders3: Quantity = None
    bid4: Price = None
    bid_quantity4: Quantity = None
    bid_orders4: Quantity = None
    bid5: Price = None
    bid_quantity5: Quantity = None
    bid_orders5: Quantity = None
    ask_orders: Quantity = None
    ask2: Price = None
    ask_quantity2: Quantity = None
    ask_orders2: Quantity = None
    ask3: Price = None
    ask_quantity3: Quantity = None
    ask_orders3: Quantity = None
    ask4: Price = None
    ask_quantity4: Quantity = None
    ask_orders4: Quantity = None
    ask5: Price = None
    ask_quantity5: Quantity = None
    ask_orders5: Quantity = None
    last_trade_time: Text = None
    """``HH:MM:SS``, Indian time; the day is not said."""
    last_trade_quantity: Quantity = None
    total_buy_quantity: Quantity = None
    total_sell_quantity: Quantity = None
    upper_circuit: Price = None
    lower_circuit: Price = None
    high_52_weeks: Price = None
    """Of the contract's life at MCX."""
    low_52_weeks: Price = None
    upper_execution_range: Price = None
    """The exchange's limit price protection, high and low end; in deltas only."""
    lower_execution_range: Price = None

    def levels(self) -> tuple[list[DepthLevel], list[DepthLevel]]:
        """Five bids and five asks, the best first; None where this message did not say."""
        bids = [
            DepthLevel(self.bid, self.bid_quantity, self.bid_orders),
            DepthLevel(self.bid2, self.bid_quantity2, self.bid_orders2),
            DepthLevel(self.bid3, self.bid_quantity3, self.bid_orders3),
            DepthLevel(self.bid4, self.bid_quantity4, self.bid_orders4),
            DepthLevel(self.bid5, self.bid_quantity5, self.bid_orders5),
        ]
        asks = [
            DepthLevel(self.ask, self.ask_quantity, self.ask_orders),
            DepthLevel(self.ask2, self.ask_quantity2, self.ask_orders2),
            DepthLevel(self.ask3, self.ask_quantity3, self.ask_orders3),
            DepthLevel(self.ask4, self.ask_quantity4, self.ask_orders4),
            DepthLevel(self.ask5, self.ask_quantity5, self.ask_orders5),
        ]
        return bids, asks


_SNAPSHOT_NAMES = {
    "symbol": "ts",
    "price_precision": "pp",
    "tick_size": "ti",
    "lot_size": "ls",
    "order_message": "ord_msg",
}


class TouchlineSnapshot(_Touchline, kw_only=True, gc=False, tag_field="t", tag="tk", rename=_SNAPSHOT_NAMES):
    """All the broker knows of an instrument; answers a touchline subscription."""

    is_snapshot: ClassVar[bool] = True

    symbol: Text = None
    price_precision: Whole = None
    """Decimals of a price."""
    tick_size: Price = None
    lot_size: Whole = None
    order_message: Text = None


class TouchlineDelta(_Touchline, kw_only=True, gc=False, tag_field="t", tag="tf"):
    """What changed of a touchline; what is absent is unchanged."""

    is_snapshot: ClassVar[bool] = False


class DepthSnapshot(_Depth, kw_only=True, gc=False, tag_field="t", tag="dk", rename=_SNAPSHOT_NAMES):
    """All the broker knows of an instrument with five levels; answers a depth subscription."""

    is_snapshot: ClassVar[bool] = True

    symbol: Text = None
    price_precision: Whole = None
    """Decimals of a price."""
    tick_size: Price = None
    lot_size: Whole = None
    order_message: Text = None


class DepthDelta(_Depth, kw_only=True, gc=False, tag_field="t", tag="df"):
    """What changed of the depth; what is absent, whole levels too, is unchanged."""

    is_snapshot: ClassVar[bool] = False
