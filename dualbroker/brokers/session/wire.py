"""What a broker family says of its wire, and what one read of it comes to. No I/O, no clock."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import msgspec

from dualbroker.errors import WireError
from dualbroker.model import FeedType, InstrumentKey, OrderUpdate, QuoteUpdate

__all__ = ["Frame", "Received", "Session", "Wire", "WireRules", "frame_bytes", "frames_bytes"]

Frame = str | bytes
"""A message to send: str as text, bytes as binary."""


class Session(msgspec.Struct, frozen=True):
    """What a connection needs: whose session, and its token. Its repr shows no token."""

    user_id: str
    account_id: str
    token: str

    def __repr__(self) -> str:
        return "Session(token=hidden)"


class WireRules(msgspec.Struct, frozen=True, kw_only=True):
    """How a family's socket is used, and what its end means."""

    chunk: int = 100
    """Instruments in one subscribe frame."""
    chunk_pause_s: float = 0.0
    """Seconds between two chunks."""
    heartbeat_s: float = 30.0
    """Seconds between two heartbeats, where `Wire.heartbeat` gives one."""
    answers_hello: bool = True
    """False: the socket is of use as soon as it is open."""
    evicted_codes: frozenset[int] = frozenset()
    """Close codes that mean: another program has taken this login, so coming back would throw it out."""
    refused_codes: frozenset[int] = frozenset({1008})
    """Close codes before the hello's answer that mean: the session is refused."""
    refused_statuses: frozenset[int] = frozenset()
    """HTTP statuses of a refused handshake that mean the same."""


def frame_bytes(message: bytes) -> int:
    """Bytes that an unfragmented frame with this message takes on the wire (RFC 6455, 5.2)."""
    size = len(message)
    return size + (2 if size < 126 else 4 if size < 65536 else 10)


def frames_bytes(messages: Sequence[bytes]) -> int:
    """The same of many messages, without a call for each."""
    sizes = list(map(len, messages))
    longer = [size for size in sizes if size > 125]
    return sum(sizes) + 2 * (len(sizes) + len(longer)) + 6 * sum(size > 65535 for size in longer)


class Received(msgspec.Struct, gc=False):
    """What the messages of one read come to, each kind in the order in which it came."""

    quotes: list[QuoteUpdate] = []
    quote_messages: int = 0
    quote_bytes: int = 0
    """With the headers of their frames; a message may hold many quotes."""
    acknowledged: list[InstrumentKey] = []
    """Instruments whose subscription is answered by this: mostly by their full quote."""
    orders: list[Any] = []
    """Order updates in the family's own form, for `Wire.order_update`; each is one message."""
    order_bytes: int = 0
    hellos: list[bool] = []
    """Answers to hellos: whether the session is accepted. A False while it is in use takes it back."""
    heartbeats: int = 0
    """Answers to heartbeats."""
    time_s: int | None = None
    """The server's epoch seconds, where a heartbeat's answer has them."""
    unreadable: list[WireError] = []

    def add_quotes(self, message: bytes, *quotes: QuoteUpdate) -> None:
        """The quotes of one message; a full quote acknowledges its instrument."""
        self.quotes += quotes
        self.acknowledged += [(quote.exchange, quote.token) for quote in quotes if quote.is_snapshot]
        self.quote_messages += 1
        self.quote_bytes += frame_bytes(message)

    def add_order(self, message: bytes, order: Any) -> None:
        """One order update."""
        self.orders.append(order)
        self.order_bytes += frame_bytes(message)


class Wire(ABC):
    """One login's side of a family's stream: which frames to send, and what comes."""

    rules: WireRules = WireRules()

    @abstractmethod
    def url(self, session: Session) -> str:
        """The address to open."""

    def hello(self, session: Session) -> Sequence[Frame]:
        """The first frames of a connection."""
        return ()

    def subscribe_orders(self, session: Session) -> Sequence[Frame]:
        """Frames that ask for order updates; none where these come by themselves."""
        return ()

    @abstractmethod
    def subscribe(self, keys: Sequence[InstrumentKey], feed_type: FeedType) -> Sequence[Frame]:
        """Frames that ask for quotes of one chunk; asked again, the broker sends full quotes again."""

    @abstractmethod
    def unsubscribe(self, keys: Sequence[InstrumentKey], feed_type: FeedType) -> Sequence[Frame]:
        """Frames that end the quotes of one chunk."""

    def heartbeat(self) -> Frame | None:
        """A sign of life in the broker's own protocol; None where a ping has to do."""
        return None

    @abstractmethod
    def decode(self, messages: Sequence[bytes]) -> Received:
        """Sort the messages of one read; a binary one is a `BinaryMessage`. The path every tick takes.

        A message that can't be read goes to ``unreadable``; nothing is raised.
        """

    @abstractmethod
    def order_update(self, order: Any, *, broker_name: str, receive_time_ns: int) -> OrderUpdate:
        """One of ``Received.orders`` as stores and people see it."""
