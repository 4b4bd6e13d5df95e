"""Who streams what, by the simulated brokers' account and by the manager's."""

from __future__ import annotations

from dualbroker.manager import WebSocketManager
from dualbroker.model import InstrumentKey
from tests.simulated import World

__all__ = ["all_streamed_by", "carried_by", "streaming", "ticks_after"]


def streaming(world: World, key: InstrumentKey) -> list[str]:
    """Names of the simulated brokers that stream an instrument to anybody, by their own account."""
    index = world.simulation.market.index_of(key)
    return [
        broker.name
        for broker in world.simulation.brokers
        for session in broker.sessions
        if any(place == index for place, _ in session.subscribed)
    ]


def carried_by(manager: WebSocketManager, name: str) -> bool:
    wanted = manager.wanted()
    indices = [manager.quotes.index_of(key) for key in wanted]
    return bool(wanted) and all(
        index is not None and manager.quotes.source(index) == name for index in indices
    )


def all_streamed_by(world: World, manager: WebSocketManager, name: str) -> bool:
    return all(streaming(world, key) == [name] for key in manager.wanted())


def ticks_after(manager: WebSocketManager, count: int) -> bool:
    return manager.quotes.tick_count > count
