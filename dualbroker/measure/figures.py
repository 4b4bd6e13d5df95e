"""What a measurement consists of: what each plan carried, what it cost, and what was checked."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import msgspec

from dualbroker.model import Instrument

__all__ = [
    "Check",
    "Measurement",
    "MessageCount",
    "OrderFinal",
    "Plan",
    "PlanFigures",
    "PlanReport",
    "Saving",
    "StreamCounts",
    "Truth",
    "Verification",
]


class Plan(StrEnum):
    """Who streams quotes; every broker carries its orders either way."""

    NAIVE = "naive"
    """Every broker, each to a client of its own."""
    OPTIMISED = "optimised"
    """The primary alone."""


class StreamCounts(msgspec.Struct, frozen=True):
    """What came off one broker's socket in the measured time."""

    quote_bytes: int
    quote_messages: int
    order_bytes: int
    order_messages: int
    control_messages: int
    control_bytes: int = 0
    """All that is neither: answers to hellos and heartbeats, pongs, and so on."""


class MessageCount(msgspec.Struct, frozen=True):
    """What came of one type of message, of one instrument where it is a quote."""

    type: str
    """As on the wire: ``tf`` for a touchline that changed, ``om`` for an order, …"""
    exchange: str
    """Empty for what is about no instrument, as are orders here."""
    token: str
    bytes: int
    """Headers of frames included."""
    messages: int


class OrderFinal(msgspec.Struct, frozen=True):
    """How an order ended up."""

    status: str
    filled_quantity: float
    """Units."""


class PlanReport(msgspec.Struct, frozen=True):
    """What the process of one plan tells when it has drained."""

    streams: dict[str, StreamCounts]
    """By broker."""
    last_prices: dict[str, dict[str, float]]
    """By the broker that each quote carries, then by ``exchange|token``; rupees."""
    orders: dict[str, dict[str, OrderFinal]]
    """By the broker that each order carries, then by order number."""
    stored_quotes: dict[str, int]
    """Stored quotes by the broker they carry, those of before the measured time too."""
    stored_order_events: dict[str, int]
    """Likewise."""
    stray_quotes: int
    """Quotes that came from a broker which is not their source, or that nobody wanted."""
    reconnects: int
    cpu_seconds: float
    """Of the process in the measured time, all its threads."""
    peak_memory_bytes: int
    """The process's largest resident set, sampled ten times a second over its whole life."""
    starting: dict[str, list[MessageCount]] = {}
    """By broker: what came before the measured time, such as the full quotes that acknowledge subscriptions.
    Empty unless it was asked for, as is ``measured``."""
    measured: dict[str, list[MessageCount]] = {}
    """By broker: what came in the measured time."""


class Truth(msgspec.Struct, frozen=True):
    """What a perfect observer of the simulated brokers knows."""

    last_prices: dict[str, float]
    """By ``exchange|token``, rupees."""
    orders: dict[str, dict[str, OrderFinal]]
    """By broker, then by order number."""
    order_updates: dict[str, int]
    """Order messages that each broker has produced for each connection."""


class PlanFigures(msgspec.Struct, frozen=True):
    """One column of the table."""

    quote_bytes: int
    order_bytes: int
    messages: int
    """Quotes, orders and control together."""
    cpu_seconds: float
    peak_memory_bytes: int


class Saving(msgspec.Struct, frozen=True):
    """How much less the optimised plan took than the naive one, in percent of the naive one."""

    quote_bytes_percent: float
    cpu_percent: float
    memory_percent: float


class Check(msgspec.Struct, frozen=True):
    """One thing that has to hold, and what was found."""

    name: str
    ok: bool
    details: str


class Verification(msgspec.Struct, frozen=True):
    """A whole measurement."""

    brokers: int
    seconds: float
    naive: PlanFigures
    optimised: PlanFigures
    saving: Saving
    checks: list[Check]

    @property
    def ok(self) -> bool:
        """Every check holds."""
        return all(check.ok for check in self.checks)

    def as_dict(self) -> dict[str, Any]:
        """Plain values, ``ok`` first, as ``dualbroker verify --json`` prints them."""
        values: dict[str, Any] = msgspec.to_builtins(self)
        return {"ok": self.ok, **values}


class Measurement(msgspec.Struct, frozen=True):
    """A verification, and what it was made of."""

    verification: Verification
    naive: PlanReport
    optimised: PlanReport
    instruments: list[Instrument]
    """What was streamed, from the symbol masters."""
    market_seconds: float
    """For how long the market ran, by the clock; a little more than was asked for."""
