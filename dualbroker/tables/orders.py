"""Orders, their updates, and what a reconcile found."""

from __future__ import annotations

from dualbroker.tables.shape import BROKER, Column, Table

__all__ = [
    "ORDERS",
    "ORDER_EVENTS",
    "ORDER_STEPS",
    "RECONCILED",
]

ORDERS = Table(
    "feed.orders",
    "The latest state of one order at one broker, the newest first.",
    (
        BROKER,
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
        BROKER,
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
