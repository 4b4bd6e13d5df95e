"""Starts the simulator as a child process for brokers of ``type: simulated``.

It is a process of its own so that what is measured here is the client alone. It ends when this
process does, however that ends: it watches its standard input.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from pydantic import SecretStr

from dualbroker.brokers.noren.section import SimulatedSection
from dualbroker.brokers.simulator_control import SimulatorSurface
from dualbroker.brokers.simulator_launch import simulator_child
from dualbroker.child_process import ChildProcess
from dualbroker.config.schema import SimulatorConfig
from dualbroker.errors import ConnectionFailedError
from dualbroker.transport.network import NetworkTransport

__all__ = ["SimulatorProcess"]

START_TIMEOUT_S = 60.0


class SimulatorProcess:
    """A running simulator and the logins it gave out."""

    def __init__(self, process: ChildProcess, greeting: dict[str, Any]) -> None:
        self._process = process
        self._brokers: list[dict[str, Any]] = greeting["brokers"]
        self._names: dict[str, str] = {}
        """The simulator's name of each broker, by its name here."""
        self.masters_base: str = greeting["masters_base"]

    @classmethod
    async def start(cls, config: SimulatorConfig, brokers: int | Sequence[str]) -> SimulatorProcess:
        """Start one with that many brokers, and wait until it has said where they are.

        Parameters
        ----------
        brokers
            How many, or what they are called here: under these names ``config.faults`` and the methods
            find them; ``login_for`` adds names too.

        Raises
        ------
        ConnectionFailedError
            It did not start; the message carries what it said.
        """
        called = [] if isinstance(brokers, int) else brokers
        names = {name: f"broker{number}" for number, name in enumerate(called, start=1)}
        process = simulator_child(config, brokers)
        try:
            async with asyncio.timeout(START_TIMEOUT_S):
                line = await asyncio.to_thread(process.read_line)
            greeting = msgspec.json.decode(line, type=dict[str, Any])
        except BaseException as problem:
            # The caller may be cancelled meanwhile; no child is left behind.
            words = process.kill()
            if isinstance(problem, TimeoutError):
                words = f"it said nothing within {START_TIMEOUT_S:.0f} s"
            elif not isinstance(problem, msgspec.DecodeError):
                raise
            raise ConnectionFailedError(f"the simulator did not start: {words}") from None
        simulator = cls(process, greeting)
        simulator._names = names
        return simulator

    def login_for(self, number: int, config: SimulatedSection, generation: str) -> SimulatedSection:
        """The section of the config with the address and login of the simulator's broker of that number."""
        broker = self._brokers[number]
        self._names[config.name] = broker["name"]
        return config.model_copy(
            update={
                "user_id": broker["uid"],
                "account_id": broker["uid"],
                "vendor_code": broker["vendor_code"],
                "client_id": broker["client_id"],
                "password": SecretStr(broker["password"]),
                "totp_secret": SecretStr(broker["totp_secret"]),
                "api_key": SecretStr(broker["api_key"]),
                "api_secret": SecretStr(broker["oauth_secret"]),
                "rest_base": broker["rest_base"],
                "websocket_url": broker["websocket_url"],
                "masters_base": f"{self.masters_base}/{broker['name']}",
                "token": None,
                "dialect": "shoonya" if generation == "a" else "shoonya_legacy",
            }
        )

    async def set_faults(self, broker: str, **switches: Any) -> None:
        """Turn faults of a broker, or of ``all``, on or off; those that are not named stay as they are.

        Raises
        ------
        DualBrokerError
            There is no such broker or switch, or it can't be set to that.
        ConnectionFailedError
            The simulator does not answer.
        """
        async with self._surface() as surface:
            await surface.set_faults(self._name(broker), switches)

    async def clear_faults(self, broker: str = "all") -> None:
        """Turn all faults of a broker, or of ``all``, off.

        Raises
        ------
        DualBrokerError
            There is no such broker.
        ConnectionFailedError
            The simulator does not answer.
        """
        async with self._surface() as surface:
            await surface.clear_faults(self._name(broker))

    async def strike(self, broker: str, action: str, **details: Any) -> None:
        """Strike the open connections of a broker, or of ``all``.

        Parameters
        ----------
        action
            ``close``, ``reset``, ``half_frame``, ``garbage``, ``oversized``, ``evict``, ``expire_tokens``.
        **details
            ``code`` and ``reason`` of a close.

        Raises
        ------
        DualBrokerError
            There is no such broker or strike.
        ConnectionFailedError
            The simulator does not answer.
        """
        async with self._surface() as surface:
            await surface.strike(self._name(broker), {"action": action, **details})

    @asynccontextmanager
    async def _surface(self) -> AsyncIterator[SimulatorSurface]:
        transport = NetworkTransport()
        try:
            yield SimulatorSurface(self.masters_base, transport)
        finally:
            await transport.aclose()

    def _name(self, broker: str) -> str:
        return self._names.get(broker, broker)

    @property
    def process_id(self) -> int:
        return self._process.process_id

    def stop(self) -> None:
        """End it; safe to call twice."""
        self._process.stop()
