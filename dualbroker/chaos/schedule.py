"""A schedule: all that will happen in one run, as plain data made before it. Pure.

A schedule is data so that a failing one can be kept, cut down and played again.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from dualbroker.errors import DualBrokerError

__all__ = ["Event", "Fault", "OneOff", "Schedule", "UserAction", "read_schedule", "write_schedule"]

ALL_BROKERS = "all"


class Fault(msgspec.Struct, frozen=True, kw_only=True, tag="fault", tag_field="kind"):
    """Switches of a simulated broker that are on for a time."""

    at_s: float
    """Seconds after the start."""
    lasts_s: float
    broker: str
    """A name, or ``all``."""
    switches: dict[str, Any]
    """By the names of ``dualbroker.simulator.faults.faults.Faults``."""


class OneOff(msgspec.Struct, frozen=True, kw_only=True, tag="one_off", tag_field="kind"):
    """Something that a simulated broker does once (``dualbroker.simulator.faults.faults.Strike``)."""

    at_s: float
    broker: str
    action: str
    code: int = 1011
    reason: str = ""


class UserAction(msgspec.Struct, frozen=True, kw_only=True, tag="user", tag_field="kind"):
    """Something that a user of the feed does."""

    at_s: float
    action: Literal["subscribe", "unsubscribe", "release", "set_quote_source", "reconcile"]
    holder: str = ""
    names: tuple[str, ...] = ()
    """Qualified names, ``NSE:RELIANCE-EQ``."""
    depth: bool = False
    broker: str = ""
    """Of ``set_quote_source``."""


Event = Fault | OneOff | UserAction


class Schedule(msgspec.Struct, frozen=True, kw_only=True):
    """One run. Times are seconds after its start, virtual ones."""

    seed: int
    """Of the accounts, market, traders, network and the client's own chance."""
    start: str
    """Date and time in India at which it starts, ISO 8601 without an offset."""
    moment: str
    """What is special about the start, in a word."""
    brokers: int
    faults_end_s: float
    """No fault lasts beyond; then everything has to come right."""
    events: tuple[Event, ...]
    settings: dict[str, Any]
    """Of the client: keys of config.yaml but for ``brokers``."""
    broker_settings: dict[str, dict[str, Any]] = {}
    """By broker: keys of its section of config.yaml that differ from what the simulator hands out."""
    limits: dict[str, dict[str, Any]] = {}
    """By broker: switches that are on from the start and never go off, as no fault is: what it serves."""
    tokens_die: Literal["close", "mute"] = "close"
    """What becomes of connections whose session token dies."""
    ticks_per_second: float = 15.0
    orders_per_minute: float = 20.0
    latency_s: float = 0.005
    """One way."""
    rest_jitter_s: float = 0.05
    """At most, on top of the latency, on the way of a REST call there and on that of its answer."""


def write_schedule(schedule: Schedule) -> str:
    """One line of JSON."""
    return msgspec.json.encode(schedule).decode("utf-8")


def read_schedule(text: str | bytes) -> Schedule:
    """The schedule that ``write_schedule`` wrote.

    Raises
    ------
    DualBrokerError
        It is none.
    """
    try:
        return msgspec.json.decode(text, type=Schedule)
    except msgspec.DecodeError as error:
        raise DualBrokerError(f"expected a schedule as dualbroker chaos prints it, found: {error}") from None
