"""A proxy that serves another address below a path of its own, as jupyter-server-proxy and nginx do."""

from __future__ import annotations

import asyncio
import contextlib
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

__all__ = ["prefix_proxy"]

_LONGEST_HEAD = 65_536


@contextmanager
def prefix_proxy(address: str, prefix: str) -> Iterator[str]:
    """The address below which ``address`` is served, HTTP and WebSocket; all else on the host is 404.

    It changes the path and nothing else: no header tells the service that there is a prefix.
    """
    upstream = urlsplit(address)
    assert upstream.hostname is not None
    assert upstream.port is not None
    proxy = _Proxy(upstream.hostname, upstream.port, prefix)
    thread = threading.Thread(target=lambda: asyncio.run(proxy.run()), name="prefix-proxy")
    thread.start()
    assert proxy.begun.wait(10)
    try:
        yield f"http://127.0.0.1:{proxy.port}{prefix}"
    finally:
        proxy.end()
        thread.join(10)
        assert not thread.is_alive()


class _Proxy:
    def __init__(self, host: str, port: int, prefix: str) -> None:
        self._upstream = (host, port)
        self._prefix = prefix.encode()
        self.begun = threading.Event()
        self.port = 0

    async def run(self) -> None:
        self._loop, self._ended = asyncio.get_running_loop(), asyncio.Event()
        self._links: set[asyncio.Task[None]] = set()
        server = await asyncio.start_server(self._begin, "127.0.0.1", 0, limit=_LONGEST_HEAD)
        self.port = server.sockets[0].getsockname()[1]
        self.begun.set()
        await self._ended.wait()
        server.close()
        for link in self._links:
            link.cancel()
        await asyncio.gather(*self._links, return_exceptions=True)

    def end(self) -> None:
        self._loop.call_soon_threadsafe(self._ended.set)

    def _begin(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        link = asyncio.create_task(self._link(reader, writer))
        self._links.add(link)
        link.add_done_callback(self._links.discard)

    async def _link(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers = [writer]
        try:
            head = self._below(await reader.readuntil(b"\r\n\r\n"))
            if head is None:
                writer.write(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
                await writer.drain()
                return
            answers, asking = await asyncio.open_connection(*self._upstream)
            writers.append(asking)
            asking.write(head)
            await asyncio.wait(
                [asyncio.create_task(_pass(reader, asking)), asyncio.create_task(_pass(answers, writer))],
                return_when=asyncio.FIRST_COMPLETED,
            )
        except (OSError, asyncio.IncompleteReadError):
            return
        finally:
            for each in writers:
                each.close()

    def _below(self, head: bytes) -> bytes | None:
        """The head of a request as it is passed on: without the prefix, and one request per connection."""
        method, path, rest = head.split(b" ", 2)
        if not path.startswith(self._prefix + b"/"):
            return None
        if b"upgrade: websocket" not in rest.lower():
            rest = re.sub(rb"(?i)\r\nconnection: [^\r]*", b"", rest).replace(
                b"\r\n", b"\r\nConnection: close\r\n", 1
            )
        return b" ".join((method, path.removeprefix(self._prefix), rest))


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
