"""Faults of a simulated broker: switches that stay on until they are turned off, and one-off strikes.

All are off by default. ``broker.faults`` may be changed at any moment, whole or field by field; what
streams follows with the simulation's next step.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec

from dualbroker.errors import DualBrokerError

__all__ = ["ALL_BROKERS", "NO_FAULTS", "Faults", "Strike", "as_strike", "changed"]

ALL_BROKERS = "all"
"""Stands for every broker wherever one is named."""
_EVICTED = "goodbye"
_NORMAL = 1000

Share = Annotated[float, msgspec.Meta(ge=0.0, le=1.0)]
Seconds = Annotated[float, msgspec.Meta(ge=0.0)]


class Faults(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What is wrong with one broker now."""

    refuse: bool = False
    """New WebSockets are refused."""
    black_hole: bool = False
    """Links stay up and nothing gets through either way: no data, ping, pong or close. New WebSockets and
    REST calls hang. What was sent comes when it is over, as TCP would have it."""
    mute: bool = False
    """First frame and pings are answered, nothing else is: no quotes, orders, heartbeats, acknowledgements.
    Subscriptions made meanwhile are lost."""
    heartbeats_only: bool = False
    """First frame, pings, heartbeats and the orders' subscription are answered; no quotes, no order updates.
    Subscriptions of quotes made meanwhile are lost."""
    quotes_silent: bool = False
    """Orders and heartbeats flow, subscriptions are answered by a snapshot, but nothing ticks."""
    refuse_hello: bool = False
    """First frames are answered NOT_OK, and the socket is left open."""
    delay_s: Seconds = 0.0
    """Everything sent is late by so much, pongs and REST answers too."""
    burst_s: Seconds = 0.0
    """What is sent is held back and comes in bursts, so many seconds apart."""
    conflate_s: Seconds = 0.0
    """An instrument's changes are put together and sent once in so many seconds; each instrument
    has a phase of its own. 0: each is sent as it comes."""
    conflate_phase: Share = 0.0
    """Part of ``conflate_s`` by which these moments are earlier."""
    skip_quotes: Share = 0.0
    """Share of the quote updates that are not sent; what they told comes with the instrument's next one."""
    duplicate_orders: Share = 0.0
    """Share of the ``om`` frames that are sent twice."""
    reorder_orders: Share = 0.0
    """Share of the ``om`` frames that come after the next one, or half a second late."""
    drop_orders: Share = 0.0
    """Share of the ``om`` frames that are never sent; the book has what they told."""
    unacknowledged: Share = 0.0
    """Share of the instruments, always the same ones, whose subscription is neither answered nor served."""
    first_scrips_only: Annotated[int, msgspec.Meta(ge=0)] | None = None
    """So many scrips of a connection tick, those subscribed first; all are acknowledged."""
    most_scrips: Annotated[int, msgspec.Meta(ge=0)] | None = None
    """A connection streams so many scrips at most; those beyond are not acknowledged."""
    expired_tokens_accepted: bool = False
    """A dead token is welcome on the WebSocket, which then is mute for good; REST says Session Expired."""
    rest_html_502: bool = False
    """Every REST call is answered 502 with HTML."""
    rest_hangs: bool = False
    """REST calls are never answered."""
    rate_limit_per_minute: Annotated[int, msgspec.Meta(ge=0)] | None = None
    """Calls of one account beyond so many within a minute are refused."""
    wrong_quotes: Share = 0.0
    """Share of GetQuotes that are answered in full, with another instrument's quote."""
    no_data: bool = False
    """The books of orders, trades and positions say "no data", whatever there is."""
    desk_reads_fail: Share = 0.0
    """Share of the calls of PositionBook, Holdings and Limits that are answered with a server's timeout."""
    garbled_positions: Share = 0.0
    """Share of the rows of PositionBook, always the same ones, that do not name their instrument."""
    stale_positions: bool = False
    """Rows of PositionBook keep the last price, and ``urmtom`` at it, of their first read since then."""
    clock_skew_s: float = 0.0
    """The broker's own times (``ft tm norentm ordenttm lut request_time hk``) are off by so much."""
    lacks: frozenset[str] = frozenset()
    """Trading symbols that this broker's master lacks and that can't be subscribed or asked for there."""


NO_FAULTS = Faults()
"""To compare with; never changed."""


class Strike(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A strike against all open connections of a broker."""

    action: Literal["close", "reset", "half_frame", "garbage", "oversized", "evict", "expire_tokens"]
    """
    ``close``: a close frame with ``code``. ``reset``: the link breaks (RST). ``half_frame``: a message is
    begun and neither finished nor followed by anything. ``garbage``: text messages that can't be read.
    ``oversized``: a message above any client's limit. ``evict``: closed as by a second login.
    ``expire_tokens``: all session tokens die, and their connections as the simulation's ``tokens_die`` says.
    """
    code: int = 1011
    """Of ``close``."""
    reason: str = ""
    """Of ``close``; ``goodbye`` where none is given for the code 1000. Real brokers seem to give none."""

    @property
    def words(self) -> str:
        """The reason to send."""
        return self.reason or (_EVICTED if self.code == _NORMAL else "")


def changed(faults: Faults, changes: Mapping[str, Any]) -> Faults:
    """The switches with some of them set, checked.

    Raises
    ------
    DualBrokerError
        There is no such switch, or it can't be set to that.
    """
    try:
        return msgspec.convert(msgspec.structs.asdict(faults) | dict(changes), Faults)
    except msgspec.ValidationError as error:
        known = ", ".join(Faults.__struct_fields__)
        raise DualBrokerError(f"expected switches out of {known}; found: {error}") from None


def as_strike(fields: Mapping[str, Any]) -> Strike:
    """A strike from plain values, checked.

    Raises
    ------
    DualBrokerError
        There is no such strike.
    """
    try:
        return msgspec.convert(dict(fields), Strike)
    except msgspec.ValidationError as error:
        raise DualBrokerError(f"expected action, and code and reason of a close; found: {error}") from None
