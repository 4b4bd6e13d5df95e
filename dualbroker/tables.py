"""Every table that a person sees, described once: its columns, their kinds, units and words.

Frames, CSV, Parquet, the API's JSON with its OpenAPI document, and the documentation are all made from
these descriptions. Pure.

=====================  ==========================================================================
kind                   what it holds
=====================  ==========================================================================
price                  float64, rupees; NaN is unknown
quantity               Int64, units (never lots); <NA> is unknown
time                   datetime64[ns, Asia/Kolkata]; NaT is unknown
day                    datetime64[ns], a calendar day in India; NaT is unknown
text                   str (object before pandas 3); None or NaN is unknown
number                 float64; of durations seconds, unless the name says otherwise; NaN is unknown
count                  int64, always known
flag                   bool, always known
answer                 boolean; <NA> is unknown
=====================  ==========================================================================
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

__all__ = [
    "ALERTS",
    "ALL_BARS",
    "ALL_TICKS",
    "ASSIGNMENT",
    "BANDWIDTH",
    "BARS",
    "BROKERS",
    "CHAIN",
    "COMPARISON",
    "DELIVERED",
    "DEPTH",
    "FAILOVERS",
    "FILLS",
    "GAPS",
    "GREEKS",
    "HOLDINGS",
    "INCIDENTS",
    "INSTRUMENTS",
    "LIMITS",
    "MIRROR",
    "OPTION_FIGURES",
    "ORDERS",
    "ORDER_EVENTS",
    "ORDER_STEPS",
    "PNL",
    "PNL_CHECK",
    "PNL_CURVE",
    "POSITIONS",
    "QUOTES",
    "RECONCILED",
    "SAVINGS",
    "STOPS",
    "SUBSCRIBED",
    "SUBSCRIPTIONS",
    "TABLES",
    "TICKS",
    "TRADES",
    "Column",
    "Kind",
    "Room",
    "Table",
    "Writing",
]

Kind = Literal["price", "quantity", "time", "day", "text", "number", "count", "flag", "answer"]


Writing = Literal[
    "price",
    "change",
    "quantity",
    "whole",
    "difference",
    "plain",
    "ratio",
    "fine",
    "clock",
    "age",
    "duration",
    "text",
    "words",
]
"""How a value is written on screen; see :func:`dualbroker.figures.written`. Words may need several lines."""

Room = Literal["any", "medium", "wide"]
"""How much of it a panel needs to show a column: a phone's has little."""

_WRITINGS: dict[Kind, Writing] = {"price": "price", "quantity": "quantity", "count": "whole", "time": "clock"}


class Column(msgspec.Struct, frozen=True):
    """One column of a table."""

    name: str
    kind: Kind
    words: str = ""
    """What it says, where the name and the kind do not."""
    example: Any = None
    """For the OpenAPI document."""
    always: bool = False
    """Whether a text is never unknown; a count or a flag never is."""
    head: str = ""
    """Its title on the page and in the dashboard's tables, which leave out what has none."""
    writing: Writing | None = None
    """How it is written there, where its kind does not say."""
    room: Room = "any"
    still_only: bool = False
    """Not shown where the table is live, for its surroundings say it."""

    @property
    def written(self) -> Writing:
        return self.writing or _WRITINGS.get(self.kind, "text")

    @property
    def can_be_unknown(self) -> bool:
        return not (self.always or self.kind in ("count", "flag"))


class Table(msgspec.Struct, frozen=True):
    """A table: what one row is, and its columns in the order that every form of it has."""

    call: str
    """How a notebook asks for it."""
    words: str
    columns: tuple[Column, ...]
    index: Column | None = None
    """The frame's index; in all other forms the first column. None is a running row number."""

    @property
    def names(self) -> tuple[str, ...]:
        """Of the columns, without the index."""
        return tuple(column.name for column in self.columns)

    @property
    def all_columns(self) -> tuple[Column, ...]:
        """The index first, as in CSV, Parquet and JSON."""
        return self.columns if self.index is None else (self.index, *self.columns)


# What several tables say alike.
_EXCHANGE = Column("exchange", "text", "NSE, NFO, BSE, BFO, CDS, MCX …", "NSE", always=True)
_TOKEN = Column(
    "token", "text", "The exchange's number; unique within its exchange only.", "2885", always=True
)
_SYMBOL = Column("symbol", "text", "In the broker's spelling.", "RELIANCE-EQ", always=True)
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
        _EXCHANGE,
        _TOKEN,
    ),
    msgspec.structs.replace(_SYMBOL, head="Symbol"),
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
    (_RECEIVE_TIME, _SYMBOL, _EXCHANGE, _TOKEN, *TICKS.columns),
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
    (_SYMBOL, _EXCHANGE, *BARS.all_columns),
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

_BROKER = Column("broker_name", "text", "The broker that it came from.", "broker2", always=True)
ORDERS = Table(
    "feed.orders",
    "The latest state of one order at one broker, the newest first.",
    (
        _BROKER,
        Column("order_time", "time", "When the broker's order system took note of it."),
        Column("symbol", "text", "", "RELIANCE-EQ"),
        Column("side", "text", "BUY or SELL.", "BUY"),
        Column("quantity", "quantity", "", 75),
        Column("filled_quantity", "quantity", "", 0),
        Column("price", "price", "", 212.4),
        Column("average_price", "price", "Of all fills so far.", 212.35),
        Column(
            "status",
            "text",
            "PENDING, OPEN, TRIGGER_PENDING, COMPLETE, CANCELED, REJECTED or UNKNOWN.",
            "OPEN",
            always=True,
        ),
        Column("reject_reason", "text", "In the broker's words."),
        Column("doubt", "text", "Why the order may not be as shown; else empty.", "", always=True),
        Column("trigger_price", "price"),
        Column("price_type", "text", "LMT, MKT, SL-LMT, SL-MKT …", "LMT"),
        Column("product", "text", "As the broker writes it: C, M, I, H, B …", "I"),
        Column("exchange", "text", "", "NSE"),
        Column("cancelled_quantity", "quantity"),
        Column("retention", "text", "As the broker writes it: DAY, IOC …", "DAY"),
        Column("remarks", "text"),
        Column("order_id", "text", "Unique within its broker and day only.", "26122900000007", always=True),
        Column("exchange_order_id", "text"),
        Column("trading_day", "day", "", always=True),
        Column("token", "text", "", "2885"),
        Column("report_type", "text", "What the broker reported last.", "NewAck"),
        Column("first_seen", "time", "When we first knew of it."),
        Column("last_update", "time"),
        Column("updates", "count", "Updates that said something new.", 3),
        Column("broker_status", "text", "The broker's own word for the status.", "OPEN"),
        Column("amo", "answer", "Sent after the market; unknown where the broker does not say."),
        Column("final", "flag", "Nothing more will happen to it."),
        Column("open", "flag", "It is known to be alive; one in an unknown state is neither."),
    ),
)

ORDER_EVENTS = Table(
    "feed.order_events",
    "One update of one order, in order of arrival.",
    (
        Column("sequence", "count", "Counts the updates of all orders.", 112),
        Column("receive_time", "time"),
        _BROKER,
        Column("order_id", "text", "", "26122900000007", always=True),
        Column("symbol", "text", "", "RELIANCE-EQ"),
        Column("source", "text", "stream, reconcile or poll.", "stream", always=True),
        Column("status", "text", "Of the order after it.", "OPEN", always=True),
        Column("report_type", "text", "What the broker reported.", "NewAck"),
        Column("quantity", "quantity", "", 75),
        Column("price", "price", "", 212.4),
        Column("filled_quantity", "quantity", "In all after it.", 0),
        Column("average_price", "price", "Of all fills so far."),
        Column("fill_id", "text"),
        Column("fill_quantity", "quantity", "Of this fill."),
        Column("fill_price", "price", "Of this fill."),
        Column("reject_reason", "text"),
        Column("event_time", "time", "When it happened, as far as the broker says."),
        Column("broker_status", "text", "The broker's own word for the status.", "OPEN"),
        Column("side", "text", "BUY or SELL, where this update says it.", "BUY"),
        Column("trading_day", "day", "", always=True),
    ),
)

ORDER_STEPS = Table(
    "/api/orders/{broker}/{day}/{order_id}",
    "One thing that happened to an order.",
    (
        Column("time", "time", "When it happened, as far as that is known."),
        Column("what", "text", "In words.", "at the exchange", always=True),
        Column("source", "text", "stream, reconcile or poll.", "stream", always=True),
        Column("status", "text", "Of the order after it.", "OPEN", always=True),
        Column("filled_quantity", "quantity", "In all after it.", 0),
        Column("quantity", "quantity", "", 75),
        Column("price", "price", "", 212.4),
        Column("trigger_price", "price"),
        Column("fill_quantity", "quantity", "Of this fill.", 75),
        Column("fill_price", "price", "Of this fill."),
        Column("reason", "text", "Why it was rejected; else empty.", "", always=True),
    ),
)

BROKERS = Table(
    "feed.brokers",
    "How one broker does.",
    (
        Column(
            "state", "text", "connecting, live, polling, reconnecting, parked or closed.", "live", always=True
        ),
        Column("role", "text", "quotes and orders, orders only, or nothing.", "orders only", always=True),
        Column("problem", "text", "What is wrong and what to do; else empty.", "", always=True),
        Column("last_quote", "time"),
        Column("last_order", "time"),
        Column("last_order_book", "time", "When its order book was last read by REST."),
        Column("latency_ms", "number", "Milliseconds; of a ping's way there and back.", 18.2),
        Column("subscriptions", "count", "Instruments asked for.", 29),
        Column("acknowledged", "count", "Of these, with a first full quote.", 29),
        Column(
            "max_subscriptions", "quantity", "Instruments that it may stream; unknown unless set or learned."
        ),
        Column(
            "max_known_by",
            "text",
            "set in the config, a fact of the broker's family, or learned from what it refused; else empty.",
            "",
            always=True,
        ),
        Column("reconnects", "count", "", 0),
        Column("connected_since", "time"),
        Column("quote_bytes", "count", "Since the start, off the socket.", 812400),
        Column("order_bytes", "count", "Since the start, off the socket.", 9120),
        Column("control_bytes", "count", "Handshakes, acknowledgements, heartbeats, pings.", 4800),
        Column("probe_bytes", "count", "Quotes that were streamed a second time, to compare brokers.", 0),
        Column("quote_messages", "count", "", 9120),
        Column("order_messages", "count", "", 41),
        Column("control_messages", "count", "", 60),
        Column("probe_messages", "count", "", 0),
        Column("unreadable_messages", "count", "Skipped.", 0),
        Column("type", "text", "", "simulated", always=True),
        Column("account", "text", "Masked.", "FA**89", always=True),
        Column("simulated", "flag"),
    ),
    Column("broker_name", "text", "", "broker1", always=True),
)

RECONCILED = Table(
    "feed.reconcile()",
    "What reading one broker's books found.",
    (
        Column("time", "time"),
        Column("read", "flag", "Whether the books could be read."),
        Column("orders", "quantity", "In the order book; unknown where it was not read."),
        Column("fills", "quantity", "In the trade book; unknown where it was not read."),
        Column("changes", "count", "What the stream had not brought."),
        Column("seconds", "number"),
        Column("problem", "text"),
    ),
    Column("broker_name", "text", "", "broker1", always=True),
)

COMPARISON = Table(
    "feed.compare_brokers()",
    "How one broker shows the same trades as the reference, over a sample of instruments.",
    (
        Column(
            "lag_ms",
            "number",
            "Milliseconds by which it shows a trade later than the reference, on average; negative: sooner. "
            "Includes what conflation adds.",
            431.0,
        ),
        Column("lag_error_ms", "number", "Standard error of the lag, milliseconds.", 12.0),
        Column(
            "lag_p50_ms", "number", "Median of single levels of volume; includes conflation's chance.", 440.0
        ),
        Column("lag_p99_ms", "number", "The same, 99th percentile.", 1210.0),
        Column("first_share", "number", "Share of the volume that it showed first, 0 to 1.", 0.2),
        Column(
            "resolution",
            "number",
            "Share of the levels of volume shown by either that it showed, 0 to 1; less is coarser.",
            0.62,
        ),
        Column(
            "coverage",
            "number",
            "Share of the quiet moments at which it had the newest price and volume, 0 to 1; less is lossy.",
            1.0,
        ),
        Column("updates_per_second", "number", "Of one instrument, on average.", 0.9),
        Column("stalls", "count", "Times without a rise of volume while the other's rose.", 0),
        Column("stalled", "number", "Seconds within these.", 0.0),
        Column("index_lag_ms", "number", "Of indices, by the shift of their prices; milliseconds."),
        Column("index_lag_error_ms", "number", "Standard error of that, milliseconds."),
        Column("instruments", "count", "That were compared.", 10),
        Column("points", "number", "Independent points that the lag comes from.", 540.0),
        Column("quiet_points", "count", "Moments that the coverage comes from.", 37),
        Column("volume_offsets", "count", "Instruments whose volume differs by a constant.", 0),
        Column(
            "read_blur_ms",
            "number",
            "Reads of busy sockets are gathered: receive times may be so much too late; milliseconds.",
            20.0,
        ),
        Column("reference", "text", "The broker with which it is compared.", "broker1", always=True),
        Column("begun", "time", "", always=True),
        Column("until", "time", "", always=True),
    ),
    Column("broker_name", "text", "", "broker2", always=True),
)

BANDWIDTH = Table(
    "feed.bandwidth",
    "What came off one broker's socket in one second, of one kind; the last hour.",
    (
        Column("time", "time", "The second.", always=True),
        _BROKER,
        Column(
            "kind", "text", "quotes, orders, control, or probe: what compares brokers.", "quotes", always=True
        ),
        Column("bytes", "count", "After TLS, frame headers included.", 8124),
        Column("messages", "count", "", 91),
    ),
)

SAVINGS = Table(
    "feed.savings()",
    "One figure of what one source of quotes saved.",
    (
        Column("value", "number", "", 812400),
        Column("unit", "text", "", "bytes", always=True),
        Column(
            "how",
            "text",
            "Measured, or estimated from what.",
            "estimated: naive less quotes and probes",
            always=True,
        ),
    ),
    Column("figure", "text", "", "saved_quote_bytes", always=True),
)

ASSIGNMENT = Table(
    "feed.assignment",
    "Who carries one instrument, and why.",
    (
        _EXCHANGE,
        _TOKEN,
        Column(
            "broker_name", "text", "Who streams it, or is about to; unknown where nobody does.", "broker1"
        ),
        Column("streaming", "flag", "It is that broker's quotes that count, and its socket serves."),
        Column(
            "group",
            "text",
            "With quotes: balanced it stays with one broker: an underlying's expiry, or the share itself.",
            "NFO:NIFTY 2026-12-29",
            always=True,
        ),
        Column("why", "text", "", "it carries the quotes", always=True),
    ),
    _SYMBOL,
)

_FROM = Column("from_broker", "text", "", "broker1", always=True)
_TO = Column("to_broker", "text", "", "broker2", always=True)
FAILOVERS = Table(
    "feed.failovers",
    "One change of the broker that carries quotes.",
    (
        Column("number", "count", "From 1.", 1),
        Column("time", "time", "When it was decided.", head="Time"),
        _FROM,
        _TO,
        Column(
            "why",
            "text",
            "",
            "broker1 was reset",
            always=True,
            head="From → to, and why",
            writing="words",
        ),
        Column("planned", "flag", "A hand-over: the new stream was there before the old one ended."),
        Column(
            "detected_after",
            "number",
            "Seconds from the old source's last quote to the decision; unknown for a planned one.",
            0.02,
            head="Found after",
            writing="duration",
        ),
        Column("instruments", "count", "To be moved.", 100),
        Column("moved", "count", "Of these, with a quote from the new source.", 100),
        Column(
            "gap_p50",
            "number",
            "Seconds without quotes, of the instruments; the median.",
            0.18,
            head="Gap p50",
            writing="duration",
            room="medium",
        ),
        Column("gap_p99", "number", "Seconds.", 0.2, head="p99", writing="duration", room="medium"),
        Column("gap_max", "number", "Seconds.", 0.21, head="Gap max", writing="duration"),
        Column("uncovered", "count", "Instruments that the new broker does not bring.", 0),
        Column("finished", "flag"),
    ),
)

GAPS = Table(
    "feed.gaps(number)",
    "What one failover cost one instrument.",
    (
        Column("number", "count", "Of the failover.", 1),
        Column("symbol", "text", "", "RELIANCE-EQ"),
        _EXCHANGE,
        Column("token", "text", "", "2885"),
        _FROM,
        _TO,
        Column("gap", "number", "Seconds without quotes.", 0.18),
        Column("covered", "flag", "Whether the new broker brings it."),
    ),
)

INCIDENTS = Table(
    "feed.incidents",
    "One thing that went wrong, or that somebody should know.",
    (
        Column("number", "count", "Counts all incidents since the start, from 1.", 7),
        Column("time", "time", head="Time"),
        Column(
            "broker_name", "text", "Unknown where it is about the feed as a whole.", "broker1", head="Broker"
        ),
        Column(
            "cause",
            "text",
            "What happened.",
            "no quote for 5 s, and the market moves",
            always=True,
            head="What happened, and what was done",
            writing="words",
        ),
        Column(
            "action",
            "text",
            "What was done about it, or what a person should do.",
            "broker2 takes the quotes over",
            always=True,
        ),
    ),
)

ALERTS = Table(
    "feed.alerts",
    "One message to a person.",
    (
        Column("number", "count", "Counts all alerts since the start, from 1.", 3),
        Column("time", "time"),
        Column(
            "state",
            "text",
            "raised: it has begun; resolved: it is over; event: it happened; test: sent to try it.",
            "raised",
            always=True,
        ),
        Column(
            "rule",
            "text",
            "reject, fill, broker_down, login_needed, failover, price or test.",
            "broker_down",
            always=True,
        ),
        Column("broker_name", "text", "Unknown where it is about no broker.", "broker1"),
        Column("symbol", "text", "Unknown where it is about no instrument."),
        Column("words", "text", "", "broker1 is down: reconnecting: no route to host", always=True),
    ),
)

DELIVERED = Table(
    "feed.test_alerts()",
    "What came of a test message to one target of ``alerts.send_to``.",
    (
        Column("delivered", "flag", "Whether it was taken."),
        Column("problem", "text", "Why not; else empty.", "", always=True),
        Column("seconds", "number", "That it took.", 0.21),
    ),
    Column("target", "text", "Its number and kind; never its address.", "target 1 (tgram)", always=True),
)

INSTRUMENTS = Table(
    "feed.search(text)",
    "One row of a symbol master.",
    (
        _EXCHANGE,
        _TOKEN,
        _SYMBOL,
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
        _EXCHANGE,
        _TOKEN,
        _SYMBOL,
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
        _EXCHANGE,
        _TOKEN,
        _SYMBOL,
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

# The desk: positions, money and profit of every account.

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
        _EXCHANGE,
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
        _EXCHANGE,
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
        Column("day_mtm", "price", "Of the day.", head="Day MTM ₹", writing="difference", room="wide"),
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
        _EXCHANGE,
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
        _EXCHANGE,
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
        _EXCHANGE,
    ),
)

TABLES = (
    POSITIONS,
    HOLDINGS,
    LIMITS,
    TRADES,
    FILLS,
    PNL,
    PNL_CHECK,
    PNL_CURVE,
    STOPS,
    MIRROR,
    QUOTES,
    TICKS,
    ALL_TICKS,
    BARS,
    DEPTH,
    ORDERS,
    ORDER_EVENTS,
    BROKERS,
    BANDWIDTH,
    SAVINGS,
    COMPARISON,
    CHAIN,
    ASSIGNMENT,
    FAILOVERS,
    GAPS,
    INCIDENTS,
    ALERTS,
    DELIVERED,
    INSTRUMENTS,
    SUBSCRIBED,
    RECONCILED,
)
