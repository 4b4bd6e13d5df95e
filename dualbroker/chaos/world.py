"""One schedule's world: the simulation, the network to it, and the real client's config. Nothing runs yet."""

from __future__ import annotations

import random
from datetime import date, datetime
from functools import lru_cache
from typing import Any, cast

from dualbroker.chaos.market import SmallMarket, small_universe
from dualbroker.chaos.network import WatchedTransport
from dualbroker.chaos.schedule import Schedule
from dualbroker.chaos.virtual_time import VirtualClock, VirtualTimeLoop
from dualbroker.clock import IST, NS_PER_S
from dualbroker.config.schema import Config
from dualbroker.manager import WebSocketManager
from dualbroker.simulator.drivers.memory import MASTERS_BASE, MemoryTransport
from dualbroker.simulator.simulation import Simulation
from dualbroker.transport.base import Transport

__all__ = ["World"]


class World:
    """A simulation, the transport to it, and a manager whose brokers live there.

    Parameters
    ----------
    loop
        Whose time it goes by.
    """

    def __init__(self, loop: VirtualTimeLoop, schedule: Schedule) -> None:
        start = datetime.fromisoformat(schedule.start).replace(tzinfo=IST)
        start_ns = int(start.timestamp()) * NS_PER_S
        self.schedule = schedule
        self.universe = small_universe(start.date())
        self.market = SmallMarket(
            self.universe,
            seed=schedule.seed,
            start_ns=start_ns,
            ticks_per_second=schedule.ticks_per_second,
        )
        self.names = [f"broker{number + 1}" for number in range(schedule.brokers)]
        self.simulation = Simulation(
            self.market,
            self.names,
            seed=schedule.seed,
            orders_per_minute=schedule.orders_per_minute,
            trading_days=True,
            tokens_die=schedule.tokens_die,
        )
        self.transport = WatchedTransport(
            self.simulation,
            latency_s=schedule.latency_s,
            rest_jitter_s=schedule.rest_jitter_s,
            dice=random.Random(f"network/{schedule.seed}"),
        )
        self.clock = VirtualClock(loop, start_ns)
        self.config = self._make_config()
        # The simulator keeps apart from the client's modules, so its answers are of its own, equal types.
        self.manager = WebSocketManager(
            self.config,
            transport=cast(Transport, self.transport),
            clock=self.clock,
            wall_clock=self.clock,
            rng=random.Random(f"client/{schedule.seed}"),
            # The market of these runs keeps the exchanges' hours, as the shipped simulated one does not.
            market_hours=self.config.market_hours.market_hours(),
        )

    def _make_config(self) -> Config:
        sections: dict[str, dict[str, Any]] = {
            broker.name: {
                **MemoryTransport.section(broker),
                "masters_base": f"{MASTERS_BASE}/{broker.name}",
                **self.schedule.broker_settings.get(broker.name, {}),
            }
            for broker in self.simulation.brokers
        }
        return Config.model_validate({"brokers": sections, **self.schedule.settings})


@lru_cache(maxsize=32)
def expired_names(first_day: date, today: date) -> frozenset[str]:
    """Qualified names that were listed on one day and have expired before another."""
    return frozenset(
        item.qualified_name
        for item in small_universe(first_day).instruments
        if item.expiry is not None and item.expiry < today
    )
