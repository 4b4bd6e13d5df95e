"""The real manager, brokers and stores on an in-memory transport in virtual time."""

from __future__ import annotations

import asyncio
import copy
import random
from collections.abc import Awaitable, Callable, Mapping
from datetime import date, datetime
from functools import lru_cache
from typing import Any, TypeVar, cast

from dualbroker.chaos.shared import shared_work
from dualbroker.chaos.virtual_time import VirtualClock, VirtualTimeLoop
from dualbroker.clock import IST
from dualbroker.config.schema import Config
from dualbroker.errors import ConnectionFailedError
from dualbroker.manager import WebSocketManager
from dualbroker.market_hours import MarketHours
from dualbroker.simulator.drivers.memory import MemoryResponse, MemoryTransport
from dualbroker.simulator.market.market import Market
from dualbroker.simulator.market.synthetic import SyntheticMarket
from dualbroker.simulator.market.universe import build_universe
from dualbroker.simulator.simulation import Simulation
from dualbroker.simulator.wire.stream import CloseCommand
from dualbroker.transport.base import Transport

T = TypeVar("T")


def synthetic_market(
    day: date,
    start_ns: int,
    *,
    seed: int = 1,
    ticks_per_second: float = 40.0,
    strikes: int = 12,
    expiries: int = 1,
) -> SyntheticMarket:
    """A market with the contracts listed on a day. It lives through its hour of history once in a process."""
    made = _made_market(day, start_ns, seed, ticks_per_second, strikes, expiries)
    return copy.deepcopy(made, {id(made.instruments): made.instruments})


@lru_cache(maxsize=32)
def _made_market(
    day: date, start_ns: int, seed: int, ticks_per_second: float, strikes: int, expiries: int
) -> SyntheticMarket:
    universe = build_universe(day, strikes_each_side=strikes, expiries=expiries)
    return SyntheticMarket(universe, seed=seed, start_ns=start_ns, ticks_per_second=ticks_per_second)


class WatchedTransport(MemoryTransport):
    """Counts requests by host and path, and can be slow or dead for a host."""

    def __init__(self, simulation: Simulation, step_interval_s: float) -> None:
        super().__init__(simulation, step_interval_s=step_interval_s)
        self.requests: list[str] = []
        self.delays_s: dict[str, float] = {}
        self.dead_hosts: set[str] = set()

    async def request(
        self,
        method: str,
        url: str,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout_s: float = 10.0,
    ) -> MemoryResponse:
        host = url.split("/")[2].removesuffix(".simulated")
        self.requests.append(f"{host}/{url.rsplit('/', 1)[1]}")
        await asyncio.sleep(self.delays_s.get(host, 0.0))
        if host in self.dead_hosts:
            raise ConnectionFailedError(f"no answer from {host}")
        return await super().request(method, url, body=body, headers=headers, timeout_s=timeout_s)


class World:
    """A simulation, the transport to it, and a config whose brokers live there."""

    def __init__(
        self,
        loop: VirtualTimeLoop,
        *,
        brokers: int = 2,
        seed: int = 1,
        orders_per_minute: float = 60.0,
        ticks_per_second: float = 40.0,
        start: datetime = datetime(2026, 3, 10, 10, 0, tzinfo=IST),
        changes: Mapping[str, Mapping[str, Any]] | None = None,
        market: Market | None = None,
        market_hours: MarketHours | None = None,
        step_interval_s: float = 0.25,
        simulation: Mapping[str, Any] | None = None,
        **settings: Any,
    ) -> None:
        start_ns = int(start.timestamp()) * 1_000_000_000
        if market is None:
            market = synthetic_market(start.date(), start_ns, seed=seed, ticks_per_second=ticks_per_second)
        self.market_hours = market_hours
        names = [f"broker{number + 1}" for number in range(brokers)]
        self.simulation = Simulation(
            market, names, seed=seed, orders_per_minute=orders_per_minute, **(simulation or {})
        )
        self.transport = WatchedTransport(self.simulation, step_interval_s)
        self.clock = VirtualClock(loop, start_ns)
        self.random = random.Random(seed)
        sections = {
            broker.name: {**MemoryTransport.section(broker), **(changes or {}).get(broker.name, {})}
            for broker in self.simulation.brokers
        }
        self.config = Config.model_validate({"brokers": sections, **settings})

    def manager(self) -> WebSocketManager:
        # The simulator keeps apart from the client's modules, so its answers are of its own, equal types.
        transport = cast(Transport, self.transport)
        return WebSocketManager(
            self.config,
            transport=transport,
            clock=self.clock,
            wall_clock=self.clock,
            rng=self.random,
            market_hours=self.market_hours,
        )

    def drop(self, broker_name: str, code: int = 1001, reason: str = "going away") -> None:
        """Let a broker close all its sockets."""
        for broker in self.simulation.brokers:
            if broker.name == broker_name:
                for session in broker.sessions:
                    session.close_command = CloseCommand(code, reason)


def run_world(story: Callable[[World], Awaitable[T]], **settings: Any) -> T:
    """Run a story in a world of its own, in virtual time."""

    async def tell() -> T:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualTimeLoop)
        world = World(loop, **settings)
        try:
            return await story(world)
        finally:
            await world.transport.aclose()

    with shared_work(), asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(tell())


async def eventually(
    condition: Callable[[], bool], within_s: float = 60.0, *, look_every_s: float = 0.05
) -> None:
    """Return as soon as a condition holds; fail when it does not within that (virtual) time."""
    deadline = asyncio.get_running_loop().time() + within_s
    while not condition():
        assert asyncio.get_running_loop().time() < deadline, "it did not happen in time"
        await asyncio.sleep(look_every_s)
