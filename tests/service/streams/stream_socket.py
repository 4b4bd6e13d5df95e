"""The other end of ``/ws``, spoken to as the web server does, without a socket."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, cast

import msgspec

from dualbroker.remote.messages import ClientMessage, Message
from tests.service.world import Served

__all__ = ["StreamSocket"]


class StreamSocket:
    """A client in the service's own process.

    Parameters
    ----------
    service
        Whose application is spoken to.
    reads
        False for a client that takes nothing: its first ``takes`` messages fill the way to it.
    """

    def __init__(
        self, service: Served, *, takes: int | None = None, headers: Sequence[tuple[bytes, bytes]] = ()
    ) -> None:
        self._inbox: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._outbox: asyncio.Queue[Any] = asyncio.Queue(0 if takes is None else takes)
        self.close_code: int | None = None
        self.close_reason = ""
        scope = {
            "type": "websocket",
            "asgi": {"version": "3.0"},
            "scheme": "ws",
            "path": "/ws",
            "raw_path": b"/ws",
            "query_string": b"",
            "headers": [(b"host", b"127.0.0.1:8000"), (b"origin", b"http://127.0.0.1:8000"), *headers],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 8000),
            "subprotocols": [],
            "extensions": {"dualbroker.abort": self._abort},
        }
        self.aborted = False
        self._inbox.put_nowait({"type": "websocket.connect"})
        self.served = asyncio.create_task(service.app(scope, self._inbox.get, self._outbox.put))

    def _abort(self) -> None:
        self.aborted = True

    async def next(self) -> dict[str, Any]:
        """The next message in JSON, or ``{"closed": reason}``."""
        data = await self._next()
        if data is None:
            return {"closed": self.close_reason}
        state: dict[str, Any] = msgspec.json.decode(data)
        return state

    async def next_compact(self) -> Message:
        data = await self._next()
        assert data is not None, f"closed: {self.close_reason}"
        return msgspec.msgpack.decode(cast(bytes, data), type=Message)

    async def _next(self) -> bytes | str | None:
        while True:
            message = await self._outbox.get()
            if message["type"] == "websocket.send":
                data: bytes | str = message.get("bytes") or message["text"]
                return data
            if message["type"] == "websocket.close":
                self.close_code, self.close_reason = message["code"], message.get("reason", "")
                return None

    async def until(self, key: str) -> Any:
        """What the next JSON message with that key says under it."""
        while True:
            message = await self.next()
            assert "closed" not in message, message
            if key in message:
                return message[key]

    async def say(self, message: dict[str, Any] | str) -> None:
        text = message if isinstance(message, str) else msgspec.json.encode(message).decode()
        await self._inbox.put({"type": "websocket.receive", "text": text})

    async def say_compact(self, message: ClientMessage) -> None:
        await self._inbox.put({"type": "websocket.receive", "bytes": msgspec.msgpack.encode(message)})

    async def leave(self) -> None:
        await self._inbox.put({"type": "websocket.disconnect", "code": 1001})
        await self.served
