"""How each broker is doing: what its session reports about itself, ready to be shown."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from dualbroker.model import Role

__all__ = ["BrokerHealth", "BrokerState"]


class BrokerState(StrEnum):
    """A broker's state. The word a person reads is the value."""

    CONNECTING = "connecting"
    LIVE = "live"
    POLLING = "polling"
    RECONNECTING = "reconnecting"
    PARKED = "parked"
    """Given up until a person does something; ``problem`` says what."""
    CLOSED = "closed"


class BrokerHealth(msgspec.Struct, kw_only=True):
    """Written by one broker's session on the feed's thread, read by anybody.

    Times are UTC ns; None is "not yet".
    """

    broker_name: str
    broker_type: str
    account: str
    """The account id, masked."""
    simulated: bool
    role: Role = Role.NONE
    state: BrokerState = BrokerState.CONNECTING
    problem: str = ""
    """What is wrong and what to do; empty when nothing is."""
    connected_since_ns: int | None = None
    last_quote_ns: int | None = None
    last_order_ns: int | None = None
    last_book_ns: int | None = None
    """When the order book was last read; None: what is shown may lack orders of before we connected."""
    book_problem: str = ""
    """Why the last read of the order book failed; empty when it did not."""
    round_trip_s: float | None = None
    reconnects: int = 0
    subscriptions: int = 0
    acknowledged: int = 0
    max_subscriptions: int | None = None
    """Instruments that it may stream on its connection; None is unknown."""
    max_known_by: str = ""
    """``set``, ``family`` or ``learned``; empty where the limit is unknown."""
    unreadable_messages: int = 0
    """Messages that could not be read; they are skipped."""
    unexpected_quotes: int = 0
    """Quote messages at a broker that carries orders only; they are not used."""
    state_at_close: BrokerState | None = None
    """What it was when it was closed; None before that."""

    def close(self) -> None:
        """Nothing comes from it any more, as somebody wants it; what it was stays known."""
        if self.state is not BrokerState.CLOSED:
            self.state_at_close, self.state = self.state, BrokerState.CLOSED

    @property
    def words(self) -> str:
        """State and problem in one line."""
        return f"{self.state.value}: {self.problem}" if self.problem else self.state.value
