"""Carries subscriptions to the one broker that streams, and to nobody else."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import msgspec

from dualbroker.brokers.base import Broker
from dualbroker.manager.subscriptions import SubscriptionBook, SubscriptionChange
from dualbroker.model import FeedType, Instrument, InstrumentKey
from dualbroker.stores.quotes import QuoteStore

__all__ = ["Subscribed", "Subscriber"]

logger = logging.getLogger("dualbroker")

ACKNOWLEDGE_TIMEOUT_S = 5.0


class Subscribed(msgspec.Struct, frozen=True):
    """One instrument as it was accepted."""

    instrument: Instrument
    quote_source: str
    acknowledged: bool
    """The broker has sent its first full quote."""


class Subscriber:
    """Who holds what, and the quote source of each instrument."""

    def __init__(self, quotes: QuoteStore) -> None:
        self.book = SubscriptionBook()
        self._quotes = quotes

    async def hold(
        self, broker: Broker, holder: str, instruments: Sequence[Instrument], kind: FeedType
    ) -> list[Subscribed]:
        """Let a holder hold instruments, streamed by that broker; returns once acknowledged or late."""
        for instrument in instruments:
            self._quotes.set_source(self._quotes.register(instrument), broker.name)
        keys = [instrument.key for instrument in instruments]
        await self._tell(broker, self.book.add(holder, keys, kind))
        acknowledged = await broker.wait_acknowledged(keys, ACKNOWLEDGE_TIMEOUT_S)
        if missing := [i.qualified_name for i in instruments if i.key not in acknowledged]:
            logger.warning("%s has not acknowledged %s", broker.name, ", ".join(missing))
        return [Subscribed(i, broker.name, i.key in acknowledged) for i in instruments]

    async def let_go(self, broker: Broker, holder: str, instruments: Sequence[Instrument] | None) -> None:
        """Let a holder let go of these instruments, or of all of its own."""
        keys: list[InstrumentKey] | None = None
        if instruments is not None:
            keys = [instrument.key for instrument in instruments]
        await self._tell(broker, self.book.remove(holder, keys))

    async def _tell(self, broker: Broker, change: SubscriptionChange) -> None:
        for kind, keys in change.subscribe.items():
            await broker.subscribe(keys, kind)
        if change.unsubscribe:
            await broker.unsubscribe(change.unsubscribe)
