"""Who holds which instrument, and when it is acknowledged; who streams it is the carrier's business."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import msgspec

from dualbroker.manager.carrier import ACKNOWLEDGE_WITHIN_S, QuoteCarrier
from dualbroker.manager.subscriptions import SubscriptionBook
from dualbroker.model import FeedType, Instrument, InstrumentKey
from dualbroker.stores.quotes import QuoteStore

__all__ = ["Subscribed", "Subscriber"]

logger = logging.getLogger("dualbroker")


class Subscribed(msgspec.Struct, frozen=True):
    """One instrument as it was accepted."""

    instrument: Instrument
    quote_source: str
    acknowledged: bool
    """The broker has sent its first full quote."""


class Subscriber:
    """Lets holders hold and let go."""

    def __init__(self, quotes: QuoteStore, book: SubscriptionBook, carrier: QuoteCarrier) -> None:
        self.book = book
        self._quotes = quotes
        self._carrier = carrier

    async def hold(
        self, holder: str, instruments: Sequence[Instrument], kind: FeedType, primary: str
    ) -> list[Subscribed]:
        """Let a holder hold instruments; returns once they are acknowledged or late."""
        for instrument in instruments:
            self._quotes.register(instrument)
        keys = [instrument.key for instrument in instruments]
        self.book.add(holder, keys, kind)
        self._carrier.arrange()
        acknowledged = await self._carrier.wait_acknowledged(keys, ACKNOWLEDGE_WITHIN_S)
        if missing := [i.qualified_name for i in instruments if i.key not in acknowledged]:
            logger.warning("%s has not acknowledged %s", primary, ", ".join(missing))
        return [
            Subscribed(i, self._carrier.target_of(i.key) or primary, i.key in acknowledged)
            for i in instruments
        ]

    def let_go(self, holder: str, instruments: Sequence[Instrument] | None) -> None:
        """Let a holder let go of these instruments, or of all of its own."""
        keys: list[InstrumentKey] | None = None
        if instruments is not None:
            keys = [instrument.key for instrument in instruments]
        self.book.remove(holder, keys)
        self._carrier.arrange()
