"""Instruments, quotes, ticks, bars and option chains."""

from __future__ import annotations

import msgspec

from dualbroker.tables.shape import EXCHANGE, SYMBOL, TOKEN, Column, Table

__all__ = [
    "ALL_BARS",
    "ALL_TICKS",
    "BARS",
    "CHAIN",
    "DEPTH",
    "GREEKS",
    "INSTRUMENTS",
    "OPTION_FIGURES",
    "QUOTES",
    "SUBSCRIBED",
    "SUBSCRIPTIONS",
    "TICKS",
]

_EXPIRY = Column("expiry", "day", "Unknown for what does not expire.")

_LOT_SIZE = Column("lot_size", "count", "Units in a lot.", 65)

_QUOTE = (
    Column("ltp", "price", "Last traded price.", 212.4, head="LTP"),
    Column("change_percent", "number", "Against the previous close.", -0.42, head="Chg %", writing="change"),
    Column("bid", "price", "Best bid.", 212.3, head="Bid ₹", room="medium"),
    Column("ask", "price", "Best ask.", 212.5, head="Ask ₹", room="medium"),
    Column("bid_quantity", "quantity", "At the best bid.", 75),
    Column("ask_quantity", "quantity", "At the best ask.", 150),
    Column("volume", "quantity", "Of the day so far.", 162220, head="Volume", room="medium"),
    Column("open_interest", "quantity", "", 1250400, head="OI", room="medium"),
    Column("open_interest_change", "quantity", "Since the day before.", 5200),
    Column("open", "price", "Of the day."),
    Column("high", "price", "Of the day."),
    Column("low", "price", "Of the day."),
    Column("prev_close", "price"),
    Column("average_price", "price", "Volume-weighted, of the day."),
    Column("feed_time", "time", "The broker's own time, in whole seconds."),
)

_QUOTE_SOURCE = Column("broker_name", "text", "The one source of the quote.", "broker1")

QUOTES = Table(
    "feed.quotes",
    "The latest full quote of each subscribed instrument.",
    (
        *_QUOTE,
        Column(
            "receive_time",
            "time",
            "When the message came off the socket, by this machine's clock.",
            head="Age",
            writing="age",
            room="medium",
        ),
        msgspec.structs.replace(_QUOTE_SOURCE, head="From", still_only=True),
        EXCHANGE,
        TOKEN,
    ),
    msgspec.structs.replace(SYMBOL, head="Symbol"),
)

_RECEIVE_TIME = Column(
    "receive_time", "time", "When it came off the socket, by this machine's clock.", always=True
)

TICKS = Table(
    "feed.ticks(symbol)",
    "One quote update: the full quote of an instrument after one message; not a trade.",
    (
        *_QUOTE,
        Column("snapshot", "flag", "A full quote that acknowledged a subscription."),
        msgspec.structs.replace(_QUOTE_SOURCE, always=True),
    ),
    _RECEIVE_TIME,
)

ALL_TICKS = Table(
    "feed.ticks()",
    "One quote update of any instrument, in order of arrival.",
    (_RECEIVE_TIME, SYMBOL, EXCHANGE, TOKEN, *TICKS.columns),
)

BARS = Table(
    "feed.bars(symbol, interval)",
    "One interval, labelled by its left edge and counted from 09:15; one without a tick has none.",
    (
        Column("open", "price"),
        Column("high", "price"),
        Column("low", "price"),
        Column("close", "price"),
        Column("volume", "quantity", "Traded in it; unknown where the total before it is not known.", 1250),
        Column("ticks", "count", "", 41),
        Column("broker_name", "text", "The source of its last tick.", "broker1", always=True),
    ),
    Column("time", "time", "The left edge.", always=True),
)

ALL_BARS = Table(
    "feed.bars(symbol, interval)",
    "One interval of one instrument.",
    (SYMBOL, EXCHANGE, *BARS.all_columns),
)
"""As the workbook has them."""

DEPTH = Table(
    "feed.depth(symbol)",
    "One of five levels of both sides, the best first.",
    (
        Column("bid_orders", "quantity", "Orders at this bid.", 3),
        Column("bid_quantity", "quantity", "", 75),
        Column("bid", "price", "", 212.3),
        Column("ask", "price", "", 212.5),
        Column("ask_quantity", "quantity", "", 150),
        Column("ask_orders", "quantity", "Orders at this ask.", 2),
    ),
    Column("level", "count", "1 to 5.", 1),
)

INSTRUMENTS = Table(
    "feed.search(text)",
    "One row of a symbol master.",
    (
        EXCHANGE,
        TOKEN,
        SYMBOL,
        Column("name", "text", "The underlying of a derivative.", "RELIANCE", always=True),
        Column("kind", "text", "index, equity, future, option or other.", "equity", always=True),
        _EXPIRY,
        Column("strike", "price", "Unknown for what is no option."),
        Column("option_type", "text", "CE or PE; unknown for what is no option."),
        _LOT_SIZE,
        Column("tick_size", "price", "Unknown where the master can't be trusted.", 0.05),
        Column("ltp", "price", "Last traded price; known of what is streamed only.", 131.45),
        Column("subscribed", "flag", "Somebody holds it now, so it is streamed."),
        Column("title", "text", "What it is, in words for a person.", "NIFTY 26000 CE", always=True),
        Column(
            "details", "text", "Expiry and lot in words; empty for a share.", "1 Dec · lot 65", always=True
        ),
    ),
)

SUBSCRIBED = Table(
    "feed.subscribe(names)",
    "One instrument as it was accepted.",
    (
        EXCHANGE,
        TOKEN,
        SYMBOL,
        _EXPIRY,
        _LOT_SIZE,
        Column("quote_source", "text", "The broker that streams it.", "broker1", always=True),
        Column("acknowledged", "flag", "Its first full quote has come; if not, that may still come."),
    ),
)

SUBSCRIPTIONS = Table(
    "/api/subscriptions",
    "One instrument that somebody holds.",
    (
        EXCHANGE,
        TOKEN,
        SYMBOL,
        Column("feed_type", "text", "touchline, or depth of five levels.", "touchline", always=True),
        Column(
            "quote_source",
            "text",
            "The one broker that streams it or is about to; unknown while none can.",
            "broker1",
        ),
        Column("acknowledged", "flag", "Its first full quote of today has come."),
    ),
)

_OPTION = (
    Column("ltp", "price", "Last traded price.", head="LTP ₹"),
    Column("change", "price", "Since the previous close."),
    Column("change_percent", "number", head="Chg %", writing="change"),
    Column("bid", "price", head="Bid", room="wide"),
    Column("ask", "price", head="Ask", room="wide"),
    Column("volume", "quantity", "Of the day so far.", head="Volume", writing="whole", room="wide"),
    Column("open_interest", "quantity", head="OI", writing="whole", room="medium"),
    Column(
        "open_interest_change",
        "quantity",
        "Since the day before.",
        head="OI chg",
        writing="difference",
        room="wide",
    ),
    Column(
        "iv",
        "number",
        "Implied volatility, per cent a year; unknown where the price is no more than exercise would bring.",
        12.4,
        head="IV",
        writing="ratio",
        room="medium",
    ),
    Column("delta", "number", "Rupees for each rupee of the forward.", 0.52, head="Delta", writing="ratio"),
    Column("gamma", "number", "Delta for each rupee of the forward.", 0.0012, head="Gamma", writing="fine"),
    Column("theta", "number", "Rupees a calendar day.", -11.3, head="Theta", writing="ratio"),
    Column("vega", "number", "Rupees for each point of volatility.", 8.9, head="Vega", writing="ratio"),
)

GREEKS = ("delta", "gamma", "theta", "vega")

OPTION_FIGURES = tuple(column.name for column in _OPTION)
"""Of a call and of a put."""

CHAIN = Table(
    "feed.chain(name).frame",
    "One strike, with its call and its put.",
    (
        *(
            msgspec.structs.replace(column, name=f"{side}_{column.name}")
            for side in ("call", "put")
            for column in _OPTION
        ),
        Column("straddle", "price", "Call and put together.", head="Straddle", room="wide"),
        Column("put_call_ratio", "number", "Of the open interest.", head="PCR", writing="ratio", room="wide"),
        Column("call_symbol", "text"),
        Column("put_symbol", "text"),
    ),
    Column("strike", "price", "", 26000.0, always=True, head="Strike", writing="plain"),
)
