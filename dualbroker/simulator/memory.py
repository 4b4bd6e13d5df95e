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

from dualbroker.errors import ConnectionFailedError
from dualbroker.simulator.broker import SimulatedBroker
from dualbroker.simulator.framing import client_frame_size, payload_of
from dualbroker.simulator.simulation import Simulation
from dualbroker.simulator.site import SimulatorSite
from dualbroker.simulator.stream import StreamSession

__all__ = ["MASTERS_BASE", "MemoryCloseReason", "MemoryResponse", "MemoryTransport", "MemoryWebSocket"]

MASTERS_BASE = "http://masters.simulated"

_DOMAIN = ".simulated"
_NS_PER_S = 1_000_000_000
_GOING_AWAY = 1001


class MemoryResponse(msgspec.Struct, frozen=True):
    """An HTTP answer."""

    status: int
    body: bytes


class MemoryCloseReason(msgspec.Struct, frozen=True):
    """Why a WebSocket is no more."""

    code: int | None
    reason: str
    clean: bool


class MemoryWebSocket:
    """One end of a connection; the other end is a `StreamSession`."""

    def __init__(
        self,
        broker: SimulatedBroker,
        on_read: Callable[[Sequence[bytes], int], None],
        latency_s: float,
    ) -> None:
        self._broker = broker
        self._session: StreamSession = broker.open_session()
        self._on_read = on_read
        self._latency_s = latency_s
        self._loop = asyncio.get_running_loop()
        self._closed: asyncio.Future[MemoryCloseReason] = self._loop.create_future()

    def send(self, text: str) -> int:
        """Send one text message; returns the bytes it would take. No-op (0) when closed."""
        if self._closed.done():
            return 0
        self._loop.call_later(self._latency_s, self._arrive, text)
        return client_frame_size(len(text.encode("utf-8")))

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Close it from this side."""
        self._end(code, reason)

    async def wait_closed(self) -> MemoryCloseReason:
        """Return when the connection has ended, whoever ended it."""
        return await asyncio.shield(self._closed)

    @property
    def round_trip_s(self) -> float | None:
        """Seconds there and back."""
        return 2 * self._latency_s

    @property
    def is_closed(self) -> bool:
        return self._closed.done()

    def deliver(self) -> None:
        """Send what the broker has for this connection on its way, as one read."""
        if self._closed.done():
            return
        frames = self._session.take()
        if frames:
            self._loop.call_later(self._latency_s, self._read, frames)
        if self._session.close_command is not None:
            self._loop.call_later(self._latency_s, self._end, *self._session.close_command)

    def _arrive(self, text: str) -> None:
        if not self._closed.done():
            self._session.receive(text)
            self.deliver()

    def _read(self, frames: list[bytes]) -> None:
        if not self._closed.done():
            self._on_read([payload_of(frame) for frame in frames], sum(map(len, frames)))

    def _end(self, code: int, reason: str) -> None:
        if not self._closed.done():
            self._broker.close_session(self._session)
            self._closed.set_result(MemoryCloseReason(code, reason, clean=code in (1000, _GOING_AWAY)))


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
            The address names no broker of the simulation.
        """
        self._keep_stepping()
        broker = self._broker(url)
        if broker is None:
            raise ConnectionFailedError(f"expected the address of a simulated broker, found {url}")
        await asyncio.sleep(self._latency_s)
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
            The address names neither a broker of the simulation nor its masters.
        """
        self._keep_stepping()
        await asyncio.sleep(self._latency_s)
        path = urlsplit(url).path
        broker = self._broker(url)
        if broker is not None:
            lower = {name.lower(): value for name, value in (headers or {}).items()}
            now_ns = self._simulation.market.now_ns()
            answer = broker.handle_request(path, body or b"", lower, now_ns)
        elif url.startswith(MASTERS_BASE):
            answer = self._site.handle_request(method, path)
        else:
            raise ConnectionFailedError(f"expected the address of a simulated broker, found {url}")
        self._deliver_all()
        await asyncio.sleep(self._latency_s)
        return MemoryResponse(answer.status, answer.body)

    async def aclose(self) -> None:
        """Move the simulation on no more, and close what is open."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for websocket in self._websockets:
            await websocket.close(_GOING_AWAY, "transport closed")
        self._websockets.clear()

    def _keep_stepping(self) -> None:
        if self._timer is None:
            loop = asyncio.get_running_loop()
            if self._started_s is None:
                self._started_s = loop.time() - self._simulation.running_ns / _NS_PER_S
            self._timer = loop.call_later(self._step_interval_s, self._step)

    def _step(self) -> None:
        loop = asyncio.get_running_loop()
        assert self._started_s is not None
        due_ns = round((loop.time() - self._started_s) * _NS_PER_S)
        elapsed_ns = due_ns - self._simulation.running_ns
        if elapsed_ns > 0:
            self._simulation.step(elapsed_ns)
        self._deliver_all()
        self._timer = loop.call_later(self._step_interval_s, self._step)

    def _deliver_all(self) -> None:
        self._websockets = [websocket for websocket in self._websockets if not websocket.is_closed]
        for websocket in self._websockets:
            websocket.deliver()

    def _broker(self, url: str) -> SimulatedBroker | None:
        host = urlsplit(url).hostname or ""
        return self._brokers.get(host.removesuffix(_DOMAIN)) if host.endswith(_DOMAIN) else None
