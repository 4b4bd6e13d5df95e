"""The words all else speaks: instruments, quotes, orders, positions. No I/O, no clock.

Prices are rupees, quantities and open interest are units (never lots), times are UTC nanoseconds
since the epoch unless the name says otherwise (``feed_time`` is epoch seconds, as brokers send it).
``None`` (or NaN in a store) means unknown; a zero is a zero that was received.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from enum import StrEnum
from typing import Annotated, ClassVar, Protocol, get_type_hints

import msgspec

__all__ = [
    "DEPTH_LEVELS",
    "QUOTE_FIELDS",
    "QUOTE_UNITS",
    "DepthLevel",
    "DepthUpdate",
    "FeedType",
    "FillReport",
    "Holding",
    "Instrument",
    "InstrumentKey",
    "InstrumentKind",
    "Limits",
    "MessageKind",
    "OrderKey",
    "OrderStatus",
    "OrderUpdate",
    "Position",
    "Quote",
    "QuoteBatch",
    "QuoteUpdate",
    "ReportType",
    "Role",
    "Side",
    "Unit",
    "UpdateSource",
]

InstrumentKey = tuple[str, str]
"""``(exchange, token)``: nothing is keyed by a token alone, tokens repeat across exchanges."""

OrderKey = tuple[str, date, str]
"""``(broker_name, trading_day, order_id)``: order numbers repeat across brokers and days."""

DEPTH_LEVELS = 5


class InstrumentKind(StrEnum):
    INDEX = "index"
    EQUITY = "equity"
    FUTURE = "future"
    OPTION = "option"
    OTHER = "other"
    """Bonds, gold bonds, treasury bills … and whatever a symbol master invents next."""


_QUOTED_IN_LOTS = frozenset({"MCX"})


class Instrument(msgspec.Struct, frozen=True, kw_only=True):
    """One row of a broker's symbol master."""

    exchange: str
    """NSE, NFO, BSE, BFO, CDS or MCX."""
    token: str
    """The exchange's number for it at this broker; recycled after a derivative's expiry."""
    symbol: str
    """Trading symbol in the broker's spelling, ``NIFTY29DEC26C26000`` or ``RELIANCE-EQ``."""
    name: str
    """Underlying of a derivative (``NIFTY``), company symbol of a share, plain name of an index."""
    kind: InstrumentKind
    expiry: date | None = None
    strike: float | None = None
    option_type: str | None = None
    """``CE`` or ``PE``; None for what is no option."""
    lot_size: int = 1
    tick_size: float | None = None
    """Rupees; None where the master says 0 or can't be trusted (see the protocol page)."""
    instrument_type: str = ""
    """The master's own word: OPTIDX, FUTSTK, EQ, INDEX, BE …"""

    @property
    def key(self) -> InstrumentKey:
        return (self.exchange, self.token)

    @property
    def quote_unit(self) -> int:
        """Units in one of what brokers' quotes count: the lot size at MCX, else 1.

        Noren's quotes of MCX are in lots, orders in units (reported by clients' authors; protocol:
        section 9). Of other exchanges nothing of the kind is known.
        """
        return self.lot_size if self.exchange in _QUOTED_IN_LOTS else 1

    @property
    def qualified_name(self) -> str:
        return f"{self.exchange}:{self.symbol}"


class Role(StrEnum):
    """What a broker carries. The word a person reads is the value."""

    PRIMARY = "quotes and orders"
    SECONDARY = "orders only"
    SOME_QUOTES = "some quotes and orders"
    NONE = "nothing"


class FeedType(StrEnum):
    TOUCHLINE = "touchline"
    DEPTH = "depth"


class MessageKind(StrEnum):
    """Kinds by which traffic is accounted."""

    QUOTES = "quotes"
    ORDERS = "orders"
    CONTROL = "control"
    PROBE = "probe"
    """Quotes that are streamed a second time, to compare brokers."""


class QuoteUpdate(Protocol):
    """A quote message as a wire decoder hands it on: None means the message did not say.

    A structural type, so that a decoder's own struct is used as it is and no tick is copied. It has a float
    or None under every name of ``QUOTE_FIELDS``; spelled out here are those that code asks for by name.
    """

    is_snapshot: ClassVar[bool]
    """True: replaces all that was known of the instrument. False: a delta, absent means unchanged."""
    has_depth: ClassVar[bool]
    """True: carries levels two to five and order counts too (a :class:`DepthUpdate`)."""

    exchange: str
    token: str
    ltp: float | None
    bid: float | None
    ask: float | None
    volume: float | None
    feed_time: int | None


class DepthUpdate(QuoteUpdate, Protocol):
    """A quote message whose ``has_depth`` is true."""

    level_quantities: ClassVar[tuple[str, ...]]
    """Names of its quantities at the levels two to five."""

    def levels(self) -> tuple[list[DepthLevel], list[DepthLevel]]:
        """Five bids and five asks, best first; None where the message did not say."""
        ...


class DepthLevel(msgspec.Struct, frozen=True):
    """One of the five levels of a side; None where the broker has not said."""

    price: float | None = None
    quantity: float | None = None
    orders: float | None = None


class QuoteBatch(msgspec.Struct, gc=False):
    """All quote messages of one socket read, tagged where they were received."""

    broker_name: str
    receive_time_ns: int
    updates: Sequence[QuoteUpdate]


class Unit(StrEnum):
    """What a field of a quote counts."""

    RUPEES = "rupees"
    UNITS = "units"
    """Where a broker quotes in lots, these are what has to be multiplied."""
    PERCENT = "percent"


_Rupees = Annotated[float, Unit.RUPEES]
_Units = Annotated[float, Unit.UNITS]
_Percent = Annotated[float, Unit.PERCENT]


class Quote(msgspec.Struct, frozen=True, kw_only=True):
    """The full quote of one instrument after a tick; NaN is unknown, a zero was received.

    Prices are rupees, quantities and open interest units. The fields with a unit are what stores hold, in
    this order: stored rows, their merging and the frames are made from them, so a new one goes to the end.
    """

    instrument: Instrument
    broker_name: str
    receive_time_ns: int
    feed_time_s: float
    ltp: _Rupees
    change_percent: _Percent
    bid: _Rupees
    bid_quantity: _Units
    ask: _Rupees
    ask_quantity: _Units
    volume: _Units
    open: _Rupees
    high: _Rupees
    low: _Rupees
    prev_close: _Rupees
    average_price: _Rupees
    open_interest: _Units
    prev_open_interest: _Units

    @property
    def symbol(self) -> str:
        return self.instrument.symbol

    @property
    def exchange(self) -> str:
        return self.instrument.exchange

    @property
    def token(self) -> str:
        return self.instrument.token


def _quote_units() -> dict[str, Unit]:
    hints = get_type_hints(Quote, include_extras=True)
    return {
        name: mark
        for name, hint in hints.items()
        for mark in getattr(hint, "__metadata__", ())
        if isinstance(mark, Unit)
    }


QUOTE_UNITS: Mapping[str, Unit] = _quote_units()
"""Fields of a merged quote and their units, in the order in which stores hold them; NaN is unknown."""

QUOTE_FIELDS = tuple(QUOTE_UNITS)


class Side(StrEnum):
    BUY = "BUY"
    SELL = "SELL"


class OrderStatus(StrEnum):
    """Normalised states of an order (brokers vary in case, underscores and wording)."""

    PENDING = "PENDING"
    OPEN = "OPEN"
    TRIGGER_PENDING = "TRIGGER_PENDING"
    COMPLETE = "COMPLETE"
    CANCELED = "CANCELED"
    REJECTED = "REJECTED"
    UNKNOWN = "UNKNOWN"
    """The broker sent a word that is none of these; the update keeps it in ``raw_status``."""

    @property
    def is_final(self) -> bool:
        return self in _FINAL

    @property
    def is_open(self) -> bool:
        """Known to be alive; UNKNOWN is neither open nor final."""
        return self is not OrderStatus.UNKNOWN and self not in _FINAL


_FINAL = frozenset({OrderStatus.COMPLETE, OrderStatus.CANCELED, OrderStatus.REJECTED})


class ReportType(StrEnum):
    """What an update reports about its order."""

    NEW_ACK = "NewAck"
    MOD_ACK = "ModAck"
    CAN_ACK = "CanAck"
    PENDING_NEW = "PendingNew"
    PENDING_REPLACE = "PendingReplace"
    PENDING_CANCEL = "PendingCancel"
    NEW = "New"
    REPLACED = "Replaced"
    CANCELED = "Canceled"
    FILL = "Fill"
    REJECTED = "Rejected"
    REPLACE_REJECTED = "ReplaceRejected"
    CANCEL_REJECTED = "CancelRejected"
    TRIGGER_PENDING = "TriggerPending"
    UNKNOWN = "Unknown"


class UpdateSource(StrEnum):
    """How an order update reached us."""

    STREAM = "stream"
    RECONCILE = "reconcile"
    POLL = "poll"


class OrderUpdate(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One update of one order, from the order stream or a row of an order book.

    ``None`` means the message did not say; later messages may omit what earlier ones said.
    """

    broker_name: str
    receive_time_ns: int
    source: UpdateSource
    as_of_ns: int | None = None
    """Of a book's row: when the book was asked for. What the stream brought later is newer than the row."""
    order_id: str
    trading_day: date
    exchange: str | None = None
    token: str | None = None
    symbol: str | None = None
    side: Side | None = None
    quantity: float | None = None
    price: float | None = None
    trigger_price: float | None = None
    price_type: str | None = None
    """LMT, MKT, SL-LMT, SL-MKT …"""
    product: str | None = None
    """C, M, I, H, B … as the broker writes it."""
    retention: str | None = None
    """DAY, IOC, EOS …"""
    status: OrderStatus | None = None
    raw_status: str | None = None
    report_type: ReportType | None = None
    filled_quantity: float | None = None
    """Cumulative."""
    average_price: float | None = None
    """Of all fills so far."""
    cancelled_quantity: float | None = None
    fill_id: str | None = None
    fill_quantity: float | None = None
    """Of this one fill."""
    fill_price: float | None = None
    fill_time_ns: int | None = None
    reject_reason: str | None = None
    exchange_order_id: str | None = None
    remarks: str | None = None
    order_time_ns: int | None = None
    """When the broker's order system took note (``norentm``)."""
    exchange_time_ns: int | None = None
    event_time_ns: int | None = None
    """Orders events inside one second (``tm`` and ``ntm``); None where the broker sends none."""
    amo: bool | None = None
    """Sent after the market, to wait at the broker until it opens."""

    @property
    def key(self) -> OrderKey:
        return (self.broker_name, self.trading_day, self.order_id)

    @property
    def happened_ns(self) -> int:
        """When it happened: what the stream brings came at once, of what was read only the broker knows."""
        if self.source is UpdateSource.STREAM:
            return self.receive_time_ns
        told = (self.fill_time_ns, self.event_time_ns, self.exchange_time_ns, self.order_time_ns)
        return next((moment for moment in told if moment), self.receive_time_ns)


class FillReport(msgspec.Struct, kw_only=True):
    """One fill: a row of a trade book, or what the order stream brought of it."""

    broker_name: str
    order_id: str
    trading_day: date
    fill_id: str | None
    quantity: float | None
    price: float | None
    exchange: str | None = None
    token: str | None = None
    symbol: str | None = None
    product: str | None = None
    side: Side | None = None
    fill_time_ns: int | None = None
    """The broker's, in whole seconds."""
    receive_time_ns: int | None = None
    """When the order stream brought it; None of what a trade book alone has told."""


class Position(msgspec.Struct, kw_only=True):
    """One row of a position book. Quantities are units, averages rupees before any multiplier."""

    broker_name: str
    exchange: str
    token: str | None
    symbol: str
    product: str | None
    net_quantity: float | None
    """Below zero where more was sold than bought."""
    net_average_price: float | None = None
    day_buy_quantity: float | None = None
    day_sell_quantity: float | None = None
    day_buy_price: float | None = None
    day_sell_price: float | None = None
    """Averages of what was bought and sold today."""
    carried_quantity: float | None = None
    """From the days before; below zero where it is short."""
    carried_price: float | None = None
    """At which what is carried was entered."""
    settlement_price: float | None = None
    """Of what is carried, at the last close."""
    price_factor: float | None = None
    """``prcftr`` at Noren: rupees in one rupee of price and one unit of quantity."""
    unit_multiplier: float | None = None
    """``mult`` at Noren."""
    ltp: float | None = None
    """The broker's last price, of the moment of the read or older."""
    realised_profit: float | None = None
    unrealised_profit: float | None = None


class Holding(msgspec.Struct, kw_only=True):
    """Units of one share in the depository: one row of a book of holdings."""

    broker_name: str
    listings: list[tuple[str, str, str]]
    """Exchange, token and symbol of each exchange on which it is listed."""
    product: str | None
    quantity: float | None
    """What is owned now: settled, bought yesterday, pledged; less what was sold today."""
    bought_yesterday: float | None = None
    """Paid for and not yet settled (T1)."""
    pledged: float | None = None
    """Lying as collateral."""
    used: float | None = None
    """Sold today."""
    average_price: float | None = None


class Limits(msgspec.Struct, kw_only=True):
    """The money of one account, in rupees, each broker's words mapped to these; None: it did not say."""

    broker_name: str
    cash: float | None = None
    pay_in: float | None = None
    pay_out: float | None = None
    collateral: float | None = None
    margin_used: float | None = None
    margin_available: float | None = None
    available_how: str = ""
    """How ``margin_available`` was obtained: the broker's figure, or computed from what."""
    span: float | None = None
    exposure: float | None = None
    premium: float | None = None
    realised_profit: float | None = None
    unrealised_profit: float | None = None
