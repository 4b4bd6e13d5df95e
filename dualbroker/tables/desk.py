"""Positions, money and profit of every account."""

from __future__ import annotations

import msgspec

from dualbroker.tables.shape import EXCHANGE, Column, Table

__all__ = [
    "FILLS",
    "HOLDINGS",
    "LIMITS",
    "MIRROR",
    "PNL",
    "PNL_CHECK",
    "PNL_CURVE",
    "POSITIONS",
    "STOPS",
    "TRADES",
]

_OF_ACCOUNT = Column("broker_name", "text", "Whose account it is.", "broker2", always=True)

_ACCOUNT = msgspec.structs.replace(_OF_ACCOUNT, head="Account")

_HELD_SYMBOL = Column(
    "symbol", "text", "In the broker's spelling.", "RELIANCE-EQ", always=True, head="Symbol"
)

_PRODUCT = Column("product", "text", "As the broker writes it: C, M, I, H, B …", "M", always=True)

_AS_OF = Column("as_of", "time", "When the broker was asked for it; unknown where it was never read.")

_OLD_SINCE = Column(
    "old_since", "time", "Since when it may not be what the broker has, for a read has failed; else unknown."
)

_DOUBT = Column("doubt", "text", "Why it may not be as shown; else empty.", "", always=True)

_LTP = Column("ltp", "price", "The price by which it is marked.", 212.4, head="LTP")

_LTP_TIME = Column("ltp_time", "time", "When that price came; unknown for one of the broker's read.")

POSITIONS = Table(
    "feed.positions",
    "One instrument under one product in one account; profits are before charges, pooled by day.",
    (
        _ACCOUNT,
        _HELD_SYMBOL,
        msgspec.structs.replace(_PRODUCT, head="Product", room="medium"),
        Column(
            "quantity",
            "quantity",
            "Now, below zero when short; kept by the fills of the order stream between two reads.",
            75,
            head="Qty",
        ),
        Column("average_price", "price", "Of what is left.", 212.35, head="Avg ₹", room="medium"),
        msgspec.structs.replace(_LTP, room="medium"),
        Column(
            "unrealised",
            "price",
            "At the LTP.",
            3.75,
            head="Open P&L ₹",
            writing="difference",
            room="medium",
        ),
        Column(
            "realised",
            "price",
            "By what was closed.",
            0.0,
            head="Closed P&L ₹",
            writing="difference",
            room="wide",
        ),
        Column("total", "price", "Both together.", 3.75, head="P&L ₹", writing="difference"),
        Column(
            "day_mtm",
            "price",
            "Of the day: what is carried counts from its last settlement on.",
            3.75,
            head="Day MTM ₹",
            writing="difference",
            room="wide",
        ),
        Column("carried_quantity", "quantity", "From the days before."),
        Column("carried_price", "price", "At which what is carried was entered."),
        Column("settlement_price", "price", "Of what is carried, at the last close, by the broker."),
        Column("bought_quantity", "quantity", "Today."),
        Column("bought_price", "price", "The average of today's purchases."),
        Column("sold_quantity", "quantity", "Today."),
        Column("sold_price", "price", "The average of today's sales."),
        Column(
            "from_holdings", "quantity", "Of a sale: units that come out of the holdings; no short position."
        ),
        Column("multiplier", "number", "Rupees in one rupee of price and one unit.", 1.0),
        Column(
            "multiplier_from",
            "text",
            "Fields of the broker's row that state it; empty for 1.",
            "",
            always=True,
        ),
        Column("broker_quantity", "quantity", "The broker's own figure, as of the read; so the next four."),
        Column("broker_average_price", "price"),
        Column("broker_ltp", "price"),
        Column("broker_unrealised", "price"),
        Column("broker_realised", "price"),
        _LTP_TIME,
        Column("ltp_from", "text", "stream, broker's read, or empty.", "stream", always=True),
        _AS_OF,
        _OLD_SINCE,
        _DOUBT,
        Column("underlying", "text", "", "NIFTY", always=True),
        EXCHANGE,
        Column("token", "text", "", "2885"),
    ),
)

HOLDINGS = Table(
    "feed.holdings",
    "One share in the depository of one account, once, however many exchanges list it.",
    (
        _OF_ACCOUNT,
        msgspec.structs.replace(_HELD_SYMBOL, head=""),
        Column("quantity", "quantity", "Owned now: settled, T1 and pledged, less what was sold today.", 100),
        Column("average_price", "price", "At which it was bought, as the broker states it."),
        msgspec.structs.replace(_LTP, head=""),
        Column("value", "price", "At the LTP."),
        Column("unrealised", "price", "Since it was bought, before charges."),
        Column("bought_yesterday", "quantity", "Of these: not settled yet (T1)."),
        Column("pledged", "quantity", "Of these: lying as collateral."),
        Column("used", "quantity", "Sold today."),
        _LTP_TIME,
        _AS_OF,
        _OLD_SINCE,
        _DOUBT,
        EXCHANGE,
        Column("product", "text", "As the broker writes it.", "C"),
    ),
)

LIMITS = Table(
    "feed.limits",
    "The money of one account, each broker's words mapped to one set.",
    (
        Column("cash", "price", "At the begin of the day.", 100_000.0),
        Column("margin_used", "price", "", 25_000.0),
        Column("margin_available", "price", "See available_how.", 75_000.0),
        Column("available_how", "text", "The broker's figure, or computed from what.", "", always=True),
        Column("collateral", "price", "Of pledged shares."),
        Column("pay_in", "price", "Today."),
        Column("pay_out", "price", "Today."),
        Column("span", "price", "Of the margin used: SPAN."),
        Column("exposure", "price", "Of the margin used: exposure."),
        Column("premium", "price", "Of options."),
        Column("broker_realised", "price", "The broker's own figure of the day's profit."),
        Column("broker_unrealised", "price"),
        _AS_OF,
        _OLD_SINCE,
        _DOUBT,
    ),
    Column("broker_name", "text", "", "broker1", always=True),
)

_FILL = (
    Column("time", "time", "When it happened: off the order stream, else the broker's second.", always=True),
    _OF_ACCOUNT,
    Column("symbol", "text", "", "RELIANCE-EQ"),
    Column("side", "text", "BUY or SELL.", "BUY"),
    Column("quantity", "quantity", "", 75),
    Column("price", "price", "", 212.4),
)

_FILL_IDS = (
    Column("order_id", "text", "", "26122900000007", always=True),
    Column("fill_id", "text"),
    Column("exchange", "text", "", "NSE"),
)

TRADES = Table(
    "feed.trades",
    "One fill of the brokers' day, of any account, oldest first.",
    (
        *_FILL,
        Column("product", "text", "As the broker writes it.", "I"),
        *_FILL_IDS,
        Column("token", "text", "", "2885"),
        Column(
            "receive_time", "time", "When the order stream brought it; unknown for one of the trade book."
        ),
        Column("trading_day", "day", "", always=True),
    ),
)

FILLS = Table(
    "feed.fills",
    "One fill with the quote that was in force: the last tick that had come by then.",
    (
        *_FILL,
        Column("bid", "price", "Before the fill."),
        Column("ask", "price", "Before the fill."),
        Column("ltp", "price", "Before the fill."),
        Column("quote_age", "number", "Seconds by which that quote is older than the fill.", 0.2),
        Column(
            "slippage", "price", "A unit: paid above the ask, or got below the bid; below zero is better."
        ),
        Column("to_the_second", "flag", "Only the broker's second of the fill is known."),
        *_FILL_IDS,
    ),
)

PNL = Table(
    "feed.pnl",
    "What positions have brought, in rupees before charges: by account, by underlying, and in all.",
    (
        Column("scope", "text", "broker, underlying or all.", "broker", always=True, head="Of"),
        Column("name", "text", "", "broker1", always=True, head="Name"),
        Column("positions", "count", "", 4, head="Positions", room="medium"),
        Column(
            "realised", "price", "By what was closed.", head="Closed ₹", writing="difference", room="medium"
        ),
        Column("unrealised", "price", "At the newest prices.", head="Open ₹", writing="difference"),
        Column("total", "price", "Both together.", head="P&L ₹", writing="difference"),
        Column(
            "day_mtm",
            "price",
            "Of the day; unknown where that of one position is.",
            head="Day MTM ₹",
            writing="difference",
            room="wide",
        ),
        Column("unknown", "count", "Positions that a sum leaves out, for a figure of theirs is unknown."),
        Column("complete", "flag", "Nothing is left out and nothing is in doubt."),
        _DOUBT,
    ),
)

PNL_CHECK = Table(
    "feed.pnl_check()",
    "Our profit of one position beside its broker's, and the rule between them.",
    (
        _OF_ACCOUNT,
        msgspec.structs.replace(_HELD_SYMBOL, head=""),
        _PRODUCT,
        Column("ours", "price", "Realised and unrealised, from fills, at the newest price."),
        Column("brokers", "price", "The same as the broker's row states it."),
        Column("difference", "price", "Ours less the broker's."),
        Column(
            "explained",
            "answer",
            "Whether the broker's rule, computed again with its own price, gives its figure; unknown where "
            "that can't be done.",
        ),
        Column("rule", "text", "By what the two differ, or that it is unexplained.", "", always=True),
        Column("ours_realised", "price"),
        Column("ours_unrealised", "price"),
        Column("broker_realised", "price"),
        Column("broker_unrealised", "price"),
        Column("again_realised", "price", "By the broker's rule, computed again."),
        Column("again_unrealised", "price", "By the broker's rule, at the price of its row."),
        Column("method", "text", "Of ours: pooled or fifo.", "pooled", always=True),
        _AS_OF,
        _DOUBT,
        EXCHANGE,
    ),
)

PNL_CURVE = Table(
    "feed.pnl_curve",
    "The profit of one account at one second of the day, before charges.",
    (
        _OF_ACCOUNT,
        Column("total", "price", "Realised and unrealised."),
        Column("realised", "price"),
        Column("unrealised", "price"),
        Column("day_mtm", "price"),
        Column("positions", "count", "", 4),
        Column("complete", "flag", "Nothing was left out and nothing was in doubt."),
    ),
    Column("time", "time", "The second.", always=True),
)

STOPS = Table(
    "feed.stops",
    "One living stop order with what it covers, or one position of which no stop is seen.",
    (
        _ACCOUNT,
        _HELD_SYMBOL,
        Column(
            "state",
            "text",
            "covered; quantity differs; triggered, not filled; orphan; entry; no stop seen; not read. A GTT, "
            "an OCO or a program's own stop is in no order book, and so is not seen.",
            "covered",
            always=True,
            head="Stop",
        ),
        Column("side", "text", "Of the stop.", "SELL"),
        Column("quantity", "quantity", "That the stop has still to trade.", 75, head="Qty", room="medium"),
        Column("trigger_price", "price", "", head="Trigger ₹"),
        Column("limit_price", "price", "Unknown for one at the market."),
        msgspec.structs.replace(_LTP, room="medium"),
        Column(
            "distance", "price", "That the price has still to go; below zero past the trigger.", head="Away ₹"
        ),
        Column("distance_percent", "number", "Of the LTP.", head="Away %", writing="change", room="medium"),
        Column("position_quantity", "quantity", "Of the position; unknown where there is none."),
        Column("covered_quantity", "quantity", "That all its stops would close together."),
        _PRODUCT,
        Column("order_id", "text", "Of the stop; unknown where none is seen.", "26122900000007"),
        _DOUBT,
        EXCHANGE,
    ),
)

MIRROR = Table(
    "feed.mirror()",
    "The same order in two accounts, the newest first.",
    (
        Column("time", "time", "Of the first one, by its broker.", always=True),
        Column("symbol", "text", "", "RELIANCE-EQ", always=True),
        Column("side", "text", "BUY or SELL.", "BUY", always=True),
        Column(
            "verdict",
            "text",
            "mirrored; or missing, rejected, partly filled, still open, in doubt, at which broker.",
            "mirrored",
            always=True,
        ),
        Column("price_difference", "price", "A unit, by which the second did worse than the first."),
        Column("time_difference", "number", "Seconds by which the second came later, give or take one."),
        Column("quantity_ratio", "number", "Units of the second for each of the first.", 1.0),
        Column("first_broker", "text", "", "broker1", always=True),
        Column("first_order_id", "text", "Unknown where it is missing; so all that follow."),
        Column("first_status", "text"),
        Column("first_quantity", "quantity"),
        Column("first_filled_quantity", "quantity"),
        Column("first_average_price", "price"),
        Column("second_broker", "text", "", "broker2", always=True),
        Column("second_order_id", "text"),
        Column("second_status", "text"),
        Column("second_quantity", "quantity"),
        Column("second_filled_quantity", "quantity"),
        Column("second_average_price", "price"),
        EXCHANGE,
    ),
)
