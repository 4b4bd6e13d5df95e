"""The simulation on real loopback sockets: for each broker a REST port and a WebSocket port of its own.

One process, one event loop. REST of all brokers and the masters are served by one uvicorn server that
listens on several ports and tells the broker by the port.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import socket
import time
from collections.abc import Callable, Generator, Mapping
from types import TracebackType
from typing import Any, cast

import uvicorn
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.protocol import State

from dualbroker.simulator.answers import Answer
from dualbroker.simulator.broker import SimulatedBroker
from dualbroker.simulator.drivers.connection import CLOSE_TIMEOUT_S, BrokerConnection
from dualbroker.simulator.drivers.link import is_answered
from dualbroker.simulator.drivers.site import SimulatorSite
from dualbroker.simulator.simulation import Simulation
from dualbroker.simulator.wire.stream import StreamSession

__all__ = ["SimulatorServer"]

_HOST = "127.0.0.1"
_STEP_INTERVAL_S = 0.01
_LONGEST_STEP_NS = 100_000_000
"""Should the machine be too slow, or have slept, the market does not relive what it missed."""
_LATEST_NS = 20_000_000
"""By which a market that follows a clock may lag behind it."""
_MOST_UNSENT_BYTES = 16 * 1024 * 1024
"""Of one connection; who lets more pile up is dropped, so that memory stays bounded."""
_REPLAY_WAITS_AT_BYTES = 1024 * 1024
_REPLAY_WAITS_AT_MOST_NS = 30_000_000_000
"""After which a reader that holds a replay up is dropped."""
_HANDSHAKE_TIMEOUT_S = 60.0
"""Longer than any client's: a broker that does not answer is one from which the client walks away."""
_LOOK_AGAIN_S = 0.1
_GOING_AWAY = 1001
_TRY_AGAIN_LATER = 1013
_REST_PATH = "NorenWClientTP/"
_WEBSOCKET_PATH = "NorenWSTP/"


class SimulatorServer:
    """Serves a simulation from ``start`` to ``stop``; an async context manager does both.

    Parameters
    ----------
    simulation
        What is served; the server moves it on in real time.
    waits_for_readers
        True (for replays): the market waits, half a minute at most, while a connection has a megabyte
        unsent, so that a reader that is slower than the replay's speed still gets every row. False (for
        a live market): time goes on. Either way a connection with 16 MiB unsent is closed with 1013.
    clock
        Wall time in UTC nanoseconds, which a live market's own time follows; None: the market's time goes
        on from where it is, and slower on a machine that is too slow.
    """

    def __init__(
        self,
        simulation: Simulation,
        *,
        waits_for_readers: bool = False,
        clock: Callable[[], int] | None = None,
    ) -> None:
        self.simulation = simulation
        self._clock = clock
        self._waits_for_readers = waits_for_readers
        self._site = SimulatorSite(simulation)
        self._connections: dict[StreamSession, BrokerConnection] = {}
        self._all_links: set[BrokerConnection] = set()
        """Those that are still in the opening handshake too."""
        self._brokers_by_port: dict[int, SimulatedBroker] = {}
        self._rest_ports: dict[str, int] = {}
        self._websocket_servers: dict[str, Server] = {}
        self._masters_port = 0
        self._http: _QuietServer | None = None
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> SimulatorServer:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Listen on free ports and set the market going."""
        sockets = [_listening_socket()]
        self._masters_port = sockets[0].getsockname()[1]
        for broker in self.simulation.brokers:
            sockets.append(_listening_socket())
            port = sockets[-1].getsockname()[1]
            self._rest_ports[broker.name] = port
            self._brokers_by_port[port] = broker
            self._websocket_servers[broker.name] = await self._serve_websockets(broker)
        config = uvicorn.Config(
            self._answer_http,
            interface="asgi3",
            http="h11",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
        )
        self._http = _QuietServer(config)
        self._tasks = [
            asyncio.create_task(self._http.serve(sockets=sockets)),
            asyncio.create_task(self._run()),
        ]
        self._follow_clock()
        await self._http.listening.wait()

    async def stop(self) -> None:
        """Close every connection and listen no more."""
        for task in self._tasks[1:]:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        self.simulation.clear_faults()
        connections = list(self._connections.values())
        await asyncio.gather(*(each.end(_GOING_AWAY, "the simulator ends") for each in connections))
        for connection in list(self._all_links):
            connection.transport.abort()
        for server in self._websocket_servers.values():
            server.close()
        for server in self._websocket_servers.values():
            await server.wait_closed()
        if self._http is not None:
            self._http.should_exit = True
            await self._tasks[0]

    def description(self) -> dict[str, Any]:
        """What a client needs: per broker its addresses and the logins of its first account."""
        brokers = []
        for broker in self.simulation.brokers:
            account = broker.accounts[0]
            websocket_port = next(iter(self._websocket_servers[broker.name].sockets)).getsockname()[1]
            brokers.append(
                {
                    "name": broker.name,
                    "rest_base": f"http://{_HOST}:{self._rest_ports[broker.name]}/{_REST_PATH}",
                    "websocket_url": f"ws://{_HOST}:{websocket_port}/{_WEBSOCKET_PATH}",
                    "uid": account.uid,
                    "password": account.password,
                    "totp_secret": account.totp_secret,
                    "api_key": account.api_key,
                    "vendor_code": account.vendor_code,
                    "client_id": account.client_id,
                    "oauth_secret": account.oauth_secret,
                    "oauth_code": account.oauth_code,
                }
            )
        return {"brokers": brokers, "masters_base": f"http://{_HOST}:{self._masters_port}"}

    async def _run(self) -> None:
        last_ns = time.monotonic_ns()
        waiting_since_ns: int | None = None
        while True:
            await asyncio.sleep(_STEP_INTERVAL_S)
            now_ns = time.monotonic_ns()
            laggards = self._laggards() if self._waits_for_readers else []
            if laggards:
                waiting_since_ns = waiting_since_ns or now_ns
                if now_ns - waiting_since_ns < _REPLAY_WAITS_AT_MOST_NS:
                    last_ns = now_ns
                    continue
                for connection in laggards:
                    connection.end(_TRY_AGAIN_LATER, "too slow")
            waiting_since_ns = None
            self.simulation.step(min(now_ns - last_ns, _LONGEST_STEP_NS))
            last_ns = now_ns
            self._follow_clock()
            for connection in list(self._all_links):
                connection.link.carry_on()
            self._flush()

    def _follow_clock(self) -> None:
        if self._clock is not None:
            now_ns = self._clock()
            if now_ns - self.simulation.market.now_ns() > _LATEST_NS:
                self.simulation.catch_up(now_ns)

    def _flush(self) -> None:
        """One write per connection, however many frames are due."""
        for session, connection in list(self._connections.items()):
            connection.flush(session)
            if connection.transport.get_write_buffer_size() > _MOST_UNSENT_BYTES:
                connection.end(_TRY_AGAIN_LATER, "too slow")

    def _laggards(self) -> list[BrokerConnection]:
        return [
            connection
            for connection in self._connections.values()
            if connection.state is State.OPEN
            and connection.transport.get_write_buffer_size() > _REPLAY_WAITS_AT_BYTES
        ]

    async def _serve_websockets(self, broker: SimulatedBroker) -> Server:
        async def converse(connection: ServerConnection) -> None:
            assert isinstance(connection, BrokerConnection)
            session = broker.open_session()
            self._connections[session] = connection
            try:
                # A client that goes without a close frame is everyday life.
                with contextlib.suppress(ConnectionClosed):
                    async for message in connection:
                        session.receive(message)
                        self._flush()
            finally:
                del self._connections[session]
                broker.close_session(session)

        return await serve(
            converse,
            _HOST,
            0,
            compression=None,
            ping_interval=None,
            close_timeout=CLOSE_TIMEOUT_S,
            open_timeout=_HANDSHAKE_TIMEOUT_S,
            server_header=None,
            create_connection=cast(
                type[ServerConnection], functools.partial(BrokerConnection, broker, self._all_links)
            ),
        )

    async def _answer_http(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        broker = self._brokers_by_port.get(scope["server"][1])
        body = await request.body()

        async def caller_has_gone() -> bool:
            if self._is_stopping:
                return True
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_AGAIN_S):
                    return bool((await receive())["type"] == "http.disconnect")
            return False

        if broker is not None and not await is_answered(broker, caller_has_gone) and not self._is_stopping:
            return
        headers = {name.lower(): value for name, value in request.headers.items()}
        answer = self._answer(broker, request.method, request.url.path, body, headers)
        self._flush()
        response = Response(answer.body, answer.status, media_type=answer.content_type)
        await response(scope, receive, send)

    @property
    def _is_stopping(self) -> bool:
        return self._http is None or self._http.should_exit

    def _answer(
        self,
        broker: SimulatedBroker | None,
        method: str,
        path: str,
        body: bytes,
        headers: Mapping[str, str],
    ) -> Answer:
        if broker is None:
            return self._site.handle_request(method, path, body)
        if method != "POST":
            return Answer(405, "text/html; charset=utf-8", b"<html><body>405</body></html>")
        return broker.handle_request(path, body, headers, time.time_ns())


class _QuietServer(uvicorn.Server):
    """Leaves signals to whatever runs the loop, and says when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


def _listening_socket() -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.bind((_HOST, 0))
    return listener
