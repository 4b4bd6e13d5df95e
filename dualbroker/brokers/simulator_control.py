"""Calls on the surface that a simulator has beside its brokers."""

from __future__ import annotations

from typing import Any

import msgspec

from dualbroker.errors import ConnectionFailedError, DualBrokerError
from dualbroker.transport.base import Transport

__all__ = ["SimulatorSurface"]

_REFUSED = 400


class SimulatorSurface:
    """Steers one simulator.

    Parameters
    ----------
    masters_base
        Its address, as it greets with.
    """

    def __init__(self, masters_base: str, transport: Transport) -> None:
        self._base = masters_base.rstrip("/")
        self._transport = transport

    async def faults(self) -> dict[str, dict[str, Any]]:
        """The faults of every broker, by name."""
        return await self.call("GET", "faults")

    async def set_faults(self, broker: str, switches: dict[str, Any]) -> None:
        """Turn faults of a broker, or of ``all``, on or off; those that are not named stay as they are.

        Raises
        ------
        DualBrokerError
            There is no such broker or switch, or it can't be set to that.
        ConnectionFailedError
            The simulator does not answer.
        """
        await self.call("POST", f"faults/{broker}", switches)

    async def clear_faults(self, broker: str) -> None:
        """Turn all faults of a broker, or of ``all``, off.

        Raises
        ------
        DualBrokerError
            There is no such broker.
        ConnectionFailedError
            The simulator does not answer.
        """
        await self.call("DELETE", f"faults/{broker}")

    async def strike(self, broker: str, described: dict[str, Any]) -> None:
        """Strike the open connections of a broker, or of ``all``: ``action``, ``code``, ``reason``.

        Raises
        ------
        DualBrokerError
            There is no such broker or strike.
        ConnectionFailedError
            The simulator does not answer.
        """
        await self.call("POST", f"strike/{broker}", described)

    async def call(self, method: str, name: str, fields: dict[str, Any] | None = None) -> dict[str, Any]:
        """One call; returns the object that answers it.

        Raises
        ------
        DualBrokerError
            The simulator can't make sense of it; the message is its own.
        ConnectionFailedError
            It does not answer, or with another status than 200.
        """
        body = None if fields is None else msgspec.json.encode(fields)
        answer = await self._transport.request(method, f"{self._base}/simulator/{name}", body=body)
        if answer.status == _REFUSED:
            raise DualBrokerError(answer.body.decode("utf-8", "replace"))
        if answer.status != 200:
            raise ConnectionFailedError(
                f"expected HTTP status 200 from the simulator ({name}), found {answer.status}"
            )
        return msgspec.json.decode(answer.body, type=dict[str, Any])
