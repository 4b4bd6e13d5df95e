"""Noren on the session's wire: its frames, and its messages sorted (protocol: sections 2.1 and 2.2)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dualbroker.brokers.session.wire import (
    Frame,
    Received,
    Session,
    Wire,
    WireRules,
    frame_bytes,
    frames_bytes,
)
from dualbroker.errors import WireError
from dualbroker.model import FeedType, InstrumentKey, OrderUpdate, QuoteUpdate
from dualbroker.noren import frames
from dualbroker.noren.dialects import Dialect
from dualbroker.noren.orders import OrderMessage, to_order_update
from dualbroker.noren.quotes import DepthDelta, DepthSnapshot, TouchlineDelta, TouchlineSnapshot
from dualbroker.noren.stream import (
    NO_PLAIN_QUOTE,
    ConnectAck,
    HeartbeatAck,
    StreamMessage,
    decode,
    decode_quote,
)

__all__ = ["NorenWire"]

QUOTES = (TouchlineDelta, TouchlineSnapshot, DepthDelta, DepthSnapshot)
EVICTION_CODE = 1000
"""With this code and no reason Flattrade tells the older of two sockets of one login to go (protocol: section
4). The "goodbye" of the reports is what the reporters' client logs at any close: it tells nothing apart."""


_NONE: list[Any] = []
"""Of what a read of quotes has none; nothing is ever put into it. Three empty lists cost half a decoding."""


class NorenWire(Wire):
    """One login's side of a Noren stream."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self.rules = WireRules(
            chunk=dialect.subscribe_chunk,
            chunk_pause_s=dialect.chunk_pause_s,
            heartbeat_s=dialect.heartbeat_s,
            evicted_codes=frozenset({EVICTION_CODE}),
        )

    def url(self, session: Session) -> str:
        return self._dialect.websocket_url

    def hello(self, session: Session) -> Sequence[Frame]:
        return (
            frames.hello(
                self._dialect.hello,
                user_id=session.user_id,
                account_id=session.account_id,
                token=session.token,
            ),
        )

    def subscribe_orders(self, session: Session) -> Sequence[Frame]:
        if not self._dialect.subscribes_orders:
            return ()
        return (frames.subscribe_orders(session.account_id),)

    def subscribe(self, keys: Sequence[InstrumentKey], feed_type: FeedType) -> Sequence[Frame]:
        return (frames.subscribe(keys, feed_type),)

    def unsubscribe(self, keys: Sequence[InstrumentKey], feed_type: FeedType) -> Sequence[Frame]:
        return (frames.unsubscribe(keys, feed_type),)

    def heartbeat(self) -> Frame:
        return frames.heartbeat()

    def decode(self, messages: Sequence[bytes]) -> Received:
        quotes: list[QuoteUpdate] = []
        others: list[tuple[bytes, StreamMessage | WireError]] = []
        for raw in messages:
            try:
                quotes.append(decode_quote(raw))
            except NO_PLAIN_QUOTE:
                try:
                    message = decode(raw)
                except WireError as error:
                    others.append((raw, error))
                else:
                    if isinstance(message, QUOTES):
                        quotes.append(message)
                    else:
                        others.append((raw, message))
        quote_bytes = frames_bytes(messages) - sum(frame_bytes(raw) for raw, _ in others)
        acknowledged = [(quote.exchange, quote.token) for quote in quotes if quote.is_snapshot]
        if not others:
            return Received(quotes, len(quotes), quote_bytes, acknowledged, _NONE, 0, _NONE, 0, None, _NONE)
        received = Received(quotes, len(quotes), quote_bytes, acknowledged)
        for raw, other in others:
            if isinstance(other, OrderMessage):
                received.add_order(raw, other)
            elif isinstance(other, ConnectAck):
                received.hellos.append(other.ok)
            elif isinstance(other, HeartbeatAck):
                received.heartbeats += 1
                received.time_s = other.time_s
            elif isinstance(other, WireError):
                received.unreadable.append(other)
        return received

    def order_update(self, order: OrderMessage, *, broker_name: str, receive_time_ns: int) -> OrderUpdate:
        return to_order_update(order, broker_name=broker_name, receive_time_ns=receive_time_ns)
