"""Watches and steers a simulator through the surface it has beside its brokers."""

from __future__ import annotations

from typing import Any

import msgspec

from dualbroker.errors import ConnectionFailedError
from dualbroker.measure.figures import Truth
from dualbroker.transport.base import Transport

__all__ = ["SimulatorControl", "SimulatorState"]


class SimulatorState(msgspec.Struct, frozen=True):
    """How far a simulated market is; what else it says is passed over."""

    finished: bool
    """A recorded day has come to its end."""
    rows_sent: int
    """Changes of the market so far."""


class SimulatorControl:
    """Calls on one simulator.

    Parameters
    ----------
    masters_base
        Its address, as it greets with.
    """

    def __init__(self, masters_base: str, transport: Transport) -> None:
        self._base = masters_base.rstrip("/")
        self._transport = transport

    async def state(self) -> SimulatorState:
        """How far it is."""
        return msgspec.convert(await self._call("GET", "state"), SimulatorState)

    async def truth(self) -> Truth:
        """What a perfect observer would know; final once the market was stopped."""
        return msgspec.convert(await self._call("GET", "truth"), Truth)

    async def release(self) -> None:
        """Start a market that was held."""
        await self._call("POST", "release")

    async def stop(self) -> None:
        """No more ticks, fills or orders; the brokers still answer."""
        await self._call("POST", "stop")

    async def _call(self, method: str, name: str) -> dict[str, Any]:
        answer = await self._transport.request(method, f"{self._base}/simulator/{name}")
        if answer.status != 200:
            raise ConnectionFailedError(
                f"expected HTTP status 200 from the simulator ({name}), found {answer.status}"
            )
        return msgspec.json.decode(answer.body, type=dict[str, Any])
