"""What a rule is, and what it looks at."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec

from dualbroker.chaos.changes import SourceChanges
from dualbroker.chaos.play import Faulter, Users
from dualbroker.chaos.schedule import Schedule
from dualbroker.chaos.troubles import Troubles
from dualbroker.chaos.world import World, expired_names
from dualbroker.clock import ist
from dualbroker.simulator.broker import SimulatedBroker
from dualbroker.simulator.trading.orders import Order
from dualbroker.stores.health import BrokerState

__all__ = ["Rule", "Scene"]


class Scene(msgspec.Struct, frozen=True):
    """What a rule looks at, and when."""

    world: World
    troubles: Troubles
    users: Users
    faulter: Faulter
    changes: SourceChanges
    now_s: float

    @property
    def orders(self) -> dict[str, dict[str, Order]]:
        """The truth: each broker's orders by number, those of earlier days too."""
        return {broker.name: _orders_of(broker) for broker in self.world.simulation.brokers}

    def state(self, broker: str) -> BrokerState:
        return self.world.manager.health[broker].state

    @property
    def able(self) -> list[str]:
        """Brokers that can carry quotes now, the faults being over."""
        return [name for name in self.world.names if self.troubles.can_stream(name, self.now_s)]

    @property
    def expired(self) -> frozenset[str]:
        """Qualified names that could be had at the start and have expired meanwhile."""
        clock = self.world.clock
        start_day = ist(clock.now_ns() - round(self.now_s * 1e9)).date()
        return expired_names(start_day, ist(clock.now_ns()).date())

    @property
    def wanted(self) -> dict[int, bool]:
        """Position in the market of each instrument that somebody holds, and whether anybody wants depth."""
        gone = self.expired
        places = {item.qualified_name: place for place, item in enumerate(self.world.universe.instruments)}
        return {
            places[name]: any(holders.values())
            for name, holders in self.users.wanted.items()
            if name not in gone
        }

    def name(self, place: int) -> str:
        return self.world.universe.instruments[place].qualified_name

    def may_be_held(self, place: int) -> bool:
        """Whether somebody may hold it without our knowing: until the day's turn what has expired, or what
        one broker lacks."""
        return self.name(place) in self.users.wanted or self.name(place) in self.users.uncertain

    def carriers(self, place: int) -> list[str]:
        """Able brokers whose limits do not keep this instrument away; one that is full may."""
        symbol = self.world.universe.instruments[place].symbol
        schedule = self.world.schedule
        limits = {name: schedule.limits.get(name, {}) for name in self.able}
        return [
            name
            for name, switches in limits.items()
            if symbol not in switches.get("lacks", ())
            and "most_scrips" not in switches
            and "max_subscriptions" not in schedule.broker_settings.get(name, {})
        ]


def _orders_of(broker: SimulatedBroker) -> dict[str, Order]:
    return {
        number: order
        for trading in broker.trading.values()
        for number, order in (*trading.desk.earlier.items(), *trading.desk.orders.items())
    }


class Rule(msgspec.Struct, frozen=True):
    """One rule."""

    name: str
    says: str
    bound_s: Callable[[Schedule], float]
    """Seconds after the faults' end within which it must hold."""
    check: Callable[[Scene], Iterator[str]]
