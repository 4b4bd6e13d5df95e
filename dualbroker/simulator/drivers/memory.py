"""The simulation inside a process, with no sockets: for tests in virtual time.

Everything that takes time goes by the running loop's own timers, so on a loop whose clock is virtual a
trading day takes as long as its work does. `MemoryTransport` has the shape of
``dualbroker.transport.base.Transport``, and counts the bytes that real frames would take.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from urllib.parse import urlsplit

import msgspec

from dualbroker.clock import NS_PER_S
from dualbroker.errors import ConnectionFailedError
from dualbroker.simulator.broker import SimulatedBroker
from dualbroker.simulator.drivers.link import is_answered
from dualbroker.simulator.drivers.memory_websocket import MemoryCloseReason, MemoryWebSocket
from dualbroker.simulator.drivers.site import SimulatorSite
from dualbroker.simulator.simulation import Simulation

__all__ = ["MASTERS_BASE", "MemoryCloseReason", "MemoryResponse", "MemoryTransport", "MemoryWebSocket"]

MASTERS_BASE = "http://masters.simulated"

_DOMAIN = ".simulated"
_GOING_AWAY = 1001
_CLOSED_STEP_S = 0.5
"""Between two steps while the market is closed, so that a night costs little."""
_LOOK_AGAIN_S = 0.25
"""Between two looks at whether a black hole is over."""


class MemoryResponse(msgspec.Struct, frozen=True):
    """An HTTP answer."""

    status: int
    body: bytes


class MemoryTransport:
    """Opens connections to, and makes requests of, a simulation in the same process.

    Several may share one simulation: each moves it on to the loop's present time. The host of an address
    names the broker (see ``addresses``).

    Parameters
    ----------
    simulation
        The other end.
    step_interval_s
        How often the market moves, and with it everything that is sent unasked.
    latency_s
        One way.
    """

    def __init__(
        self, simulation: Simulation, *, step_interval_s: float = 0.05, latency_s: float = 0.001
    ) -> None:
        self._simulation = simulation
        self._brokers = {broker.name: broker for broker in simulation.brokers}
        self._site = SimulatorSite(simulation)
        self._step_interval_s = step_interval_s
        self._latency_s = latency_s
        self._websockets: list[MemoryWebSocket] = []
        self._timer: asyncio.TimerHandle | None = None
        self._started_s: float | None = None

    @staticmethod
    def addresses(broker_name: str) -> tuple[str, str]:
        """REST base and WebSocket address of a broker."""
        host = f"{broker_name}{_DOMAIN}"
        return f"http://{host}/NorenWClientTP/", f"ws://{host}/NorenWSTP/"

    @classmethod
    def section(cls, broker: SimulatedBroker) -> dict[str, str]:
        """What a client's config.yaml has to say of a broker: its first account, and where it is found."""
        account = broker.accounts[0]
        rest_base, websocket_url = cls.addresses(broker.name)
        return {
            "type": "simulated",
            "user_id": account.uid,
            "password": account.password,
            "totp_secret": account.totp_secret,
            "api_key": account.api_key,
            "rest_base": rest_base,
            "websocket_url": websocket_url,
            "masters_base": MASTERS_BASE,
        }

    async def open_websocket(
        self,
        url: str,
        on_read: Callable[[Sequence[bytes], int], None],
        *,
        open_timeout_s: float = 10.0,
    ) -> MemoryWebSocket:
        """Open a WebSocket.

        Raises
        ------
        ConnectionFailedError
            The address names no broker of the simulation, or the broker refuses or does not answer.
        """
        self._keep_stepping()
        broker = self._broker(url)
        if broker is None:
            raise ConnectionFailedError(f"expected the address of a simulated broker, found {url}")
        await asyncio.sleep(self._latency_s)
        host = urlsplit(url).netloc
        if broker.faults.black_hole:
            await _until_it_is_over(broker, open_timeout_s, f"no WebSocket at {host}: timed out")
        if broker.faults.refuse:
            raise ConnectionFailedError(f"no WebSocket at {host}: connection refused")
        websocket = MemoryWebSocket(broker, on_read, self._latency_s)
        self._websockets.append(websocket)
        return websocket

    async def request(
        self,
        method: str,
        url: str,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout_s: float = 10.0,
    ) -> MemoryResponse:
        """Make one HTTP request.

        Raises
        ------
        ConnectionFailedError
            The address names neither a broker of the simulation nor its masters, or nobody answers in time.
        """
        self._keep_stepping()
        await asyncio.sleep(self._latency_s)
        path = urlsplit(url).path
        broker = self._broker(url)
        if broker is not None:
            await self._be_answered(broker, timeout_s)
            lower = {name.lower(): value for name, value in (headers or {}).items()}
            now_ns = self._simulation.market.now_ns()
            answer = broker.handle_request(path, body or b"", lower, now_ns)
        elif url.startswith(MASTERS_BASE):
            answer = self._site.handle_request(method, path, body or b"")
        else:
            raise ConnectionFailedError(f"expected the address of a simulated broker, found {url}")
        self._deliver_all()
        await asyncio.sleep(self._latency_s)
        return MemoryResponse(answer.status, answer.body)

    async def _be_answered(self, broker: SimulatedBroker, timeout_s: float) -> None:
        """Return when the broker answers a REST call."""

        async def look_again() -> bool:
            await asyncio.sleep(_LOOK_AGAIN_S)
            return False

        try:
            async with asyncio.timeout(timeout_s):
                await is_answered(broker, look_again)
        except TimeoutError:
            words = f"no answer from {broker.name}{_DOMAIN} within {timeout_s:g} s"
            raise ConnectionFailedError(words) from None

    async def aclose(self) -> None:
        """Move the simulation on no more, and close what is open."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        await asyncio.gather(*(each.close(_GOING_AWAY, "transport closed") for each in self._websockets))
        self._websockets.clear()

    def _keep_stepping(self) -> None:
        if self._timer is None:
            loop = asyncio.get_running_loop()
            if self._started_s is None:
                self._started_s = loop.time() - self._simulation.running_ns / NS_PER_S
            self._timer = loop.call_later(self._step_interval_s, self._step)

    def _step(self) -> None:
        loop = asyncio.get_running_loop()
        assert self._started_s is not None
        due_ns = round((loop.time() - self._started_s) * NS_PER_S)
        elapsed_ns = due_ns - self._simulation.running_ns
        if elapsed_ns > 0:
            self._simulation.step(elapsed_ns)
        self._deliver_all()
        is_open = self._simulation.is_open
        interval_s = self._step_interval_s if is_open else max(self._step_interval_s, _CLOSED_STEP_S)
        self._timer = loop.call_later(interval_s, self._step)

    def _deliver_all(self) -> None:
        self._websockets = [websocket for websocket in self._websockets if not websocket.is_closed]
        for websocket in self._websockets:
            websocket.deliver()

    def _broker(self, url: str) -> SimulatedBroker | None:
        host = urlsplit(url).hostname or ""
        return self._brokers.get(host.removesuffix(_DOMAIN)) if host.endswith(_DOMAIN) else None


async def _until_it_is_over(broker: SimulatedBroker, timeout_s: float, words: str) -> None:
    """Wait for the end of a black hole, as a packet that is sent again and again does."""
    waited_s = 0.0
    while broker.faults.black_hole:
        if waited_s >= timeout_s:
            raise ConnectionFailedError(words)
        await asyncio.sleep(_LOOK_AGAIN_S)
        waited_s += _LOOK_AGAIN_S
