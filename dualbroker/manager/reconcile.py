"""Keeps the ledger equal to a broker's own book: the stream replays nothing that was missed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from dualbroker.brokers.base import Broker
from dualbroker.clock import Clock
from dualbroker.errors import DualBrokerError
from dualbroker.model import OrderUpdate

__all__ = ["keep_book_read"]

logger = logging.getLogger("dualbroker")


async def keep_book_read(
    broker: Broker, clock: Clock, take: Callable[[OrderUpdate], None], every_s: float
) -> None:
    """Read the order book now and every so often, for as long as the connection of now lasts.

    A failed read changes nothing that is known; it is noted in the broker's health.
    """
    health = broker.health
    connected_since = health.connected_since_ns
    while health.connected_since_ns == connected_since:
        try:
            updates = await broker.order_book()
        except DualBrokerError as error:
            health.book_problem = str(error)
            logger.warning("%s: the order book could not be read: %s", broker.name, error)
        else:
            health.book_problem = ""
            health.last_book_ns = clock.now_ns()
            for update in updates:
                take(update)
        await asyncio.sleep(every_s)
