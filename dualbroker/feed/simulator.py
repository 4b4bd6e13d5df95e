"""A simulated broker's faults, from a cell: what a person breaks on purpose to see what happens."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from dualbroker.brokers.simulator_process import SimulatorProcess
from dualbroker.errors import ConfigError, FeedClosedError
from dualbroker.manager.source import FeedSource

__all__ = ["EVERY_BROKER", "SimulatorHandle"]

EVERY_BROKER = "all"


class SimulatorHandle:
    """What :attr:`Feed.simulator` gives: faults as switches, and single strikes. Nothing here is real.

    A switch holds until it is cleared (``mute``, ``refuse``, ``black_hole``, ``quotes_silent``,
    ``delay_s`` …); a strike happens once (``close``, ``reset``, ``half_frame``, ``garbage``,
    ``oversized``, ``evict``, ``expire_tokens``). ``broker`` is a name from the config, or ``"all"``.
    """

    def __init__(
        self,
        manager: FeedSource,
        call: Callable[[Coroutine[Any, Any, None]], None],
        call_async: Callable[[Coroutine[Any, Any, None]], Awaitable[None]],
    ) -> None:
        self._manager = manager
        self._call = call
        self._call_async = call_async

    def set_faults(self, broker: str, **switches: Any) -> None:
        """Turn faults on or off: ``set_faults("broker1", mute=True)``; others stay as they are.

        Raises
        ------
        DualBrokerError
            There is no such broker or switch, or it can't be set to that.
        """
        self._call(self._set_faults(broker, switches))

    def set_faults_async(self, broker: str, **switches: Any) -> Awaitable[None]:
        """The async twin of :meth:`set_faults`."""
        return self._call_async(self._set_faults(broker, switches))

    async def _set_faults(self, broker: str, switches: dict[str, Any]) -> None:
        await self._process_for(broker).set_faults(broker, **switches)

    def clear_faults(self, broker: str = EVERY_BROKER) -> None:
        """Turn every fault off again.

        Raises
        ------
        DualBrokerError
            There is no such broker.
        """
        self._call(self._clear_faults(broker))

    def clear_faults_async(self, broker: str = EVERY_BROKER) -> Awaitable[None]:
        """The async twin of :meth:`clear_faults`."""
        return self._call_async(self._clear_faults(broker))

    async def _clear_faults(self, broker: str) -> None:
        await self._process_for(broker).clear_faults(broker)

    def strike(self, broker: str, action: str, **details: Any) -> None:
        """Strike once: ``strike("broker1", "reset")``, ``strike("broker1", "close", code=1011)``.

        Raises
        ------
        DualBrokerError
            There is no such broker or strike.
        """
        self._call(self._strike(broker, action, details))

    def strike_async(self, broker: str, action: str, **details: Any) -> Awaitable[None]:
        """The async twin of :meth:`strike`."""
        return self._call_async(self._strike(broker, action, details))

    async def _strike(self, broker: str, action: str, details: dict[str, Any]) -> None:
        await self._process_for(broker).strike(broker, action, **details)

    def _process_for(self, broker: str) -> SimulatorProcess:
        process = self._manager.simulator
        if process is None:
            raise FeedClosedError("the feed is closed; dualbroker.connect() opens a new one")
        names = [health.broker_name for health in self._manager.all_health() if health.simulated]
        if broker != EVERY_BROKER and broker not in names:
            raise ConfigError(
                f"broker: expected one of {', '.join([*names, EVERY_BROKER])}, found {broker!r}"
            )
        return process

    def __repr__(self) -> str:
        return "<the simulator's faults: set_faults, clear_faults, strike>"
