"""What sockets bring: decoded, tagged and handed on within the read. Nothing here waits on a tick."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any

from dualbroker.brokers.base import BrokerContext, OrderCallback, QuoteCallback
from dualbroker.brokers.session.wire import Received, Wire, frame_bytes
from dualbroker.errors import WireError
from dualbroker.log_limit import LogLimit
from dualbroker.model import InstrumentKey, MessageKind, OrderUpdate, QuoteBatch, QuoteUpdate

__all__ = ["StreamReader"]

logger = logging.getLogger("dualbroker")


class StreamReader:
    """Takes every read of one login's sockets.

    Parameters
    ----------
    note_acknowledged
        Called with each instrument whose subscription is answered.
    on_hello_answer, on_heartbeat
        Called with the answers to hellos and heartbeats.
    """

    def __init__(
        self,
        name: str,
        wire: Wire,
        context: BrokerContext,
        *,
        order_callback: OrderCallback,
        quote_callback: QuoteCallback | None,
        note_acknowledged: Callable[[InstrumentKey], None],
        on_hello_answer: Callable[[bool], None],
        on_heartbeat: Callable[[], None],
    ) -> None:
        self._name = name
        self._wire = wire
        self._context = context
        self._health = context.health
        self._quotes, self._orders, self._control, self._probes = (
            context.traffic[kind] for kind in MessageKind
        )
        self.on_order = order_callback
        self.on_quotes = quote_callback
        self.probed: frozenset[InstrumentKey] = frozenset()
        """What is streamed only to be compared."""
        self.on_probes: QuoteCallback | None = None
        self._note_acknowledged = note_acknowledged
        self._on_hello_answer = on_hello_answer
        self._on_heartbeat = on_heartbeat
        self._unreadable_log = LogLimit()
        self._not_taken_log = LogLimit()

    @property
    def message_count(self) -> int:
        """Messages of every kind that have come so far."""
        kinds = (self._quotes, self._orders, self._control, self._probes)
        return sum(traffic.messages for traffic in kinds)

    # The path every tick takes

    def read(self, messages: Sequence[bytes], wire_bytes: int) -> None:
        """Take all messages of one socket read."""
        received = self._wire.decode(messages)
        count = len(messages)
        probes = self._take_probes(received, messages) if self.probed and received.quotes else None
        if probes is not None:
            wire_bytes -= probes.quote_bytes
            count -= probes.quote_messages
        quotes, quote_bytes, quote_messages = received.quotes, received.quote_bytes, received.quote_messages
        self._quotes.bytes += quote_bytes
        self._quotes.messages += quote_messages
        if quote_bytes != wire_bytes:
            self._control.bytes += wire_bytes - quote_bytes
        for key in received.acknowledged:
            self._note_acknowledged(key)
        clock = self._context.clock
        if quotes and (feed_time := quotes[-1].feed_time) is not None:
            clock.follow(feed_time)
        now = clock.now_ns()
        if quote_messages != count:
            # Before the quotes of the same read. A busy socket is read every `ticks.gather`.
            self._take_others(received, count, now)
        if probes is not None and self.on_probes is not None:
            self._hand_on(self.on_probes, probes.quotes, now)
        if not quotes:
            return
        if self.on_quotes is None:
            self._health.unexpected_quotes += len(quotes)
            return
        self._health.last_quote_ns = now
        self._hand_on(self.on_quotes, quotes, now)

    def _hand_on(self, callback: QuoteCallback, quotes: list[QuoteUpdate], now: int) -> None:
        try:
            callback(QuoteBatch(self._name, now, quotes))
        except Exception:
            # Whatever a consumer does wrong, the socket lives on.
            self._note_not_taken("a batch of quotes")

    def _take_probes(self, received: Received, messages: Sequence[bytes]) -> Received | None:
        """Take out of a read what is only compared, and count it; None where there is nothing of it.

        It is no sign that quotes flow. In a read that holds other messages too, or several quotes in one, its
        bytes are those of an average quote of the read.
        """
        is_probe = [(quote.exchange, quote.token) in self.probed for quote in received.quotes]
        count, of = sum(is_probe), len(is_probe)
        if not count:
            return None
        pairs = list(zip(received.quotes, is_probe, strict=True))
        probes = Received(quotes=[quote for quote, is_one in pairs if is_one])
        if of == received.quote_messages == len(messages):
            sizes = zip(messages, is_probe, strict=True)
            probes.quote_messages = count
            probes.quote_bytes = sum(frame_bytes(message) for message, is_one in sizes if is_one)
        else:
            probes.quote_messages = round(received.quote_messages * count / of)
            probes.quote_bytes = round(received.quote_bytes * count / of)
        received.quotes = [quote for quote, is_one in pairs if not is_one]
        received.quote_messages -= probes.quote_messages
        received.quote_bytes -= probes.quote_bytes
        self._probes.messages += probes.quote_messages
        self._probes.bytes += probes.quote_bytes
        return probes

    def _take_others(self, received: Received, messages: int, now: int) -> None:
        orders = received.orders
        self._orders.bytes += received.order_bytes
        self._orders.messages += len(orders)
        self._control.bytes -= received.order_bytes
        self._control.messages += messages - received.quote_messages - len(orders)
        for error in received.unreadable:
            self._note_unreadable(error)
        for order in orders:
            self._take_order(order, now)
        for is_accepted in received.hellos:
            self._on_hello_answer(is_accepted)
        if received.heartbeats:
            self._on_heartbeat()
            if received.time_s is not None:
                # A replay's time also before its first tick, and in a gap of the record.
                self._context.clock.follow(received.time_s)

    def _take_order(self, order: Any, now: int) -> None:
        self._health.last_order_ns = now
        try:
            update = self._wire.order_update(order, broker_name=self._name, receive_time_ns=now)
            self.on_order(self._without_secrets(update))
        except Exception:
            self._note_not_taken("an order update")

    def _without_secrets(self, update: OrderUpdate) -> OrderUpdate:
        """The update, what is private concealed in the words that others wrote."""
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
