"""Runs one check: a broker of the stand's type, what it brought, and how it went."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path

from dualbroker.brokers.base import BrokerContext
from dualbroker.brokers.registry import create_broker
from dualbroker.chaos.virtual_time import VirtualClock, VirtualTimeLoop
from dualbroker.clock import IST, SystemClock
from dualbroker.config.broker import check_section
from dualbroker.model import FeedType, InstrumentKey, OrderUpdate, QuoteBatch, QuoteUpdate
from dualbroker.stores.bandwidth import BandwidthStore
from dualbroker.stores.health import BrokerHealth
from dualbroker.testing.stand import Stand

__all__ = ["Bench", "Check", "eventually", "name_of", "run_check"]

NAME = "mine"
START = datetime(2026, 3, 10, 10, 0, tzinfo=IST)
"""Of virtual time: a Tuesday morning."""


class Bench:
    """One broker under test, and what it brought."""

    def __init__(self, stand: Stand, directory: Path) -> None:
        self.stand = stand
        self.quotes: list[QuoteBatch] = []
        self.orders: list[OrderUpdate] = []
        self.connections = 0
        self.downs: list[str] = []
        self.log = _Lines()
        loop = asyncio.get_running_loop()
        clock = stand.clock or (
            VirtualClock(loop, int(START.timestamp()) * 10**9)
            if isinstance(loop, VirtualTimeLoop)
            else SystemClock()
        )
        section = check_section({**stand.section, "name": NAME})
        self.health = BrokerHealth(
            broker_name=NAME, broker_type=section.type, account="", simulated=section.is_simulated
        )
        self.traffic = BandwidthStore().add_broker(NAME)
        self.context = BrokerContext(
            transport=stand.transport,
            clock=clock,
            wall_clock=clock,
            random=random.Random(1),
            health=self.health,
            traffic=self.traffic,
            state_directory=directory,
            on_connected=self._note_connected,
            on_down=lambda name, why: self.downs.append(why),
        )
        self.broker = create_broker(section, self.context)

    def _note_connected(self, name: str) -> None:
        self.connections += 1

    async def start(self, *, quotes: bool = True) -> None:
        """Log in, as a person where that is the way, and let orders flow."""
        await self.stand.log_in_as_person(self.context)
        await self.broker.login()
        await self.broker.start_websocket(self.orders.append, self.quotes.append if quotes else None)

    async def stream(self, *keys: InstrumentKey) -> None:
        """Subscribe, and see that each is acknowledged."""
        await self.broker.subscribe(keys, FeedType.TOUCHLINE)
        found = await self.broker.wait_acknowledged(keys, 10)
        assert found == set(keys), f"expected {set(keys)} to be acknowledged, found {found}"

    async def ticks_of(self, key: InstrumentKey, count: int = 3) -> None:
        """See that ticks of an instrument come."""
        before = len(self.updates(key))
        for _ in range(count):
            await self.stand.bring_quote(key)
        await eventually(lambda: len(self.updates(key)) >= before + count, f"ticks of {key}")

    def updates(self, key: InstrumentKey | None = None) -> list[QuoteUpdate]:
        """Quote messages that have come, of one instrument or of all."""
        return [
            update
            for batch in self.quotes
            for update in batch.updates
            if key in (None, (update.exchange, update.token))
        ]


Check = Callable[[Bench], Awaitable[None]]


class _Lines(logging.Handler):
    """What is logged during a check."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


async def eventually(condition: Callable[[], bool], what: str, within_s: float = 300.0) -> None:
    """Return as soon as a condition holds; an AssertionError says what did not come within that time."""
    deadline = asyncio.get_running_loop().time() + within_s
    while not condition():
        assert asyncio.get_running_loop().time() < deadline, (
            f"expected {what} within {within_s:g} s, found none"
        )
        await asyncio.sleep(0.05)


def name_of(check: Check) -> str:
    """A check's name, for the report of a test."""
    return getattr(check, "__name__", "check")


def run_check(check: Check, make_stand: type[Stand] | Callable[[], Stand], directory: Path) -> None:
    """Run one check on a loop of its own.

    Parameters
    ----------
    make_stand
        Called on the check's loop, once.
    directory
        An empty folder for tokens and locks.

    Raises
    ------
    AssertionError
        The broker does not do what every broker must.
    unittest.SkipTest
        The stand can't do what the check needs; pytest skips the test then.
    """

    async def play() -> None:
        stand = make_stand()
        bench = Bench(stand, directory)
        logger = logging.getLogger("dualbroker")
        level = logger.level
        logger.addHandler(bench.log)
        logger.setLevel(logging.DEBUG)
        try:
            await check(bench)
        finally:
            await bench.broker.close()
            await stand.stop()
            logger.removeHandler(bench.log)
            logger.setLevel(level)

    in_real_time = bool(getattr(make_stand, "real_time", False))
    with asyncio.Runner(loop_factory=None if in_real_time else VirtualTimeLoop) as runner:
        runner.run(play())
