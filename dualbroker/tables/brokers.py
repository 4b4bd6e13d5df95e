"""How brokers do, what they carry and cost, and what went wrong."""

from __future__ import annotations

from dualbroker.tables.shape import BROKER, EXCHANGE, SYMBOL, TOKEN, Column, Table

__all__ = [
    "ALERTS",
    "ASSIGNMENT",
    "BANDWIDTH",
    "BROKERS",
    "COMPARISON",
    "DELIVERED",
    "FAILOVERS",
    "GAPS",
    "INCIDENTS",
    "SAVINGS",
]

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
        BROKER,
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
        EXCHANGE,
        TOKEN,
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
    SYMBOL,
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
        EXCHANGE,
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
