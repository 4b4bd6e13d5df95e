"""What a Noren socket brings: decoded, tagged and handed on within the read. Nothing here waits on a tick."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from dualbroker.brokers.base import BrokerContext, OrderCallback, QuoteCallback
from dualbroker.errors import WireError
from dualbroker.log_limit import LogLimit
from dualbroker.model import InstrumentKey, MessageKind, OrderUpdate, QuoteBatch, QuoteUpdate
from dualbroker.noren.orders import OrderMessage, to_order_update
from dualbroker.noren.quotes import DepthDelta, DepthSnapshot, TouchlineDelta, TouchlineSnapshot
from dualbroker.noren.stream import ConnectAck, HeartbeatAck, StreamMessage, decode

__all__ = ["NorenReader"]

logger = logging.getLogger("dualbroker")

QUOTES = (TouchlineDelta, TouchlineSnapshot, DepthDelta, DepthSnapshot)


class NorenReader:
    """Takes every read of one login's sockets.

    Parameters
    ----------
    note_snapshot
        Told of each full quote: it acknowledges a subscription.
    on_connect_ack, on_heartbeat
        Told of the answers to hellos and heartbeats.
    """

    def __init__(
        self,
        name: str,
        context: BrokerContext,
        *,
        order_callback: OrderCallback,
        quote_callback: QuoteCallback | None,
        note_snapshot: Callable[[InstrumentKey], None],
        on_connect_ack: Callable[[ConnectAck], None],
        on_heartbeat: Callable[[], None],
    ) -> None:
        self._name = name
        self._context = context
        self._health = context.health
        self._quotes, self._orders, self._control = (context.traffic[kind] for kind in MessageKind)
        self._on_order = order_callback
        self.on_quotes = quote_callback
        self._note_snapshot = note_snapshot
        self._on_connect_ack = on_connect_ack
        self._on_heartbeat = on_heartbeat
        self._unreadable_log = LogLimit()
        self._not_taken_log = LogLimit()

    @property
    def message_count(self) -> int:
        """Messages of every kind that have come so far."""
        return self._quotes.messages + self._orders.messages + self._control.messages

    # The path every tick takes

    def read(self, messages: Sequence[bytes], wire_bytes: int) -> None:
        """Take all messages of one socket read."""
        quotes: list[QuoteUpdate] = []
        others: list[StreamMessage] = []
        quote_bytes = order_bytes = orders = 0
        note_snapshot = self._note_snapshot
        for raw in messages:
            size = len(raw)
            size += 2 if size < 126 else 4 if size < 65536 else 10
            try:
                message = decode(raw)
            except WireError as error:
                self._note_unreadable(error)
                continue
            if isinstance(message, QUOTES):
                quotes.append(message)
                quote_bytes += size
                if message.is_snapshot:
                    note_snapshot((message.exchange, message.token))
            else:
                if isinstance(message, OrderMessage):
                    order_bytes += size
                    orders += 1
                others.append(message)
        self._quotes.bytes += quote_bytes
        self._quotes.messages += len(quotes)
        self._orders.bytes += order_bytes
        self._orders.messages += orders
        self._control.bytes += wire_bytes - quote_bytes - order_bytes
        self._control.messages += len(messages) - len(quotes) - orders
        clock = self._context.clock
        if quotes and (feed_time := quotes[-1].feed_time) is not None:
            clock.follow(feed_time)
        now = clock.now_ns()
        if others:
            # Before the quotes of the same read: an order never waits behind them.
            self._take_others(others, now)
        if not quotes:
            return
        if self.on_quotes is None:
            self._health.unexpected_quotes += len(quotes)
            return
        self._health.last_quote_ns = now
        try:
            self.on_quotes(QuoteBatch(self._name, now, quotes))
        except Exception:
            # Whatever a consumer does wrong, the socket lives on.
            self._note_not_taken("a batch of quotes")

    def _take_others(self, messages: list[StreamMessage], now: int) -> None:
        for message in messages:
            if isinstance(message, OrderMessage):
                self._health.last_order_ns = now
                try:
                    self._on_order(self._order_update(message, now))
                except Exception:
                    self._note_not_taken("an order update")
            elif isinstance(message, ConnectAck):
                self._on_connect_ack(message)
            elif isinstance(message, HeartbeatAck):
                self._on_heartbeat()
                if message.time_s is not None:
                    # A replay's time also before its first tick, and in a gap of the record.
                    self._context.clock.follow(message.time_s)

    def _order_update(self, message: OrderMessage, now: int) -> OrderUpdate:
        update = to_order_update(message, broker_name=self._name, receive_time_ns=now)
        conceal = self._context.conceal
        if update.reject_reason is not None:
            update.reject_reason = conceal(update.reject_reason)
        if update.remarks is not None:
            update.remarks = conceal(update.remarks)
        return update

    def _note_unreadable(self, error: WireError) -> None:
        self._health.unreadable_messages += 1
        if (held_back := self._unreadable_log.let_through()) is not None:
            logger.warning("%s: a message that can't be read: %s%s", self._name, error, held_back)

    def _note_not_taken(self, what: str) -> None:
        """Called while an exception is handled."""
        if (held_back := self._not_taken_log.let_through()) is not None:
            logger.exception("%s: %s could not be taken in%s", self._name, what, held_back)
