"""The network of a run: a simulation's in-memory transport that notes what the client does on it."""

from __future__ import annotations

import asyncio
import hashlib
import json
import random
from collections.abc import Callable, Mapping, Sequence
from typing import cast
from urllib.parse import urlsplit

import msgspec

from dualbroker.errors import WireError
from dualbroker.noren import frames
from dualbroker.noren.requests import Endpoint, parse_body
from dualbroker.simulator.drivers.memory import MemoryResponse, MemoryTransport, MemoryWebSocket
from dualbroker.simulator.simulation import Simulation

__all__ = ["Hello", "Opening", "Refusal", "Request", "WatchedTransport"]

_HELLOS = ('{"t":"c"', '{"t":"a"')
_STEP_INTERVAL_S = 0.2
"""How often the simulation moves: a tick or two at the rates of these runs."""


class Request(msgspec.Struct, frozen=True, gc=False):
    """One REST call to a broker, when it left the client."""

    at_s: float
    broker: str
    endpoint: str
    token: str | None
    token_was_dead: bool


class Refusal(msgspec.Struct, frozen=True, gc=False):
    """A login that the broker refused, in its words."""

    at_s: float
    broker: str
    words: str


class Opening(msgspec.Struct, frozen=True, gc=False):
    """One attempt to open a WebSocket."""

    at_s: float
    broker: str


class Hello(msgspec.Struct, frozen=True, gc=False):
    """The first frame of a WebSocket."""

    at_s: float
    broker: str
    token: str
    token_was_dead: bool


class _WatchedSocket:
    """A WebSocket whose sent frames are noted; all else is the socket's own."""

    def __init__(self, inner: MemoryWebSocket, note_sent: Callable[[str], None]) -> None:
        self._inner = inner
        self._note_sent = note_sent

    def send(self, text: str) -> int:
        self._note_sent(text)
        return self._inner.send(text)

    def __getattr__(self, name: str) -> object:
        return getattr(self._inner, name)


class WatchedTransport(MemoryTransport):
    """Notes requests, connections and hellos; REST calls take their time on both ways, by chance.

    Parameters
    ----------
    latency_s
        One way.
    rest_jitter_s
        What each way of a REST call may take longer.
    dice
        Decides how much of it.
    """

    def __init__(
        self, simulation: Simulation, *, latency_s: float, rest_jitter_s: float, dice: random.Random
    ) -> None:
        super().__init__(simulation, step_interval_s=_STEP_INTERVAL_S, latency_s=latency_s)
        self.requests: list[Request] = []
        self.openings: list[Opening] = []
        self.hellos: list[Hello] = []
        self.refusals: list[Refusal] = []
        self.sent = hashlib.sha256()
        """Of every frame and REST call with its time: two runs that differ here behave differently."""
        self._logins = {broker.name: broker.logins for broker in simulation.brokers}
        self._rest_jitter_s = rest_jitter_s
        self._dice = dice

    async def request(
        self,
        method: str,
        url: str,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout_s: float = 10.0,
    ) -> MemoryResponse:
        broker = _host(url)
        endpoint = url.rpartition("/")[2]
        watched = broker in self._logins
        if watched:
            self._note_request(broker, endpoint, body or b"")
        await asyncio.sleep(self._dice.uniform(0.0, self._rest_jitter_s))
        response = await super().request(method, url, body=body, headers=headers, timeout_s=timeout_s)
        await asyncio.sleep(self._dice.uniform(0.0, self._rest_jitter_s))
        if watched and endpoint == Endpoint.QUICK_AUTH:
            self._note_login(broker, response)
        return response

    async def open_websocket(
        self,
        url: str,
        on_read: Callable[[Sequence[bytes], int], None],
        *,
        open_timeout_s: float = 10.0,
    ) -> MemoryWebSocket:
        broker = _host(url)
        self.openings.append(Opening(_now_s(), broker))
        self._count_sent(broker, "open")
        socket = await super().open_websocket(url, on_read, open_timeout_s=open_timeout_s)
        return cast(MemoryWebSocket, _WatchedSocket(socket, lambda text: self._note_sent(broker, text)))

    def _note_request(self, broker: str, endpoint: str, body: bytes) -> None:
        try:
            _, token = parse_body(body)
        except WireError:
            token = None
        self.requests.append(Request(_now_s(), broker, endpoint, token, self._is_dead(broker, token)))
        self._count_sent(broker, endpoint)

    def _note_sent(self, broker: str, text: str) -> None:
        self._count_sent(broker, text)
        if text.startswith(_HELLOS):
            self._note_hello(broker, text)

    def _count_sent(self, broker: str, text: str) -> None:
        self.sent.update(f"{_now_s():.6f} {broker} {text}\n".encode())

    def _note_hello(self, broker: str, text: str) -> None:
        frame = frames.parse_client_frame(text)
        if isinstance(frame, frames.Hello):
            dead = self._is_dead(broker, frame.token)
            self.hellos.append(Hello(_now_s(), broker, frame.token, dead))

    def _note_login(self, broker: str, response: MemoryResponse) -> None:
        try:
            answer = json.loads(response.body)
        except ValueError:
            return  # an HTML page of a broken gateway: no word about the login
        if isinstance(answer, dict) and answer.get("stat") == "Not_Ok":
            self.refusals.append(Refusal(_now_s(), broker, str(answer.get("emsg", ""))))

    def _is_dead(self, broker: str, token: str | None) -> bool:
        return token is not None and self._logins[broker].account_of(token) is None


def _host(url: str) -> str:
    return (urlsplit(url).hostname or "").removesuffix(".simulated")


def _now_s() -> float:
    return asyncio.get_running_loop().time()
