"""An instrument's way from one broker to another, as it is remembered while it lasts."""

from __future__ import annotations

import msgspec

from dualbroker.model import FeedType
from dualbroker.stores.incidents import Failover

__all__ = ["Begun", "Lost", "Move"]


class Move(msgspec.Struct, gc=False):
    """An instrument on its way to a broker. Times are receive times in UTC ns."""

    to: str
    kind: FeedType
    base_ns: int
    """Of the last quote that counted, of any instrument of the source before; 0: it never had a source."""
    begun_ns: int
    planned: bool = False
    failover: Failover | None = None
    """What tells of it."""
    after: Failover | None = None
    """What told of it last, before its target refused it: of this try it is told once it succeeds."""


class Lost(msgspec.Struct, gc=False):
    """What was streamed, and is by nobody: its source failed, and so did whoever was to take it over."""

    failover: Failover
    """What told of it last."""
    base_ns: int


class Begun(msgspec.Struct, frozen=True):
    """Moves that begin together and are one failover."""

    old: str
    new: str
    planned: bool
