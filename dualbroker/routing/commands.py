"""What goes into routing's machine with each event, and what it wants done, in order. Pure."""

from __future__ import annotations

import msgspec

from dualbroker.model import FeedType, InstrumentKey
from dualbroker.stores.incidents import Failover

__all__ = [
    "AskAgain",
    "Command",
    "FailoverBegun",
    "FailoverFinished",
    "Moment",
    "Note",
    "PrimaryChanged",
    "Reconnect",
    "Subscribe",
    "Unsubscribe",
    "WireCommand",
]


class Moment(msgspec.Struct, frozen=True):
    """Now, by each clock that routing goes by."""

    s: float
    """Of a clock that never runs back, for pauses and ages."""
    ns: int
    """UTC, by the clock that stamps what is received; in a replay the market's."""
    wall_ns: int
    """UTC, the time of day: it says which markets are open."""


class Subscribe(msgspec.Struct, frozen=True):
    """Have a broker stream these, in its own keys; those that it streams already change their kind."""

    broker: str
    keys: tuple[InstrumentKey, ...]
    kind: FeedType


class Unsubscribe(msgspec.Struct, frozen=True):
    """Have a broker stream these no longer."""

    broker: str
    keys: tuple[InstrumentKey, ...]


class AskAgain(msgspec.Struct, frozen=True):
    """Have a broker send full quotes of what it was asked to stream."""

    broker: str
    keys: tuple[InstrumentKey, ...]


class Reconnect(msgspec.Struct, frozen=True):
    """Have a broker give its connection up and open another, with a new session where that is needed."""

    broker: str
    why: str
    renew_session: bool = False


class Note(msgspec.Struct, frozen=True):
    """An incident."""

    broker: str
    cause: str
    action: str
    line: str = ""
    """A warning for the log, where it is one as well."""


class PrimaryChanged(msgspec.Struct, frozen=True):
    """Another broker carries quotes."""

    primary: str
    reason: str


class FailoverBegun(msgspec.Struct, frozen=True):
    """Quotes begin to move."""

    failover: Failover


class FailoverFinished(msgspec.Struct, frozen=True):
    """All that was to be moved has been, or never will be."""

    failover: Failover


WireCommand = Subscribe | Unsubscribe | AskAgain
Command = WireCommand | Reconnect | Note | PrimaryChanged | FailoverBegun | FailoverFinished
