"""Clients attached to a service in the same process, over links of memory, in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

from dualbroker.errors import ConnectionFailedError
from dualbroker.remote import RemoteManager
from dualbroker.remote.link import SILENT_FOR_S, Link
from dualbroker.remote.messages import ClientMessage, Hello, Message
from tests.service.streams.stream_socket import StreamSocket
from tests.service.world import Served

__all__ = ["Network", "attached"]


class MemoryLink:
    """A link as a remote manager uses it, to an application in this process."""

    def __init__(self, service: Served, *, takes: int | None = None) -> None:
        self.socket = StreamSocket(service, takes=takes)
        self.broken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.is_silent = False

    async def send(self, message: ClientMessage) -> None:
        self._require()
        await self.socket.say_compact(message)

    async def receive(self) -> Message:
        self._require()
        reading = asyncio.ensure_future(self.socket.next_compact())
        ends: list[asyncio.Future[Any]] = [reading, self.broken]
        await asyncio.wait(ends, timeout=SILENT_FOR_S, return_when=asyncio.FIRST_COMPLETED)
        if reading.done() and not self.broken.done():
            return reading.result()
        reading.cancel()
        self._require()
        raise ConnectionFailedError("it has said nothing for 10 s")

    async def hello(self) -> Hello:
        message = await self.receive()
        assert message.hello is not None
        return message.hello

    async def close(self) -> None:
        if not self.socket.served.done():
            await self.socket.leave()

    def _require(self) -> None:
        if self.broken.done():
            raise ConnectionFailedError("the connection broke")


class Network:
    """The way to a service, which can be cut."""

    def __init__(self, service: Served) -> None:
        self.service: Served | None = service
        self.links: list[MemoryLink] = []

    async def open_link(self, address: str, token: str | None) -> Link:
        if self.service is None:
            raise ConnectionFailedError(f"no dualbroker service answers at {address}")
        link = MemoryLink(self.service)
        self.links.append(link)
        return cast(Link, link)

    def client(self) -> RemoteManager:
        return RemoteManager("http://127.0.0.1:8000", open_link=self.open_link)

    async def cut(self) -> None:
        """Let all links break, as both ends see it."""
        links, self.links = self.links, []
        for link in links:
            if not link.broken.done():
                link.broken.set_result(None)
            await link.close()


@asynccontextmanager
async def attached(network: Network) -> AsyncIterator[RemoteManager]:
    """A client, joined and in the end stopped."""
    client = network.client()
    await client.start()
    try:
        yield client
    finally:
        await client.stop()
