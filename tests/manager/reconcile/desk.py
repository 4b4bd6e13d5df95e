"""One order's life at a broker whose books are read in virtual time, and whose stream does as it is told."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any, TypeVar, cast

from dualbroker.brokers.base import Broker
from dualbroker.chaos.virtual_time import VirtualClock, VirtualTimeLoop
from dualbroker.manager.reconcile.reconcile import Reconciler
from dualbroker.model import FillReport, OrderUpdate
from dualbroker.stores.health import BrokerHealth, BrokerState
from dualbroker.stores.orders import Ledger, OrderEvent, OrderState
from tests.stores import order_lives
from tests.stores.order_lives import KEY, NS_PER_MS, START_MS, Moment, filled_in_two

T = TypeVar("T")


def resting_then_filled(at_s: float) -> list[Moment]:
    """Open from the start, filled in two parts at that second."""
    at_ms = START_MS + round(at_s * 1000)
    return filled_in_two(
        asked_ms=START_MS - 60_000, open_ms=START_MS - 59_000, first_ms=at_ms, second_ms=at_ms + 5
    )


class Desk:
    """The broker, the reconciler of it, and what the reconciler said.

    ``order_book`` and ``trade_book`` answer what the life says, unless ``orders_say`` or ``trades_say`` is
    set: an exception is raised, rows are returned.
    """

    def __init__(self, loop: VirtualTimeLoop, life: list[Moment]) -> None:
        self.loop = loop
        self.clock = VirtualClock(loop, START_MS * NS_PER_MS)
        self.life = order_lives.Broker(life)
        self.ledger = Ledger()
        self.orders_say: Exception | list[OrderUpdate] | None = None
        self.orders_say_once: list[OrderUpdate] | None = None
        self.trades_say: Exception | list[FillReport] | None = None
        self.histories_say: Exception | None = None
        self.reads_s: list[float] = []
        self.histories = 0
        self.latency_s = 0.01
        self.health = BrokerHealth(broker_name=KEY[0], broker_type="test", account="", simulated=True)
        self.health.state, self.health.connected_since_ns = BrokerState.LIVE, self.clock.now_ns()
        self.events: list[OrderEvent] = []
        self.notes: list[str] = []
        self.stale: list[str] = []
        self.expired: list[str] = []
        broker: Any = SimpleNamespace(
            name=KEY[0],
            health=self.health,
            context=SimpleNamespace(clock=self.clock, random=random.Random(1)),
            order_book=self._order_book,
            trade_book=self._trade_book,
            order_history=self._order_history,
        )
        self.reconciler = Reconciler(
            cast(Broker, broker),
            self.ledger,
            self.events.append,
            every_s=60.0,
            note=lambda cause, action: self.notes.append(cause),
            on_stream_stale=lambda name, words: self.stale.append(words),
            on_session_expired=lambda name, words: self.expired.append(words),
        )

    @property
    def now_ms(self) -> int:
        return START_MS + round(self.loop.time() * 1000)

    @property
    def state(self) -> OrderState:
        return self.ledger.states[KEY]

    def stream_says(self, number: int) -> None:
        """Let the stream bring that moment of the life now."""
        self.ledger.apply(self.life.message(self.life.life[number], self.now_ms))

    async def _order_book(self) -> list[OrderUpdate]:
        asked_ms = self.now_ms
        self.reads_s.append(round(self.loop.time(), 1))
        await asyncio.sleep(self.latency_s)
        made_ms = self.now_ms
        await asyncio.sleep(self.latency_s)
        if self.orders_say_once is not None:
            rows, self.orders_say_once = self.orders_say_once, None
            return rows
        if isinstance(self.orders_say, Exception):
            raise self.orders_say
        return self.life.book(asked_ms, made_ms, self.now_ms) if self.orders_say is None else self.orders_say

    async def _trade_book(self) -> list[FillReport]:
        await asyncio.sleep(self.latency_s)
        if isinstance(self.trades_say, Exception):
            raise self.trades_say
        return self.life.trades(self.now_ms) if self.trades_say is None else self.trades_say

    async def _order_history(self, order_id: str) -> list[OrderUpdate]:
        self.histories += 1
        asked_ms = self.now_ms
        await asyncio.sleep(self.latency_s)
        if self.histories_say is not None:
            raise self.histories_say
        rows = self.life.history(asked_ms, self.now_ms, self.now_ms)
        return [row for row in rows if row.order_id == order_id]

    def connect(self) -> asyncio.Task[None]:
        """Begin a connection, as the manager does."""
        self.health.connected_since_ns = self.clock.now_ns()
        return asyncio.create_task(self.reconciler.run())


def at_desk(life: list[Moment], story: Callable[[Desk], Awaitable[T]], *, is_market_open: bool = True) -> T:
    """Run a story at a desk of its own; the connection begins with it."""

    async def tell() -> T:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualTimeLoop)
        desk = Desk(loop, life)
        task = desk.connect()
        try:
            return await story(desk)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(tell())
