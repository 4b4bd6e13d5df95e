"""What config.yaml subscribes from the start; what a broken network keeps away is tried again."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Coroutine, Sequence
from datetime import date
from typing import Any, Protocol

from dualbroker.brokers.backoff import Backoff
from dualbroker.config.schema import Around
from dualbroker.errors import (
    ConnectionFailedError,
    DualBrokerError,
    RateLimitedError,
    RetryableBrokerError,
)
from dualbroker.model import Instrument, InstrumentKey
from dualbroker.routing.driver import Routing, Subscribed

__all__ = ["CONFIG_HOLDER", "EVERY_ORDER", "ConfigSubscriptions"]

logger = logging.getLogger("dualbroker")

CONFIG_HOLDER = "config"
"""Holds what config.yaml subscribes from the start."""
EVERY_ORDER = "orders"
"""The entry of ``subscribe`` that stands for whatever has an order; no instrument has that name."""


class _Source(Protocol):
    """What subscribes."""

    async def subscribe(
        self, names: Sequence[str | Instrument], exchange: str = ..., *, depth: bool = ..., holder: str = ...
    ) -> list[Subscribed]: ...

    async def subscribe_orders(self, *, holder: str = ...) -> list[Subscribed]: ...

    async def options_around(
        self, underlying: str, *, expiry: int | date | str = ..., strikes: int = ...
    ) -> list[Instrument]: ...


class ConfigSubscriptions:
    """Subscribes each entry by itself, so that one bad name keeps no other out.

    Parameters
    ----------
    entries
        Of ``subscribe`` in the config.
    """

    def __init__(
        self,
        source: _Source,
        entries: Sequence[str | Around],
        routing: Routing,
        rng: random.Random,
        spawn: Callable[[Coroutine[Any, Any, None]], object],
    ) -> None:
        self._source = source
        self._entries = entries
        self._routing = routing
        self._random = rng
        self._spawn = spawn
        self._taken_up: set[InstrumentKey] = set()
        """What the entries have come to."""

    async def take_up(self) -> None:
        """Subscribe the entries; those that are worth another try are tried again in the background."""
        if left := await self._subscribe_all(self._entries):
            self._spawn(self._keep_trying(left))

    async def renew(self) -> None:
        """The same on a new day: other strikes and expiries, most likely, than yesterday."""
        before = self._routing.machine.holders.held_by(CONFIG_HOLDER)
        self._taken_up.clear()
        if left := await self._subscribe_all(self._entries):
            self._spawn(self._keep_trying(left))
            return
        self._routing.release_keys(CONFIG_HOLDER, [key for key in before if key not in self._taken_up])

    async def _subscribe_all(self, entries: Sequence[str | Around]) -> list[str | Around]:
        """Returns those that are worth another try."""
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

    async def _subscribe(self, entry: str | Around) -> None:
        source = self._source
        if isinstance(entry, str) and entry.casefold() == EVERY_ORDER:
            await source.subscribe_orders(holder=CONFIG_HOLDER)
            return
        names: Sequence[str | Instrument] = [entry] if isinstance(entry, str) else []
        if isinstance(entry, Around):
            names = await source.options_around(entry.underlying, expiry=entry.expiry, strikes=entry.strikes)
        accepted = await source.subscribe(names, holder=CONFIG_HOLDER)
        self._taken_up.update(row.instrument.key for row in accepted)

    async def _keep_trying(self, entries: Sequence[str | Around]) -> None:
        """Try what is left until nothing is."""
        backoff = Backoff(self._random, first_s=2.0, cap_s=60.0)
        while entries:
            await asyncio.sleep(backoff.next_s())
            entries = await self._subscribe_all(entries)
