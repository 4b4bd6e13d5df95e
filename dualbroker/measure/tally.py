"""Counts what comes off each socket by type of message and instrument, beside the client that reads it.

It costs each message about a microsecond of the process's CPU, in both plans alike; so it is done only
where somebody wants to know.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from dualbroker.errors import ConnectionFailedError
from dualbroker.measure.figures import MessageCount
from dualbroker.transport.base import OnRead, Response, Transport, WebSocket

__all__ = ["Kind", "Tally", "TallyingTransport", "gained"]

UNREADABLE = "unreadable"
"""In place of a type."""

Kind = tuple[str, str, str]
"""Type, exchange, token; the latter two are empty for what is about no instrument."""


class _Head(msgspec.Struct, gc=False):
    t: str = ""
    e: str = ""
    tk: str = ""


_QUOTES = frozenset({"tk", "tf", "dk", "df"})
_DECODER = msgspec.json.Decoder(_Head)


class Tally:
    """What one broker's sockets have brought."""

    def __init__(self) -> None:
        self._counts: dict[Kind, list[int]] = {}

    def add(self, messages: Sequence[bytes]) -> None:
        """Count these messages, each with the header of its frame."""
        counts = self._counts
        for raw in messages:
            size = len(raw)
            size += 2 if size < 126 else 4 if size < 65536 else 10
            try:
                head = _DECODER.decode(raw)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                head = _Head(UNREADABLE)
            kind = (head.t, head.e, head.tk) if head.t in _QUOTES else (head.t, "", "")
            count = counts.get(kind)
            if count is None:
                counts[kind] = [size, 1]
            else:
                count[0] += size
                count[1] += 1

    def counts(self) -> dict[Kind, tuple[int, int]]:
        """Bytes and messages so far, by kind."""
        return {kind: (count[0], count[1]) for kind, count in self._counts.items()}


def gained(
    after: Mapping[Kind, tuple[int, int]], before: Mapping[Kind, tuple[int, int]]
) -> list[MessageCount]:
    """What came between two counts; kinds of which nothing came are left out."""
    rows = []
    for kind, (size, messages) in sorted(after.items()):
        size_before, messages_before = before.get(kind, (0, 0))
        if messages > messages_before:
            rows.append(MessageCount(*kind, size - size_before, messages - messages_before))
    return rows


class TallyingTransport:
    """A network whose sockets are counted.

    Parameters
    ----------
    names
        Each broker's name, by the address of its WebSocket.
    """

    def __init__(self, transport: Transport, names: Mapping[str, str]) -> None:
        self._transport = transport
        self._names = names
        self.tallies = {name: Tally() for name in names.values()}

    async def open_websocket(self, url: str, on_read: OnRead, *, open_timeout_s: float = 10.0) -> WebSocket:
        """As the network beneath does; what is read is counted and handed on."""
        if url not in self._names:
            raise ConnectionFailedError(f"expected the address of a measured broker, found {url}")
        add = self.tallies[self._names[url]].add

        def read(messages: Sequence[bytes], wire_bytes: int) -> None:
            add(messages)
            on_read(messages, wire_bytes)

        return await self._transport.open_websocket(url, read, open_timeout_s=open_timeout_s)

    async def request(
        self,
        method: str,
        url: str,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout_s: float = 10.0,
    ) -> Response:
        """As the network beneath does."""
        return await self._transport.request(method, url, body=body, headers=headers, timeout_s=timeout_s)

    async def aclose(self) -> None:
        """As the network beneath does."""
        await self._transport.aclose()
