"""How much anybody may ask: sizes and rates of requests, and how long one may take to arrive."""

from __future__ import annotations

import asyncio
import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable

import msgspec
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dualbroker.figures import number
from dualbroker.service.errors import error_response

__all__ = ["Limits", "RateLimit", "RequestLimits", "client_of"]

_FORM = "application/x-www-form-urlencoded"


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds of one service; an ordinary page, notebook or script comes nowhere near them."""

    requests_per_second: float = 100.0
    """Of one client, in the long run."""
    requests_at_once: int = 400
    """Of one client, in a burst."""
    answering: int = 64
    """Requests of all clients that are being answered at the same time."""
    websockets: int = 200
    """Of all clients together."""
    target_bytes: int = 16_384
    """Of path and query."""
    body_bytes: int = 65_536
    body_within_s: float = 10.0
    """From its head on, a request's body has to arrive."""


class RateLimit:
    """A bucket of permissions for each client, which fills up steadily.

    Parameters
    ----------
    per_second, at_once
        How fast it fills, and how much it holds.
    now_s
        A monotonic clock.
    """

    MOST_CLIENTS = 10_000

    def __init__(
        self, per_second: float, at_once: float, now_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._per_second = per_second
        self._at_once = at_once
        self._now_s = now_s
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait_s(self, client: str, cost: float = 1.0) -> float:
        """0 when it may, and then it has been counted; else the seconds until it may."""
        now = self._now_s()
        left = self._left(client, now)
        if left < 1.0:
            return (1.0 - left) / self._per_second
        if cost:
            self._buckets[client] = (left - cost, now)
            self._buckets.move_to_end(client)
            if len(self._buckets) > self.MOST_CLIENTS:
                self._buckets.popitem(last=False)
        return 0.0

    def _left(self, client: str, now: float) -> float:
        left, at = self._buckets.get(client, (self._at_once, now))
        return min(self._at_once, left + (now - at) * self._per_second)


def client_of(scope: Scope) -> str:
    """Whom a request is counted for: an address, of IPv6 the network that one household or host has."""
    address = (scope.get("client") or ("",))[0]
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address):
        mapped = parsed.ipv4_mapped
        return str(mapped) if mapped else str(ipaddress.ip_network((int(parsed) >> 64 << 64, 64)))
    return str(parsed)


class RequestLimits:
    """Refuses what is beyond the bounds; hands a body on only when all of it has come."""

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self._app = app
        self._limits = limits
        self._rate = RateLimit(limits.requests_per_second, limits.requests_at_once)
        self._open = {"http": 0, "websocket": 0}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        kind = scope["type"]
        if kind not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        limits = self._limits
        target_bytes = len(scope.get("raw_path") or b"") + len(scope["query_string"])
        if target_bytes > limits.target_bytes:
            allowed = number(limits.target_bytes)
            message = f"expected an address of {allowed} bytes at most, found {number(target_bytes)}"
            await error_response(414, message)(scope, receive, send)
            return
        wait_s = self._rate.wait_s(client_of(scope))
        most = limits.answering if kind == "http" else limits.websockets
        if not wait_s and self._open[kind] >= most:
            wait_s = 1.0
        if wait_s:
            headers = {"retry-after": str(max(1, round(wait_s + 0.5)))}
            message = "too many requests at once; ask again later"
            await error_response(429, message, headers=headers)(scope, receive, send)
            return
        self._open[kind] += 1
        try:
            if kind == "http":
                await self._answer(scope, receive, send)
            else:
                await self._app(scope, receive, send)
        finally:
            self._open[kind] -= 1

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal, body = await self._read_body(scope, receive)
        if refusal is not None:
            status, message = refusal
            # What is left of the body is not read, so this connection can't be used again.
            await error_response(status, message, headers={"connection": "close"})(scope, receive, send)
            return
        handed_on = False

        async def receive_body() -> Message:
            nonlocal handed_on
            if handed_on:
                return await receive()
            handed_on = True
            return {"type": "http.request", "body": body, "more_body": False}

        await self._app(scope, receive_body, send)

    async def _read_body(self, scope: Scope, receive: Receive) -> tuple[tuple[int, str] | None, bytes]:
        headers = Headers(scope=scope)
        length = headers.get("content-length", "0")
        if "transfer-encoding" not in headers and length == "0":
            return None, b""
        most = self._limits.body_bytes
        too_long = (413, f"expected a body of {number(most)} bytes at most")
        if not length.isdigit() or len(length) > 12 or int(length) > most:
            return too_long, b""
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        expected = _FORM if scope["path"] == "/login" else "application/json"
        if kind != expected:
            return (415, f"expected a body of the type {expected}, found {kind[:60]!r}"), b""
        body = bytearray()
        try:
            async with asyncio.timeout(self._limits.body_within_s):
                while True:
                    message = await receive()
                    body += message.get("body", b"")
                    if len(body) > most:
                        return too_long, b""
                    if message["type"] == "http.disconnect" or not message.get("more_body", False):
                        return None, bytes(body)
        except TimeoutError:
            return (408, "the body did not arrive in time"), b""
