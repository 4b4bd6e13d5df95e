"""The real network: WebSockets by `websockets`, REST by `httpx`."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import httpx

from dualbroker.errors import ConnectionFailedError
from dualbroker.figures import number
from dualbroker.transport.base import OnRead, Response, WebSocket
from dualbroker.transport.proxies import is_loopback, proxy_for
from dualbroker.transport.websocket import open_websocket

__all__ = ["NetworkTransport"]


MAX_ANSWER_BYTES = 2**27
"""Unpacked. The largest symbol masters take about a tenth of it."""

CODINGS = frozenset({"", "identity", "gzip", "deflate"})
"""One layer of these unpacks a socket read to some megabytes; several layers, or others, to any size."""


async def _bounded_body(answer: httpx.Response) -> bytes:
    coding = answer.headers.get("Content-Encoding", "").strip().lower()
    if coding not in CODINGS:
        raise httpx.DecodingError("expected it plain, or packed once by gzip or deflate, found another way")
    body = bytearray()
    async for part in answer.aiter_bytes():
        body += part
        if len(body) > MAX_ANSWER_BYTES:
            raise httpx.DecodingError(f"more than {number(MAX_ANSWER_BYTES)} bytes")
    return bytes(body)


class NetworkTransport:
    """Implements :class:`dualbroker.transport.base.Transport` on real sockets.

    Parameters
    ----------
    gather_s
        The longest time, in seconds, that messages of a WebSocket may gather before they are read.
    """

    def __init__(self, *, gather_s: float = 0.0) -> None:
        self._gather_s = gather_s
        self._clients: dict[tuple[bool, str | None], httpx.AsyncClient] = {}

    def _client(self, loopback: bool, proxy: str | None) -> httpx.AsyncClient:
        client = self._clients.get((loopback, proxy))
        if client is None:
            # A system-wide proxy must never see what is meant for this machine.
            client = httpx.AsyncClient(
                # The variables of proxies are read by us; those of certificates by httpx, here.
                verify=True if loopback else httpx.create_ssl_context(),
                proxy=proxy,
                trust_env=False,
                follow_redirects=False,
                headers={"Accept-Encoding": "gzip, deflate"},
            )
            self._clients[loopback, proxy] = client
        return client

    async def open_websocket(self, url: str, on_read: OnRead, *, open_timeout_s: float = 10.0) -> WebSocket:
        return await open_websocket(url, on_read, open_timeout_s=open_timeout_s, gather_s=self._gather_s)

    async def request(
        self,
        method: str,
        url: str,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout_s: float = 10.0,
    ) -> Response:
        host = url.partition("://")[2].partition("/")[0]
        proxy = proxy_for(url)
        try:
            client = self._client(is_loopback(url), proxy)
            # For the whole answer: a server that lets it drip must not hold a caller for ever.
            async with (
                asyncio.timeout(timeout_s),
                client.stream(method, url, content=body, headers=headers, timeout=timeout_s) as answer,
            ):
                return Response(answer.status_code, await _bounded_body(answer))
        except TimeoutError as error:
            raise ConnectionFailedError(f"no answer from {host} within {timeout_s:g} s") from error
        except (httpx.HTTPError, httpx.InvalidURL, ValueError, ImportError) as error:
            words = str(error) or type(error).__name__
            if proxy is not None:
                words += " (through the proxy that the environment names)"
            raise ConnectionFailedError(f"no answer from {host}: {words}") from error

    async def aclose(self) -> None:
        clients, self._clients = list(self._clients.values()), {}
        for client in clients:
            await client.aclose()
