"""What config.yaml subscribes from the start; what a broken network keeps away is tried again."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Sequence

from dualbroker.brokers.backoff import Backoff
from dualbroker.config.schema import Around
from dualbroker.errors import (
    ConnectionFailedError,
    DualBrokerError,
    RateLimitedError,
    RetryableBrokerError,
)

__all__ = ["CONFIG_HOLDER", "EVERY_ORDER", "ConfigSubscriptions"]

logger = logging.getLogger("dualbroker")

CONFIG_HOLDER = "config"
"""Holds what config.yaml subscribes from the start."""
EVERY_ORDER = "orders"
"""The entry of ``subscribe`` that stands for whatever has an order; no instrument has that name."""


class ConfigSubscriptions:
    """Subscribes each entry by itself, so that one bad name keeps no other out.

    Parameters
    ----------
    subscribe
        Looks an entry up and holds it.
    """

    def __init__(self, subscribe: Callable[[str | Around], Awaitable[object]], rng: random.Random) -> None:
        self._subscribe = subscribe
        self._random = rng

    async def take_up(self, entries: Sequence[str | Around]) -> list[str | Around]:
        """Subscribe them; returns those that are worth another try."""
        left: list[str | Around] = []
        for entry in entries:
            try:
                await self._subscribe(entry)
            except (ConnectionFailedError, RateLimitedError, RetryableBrokerError) as error:
                left.append(entry)
                logger.warning("subscribe in the config, to be tried again: %s", error)
            except DualBrokerError as error:
                logger.error("subscribe in the config: %s", error)
        return left

    async def keep_trying(self, entries: Sequence[str | Around]) -> None:
        """Try what is left until nothing is."""
        backoff = Backoff(self._random, first_s=2.0, cap_s=60.0)
        while entries:
            await asyncio.sleep(backoff.next_s())
            entries = await self.take_up(entries)
