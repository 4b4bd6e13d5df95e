"""Watches and steers a simulator through the surface it has beside its brokers."""

from __future__ import annotations

import msgspec

from dualbroker.brokers.simulator_control import SimulatorSurface
from dualbroker.measure.figures import Truth

__all__ = ["SimulatorControl", "SimulatorState"]


class SimulatorState(msgspec.Struct, frozen=True):
    """How far a simulated market is; what else it says is passed over."""

    finished: bool
    """A recorded day has come to its end."""
    rows_sent: int
    """Changes of the market so far."""


class SimulatorControl(SimulatorSurface):
    """Watches a simulator's market, and starts and stops it."""

    async def state(self) -> SimulatorState:
        """How far it is."""
        return msgspec.convert(await self.call("GET", "state"), SimulatorState)

    async def truth(self) -> Truth:
        """What a perfect observer would know; final once the market was stopped."""
        return msgspec.convert(await self.call("GET", "truth"), Truth)

    async def release(self) -> None:
        """Start a market that was held."""
        await self.call("POST", "release")

    async def stop(self) -> None:
        """No more ticks, fills or orders; the brokers still answer."""
        await self.call("POST", "stop")
