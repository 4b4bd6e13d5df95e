from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from dualbroker.errors import ConnectionFailedError
from dualbroker.measure.figures import MessageCount
from dualbroker.measure.tally import UNREADABLE, Tally, TallyingTransport, gained
from dualbroker.transport.base import OnRead

TICK = b'{"t":"tf","e":"NSE","tk":"26000","lp":"1.00"}'
ORDER = b'{"t":"om","norenordno":"1","exch":"NFO","tk":"5","e":"NFO"}'


def test_messages_count_with_their_headers_by_type_and_instrument() -> None:
    tally = Tally()
    tally.add([TICK, TICK, ORDER, b'{"tk":"26000","e":"NSE","t":"tf"}'])
    tally.add([b'{"t":"df","e":"NFO","tk":"1","x":"' + b"1" * 200 + b'"}', b'{"t":"hk","hk":"1"}'])
    assert tally.counts() == {
        ("tf", "NSE", "26000"): (2 * (len(TICK) + 2) + 35, 3),
        ("om", "", ""): (len(ORDER) + 2, 1),
        ("df", "NFO", "1"): (236 + 4, 1),
        ("hk", "", ""): (21, 1),
    }


@pytest.mark.parametrize("raw", [b"", b"\xff", b"[]", b'{"t":1}', b"[" * 100_000])
def test_what_cannot_be_read_is_counted_as_that(raw: bytes) -> None:
    tally = Tally()
    tally.add([raw])
    ((kind, (_, messages)),) = tally.counts().items()
    assert kind == (UNREADABLE, "", "")
    assert messages == 1


def test_what_was_gained_is_the_difference_and_no_row_of_nothing() -> None:
    before = {("tf", "NSE", "1"): (100, 1), ("ok", "", ""): (12, 1)}
    after = {("tf", "NSE", "1"): (300, 3), ("ok", "", ""): (12, 1), ("om", "", ""): (50, 1)}
    assert gained(after, before) == [
        MessageCount("om", "", "", 50, 1),
        MessageCount("tf", "NSE", "1", 200, 2),
    ]


class _Network:
    """Remembers who listens."""

    def __init__(self) -> None:
        self.listeners: dict[str, OnRead] = {}

    async def open_websocket(self, url: str, on_read: OnRead, *, open_timeout_s: float = 10.0) -> Any:
        self.listeners[url] = on_read

    async def request(self, method: str, url: str, **options: Any) -> Any:
        return (method, url, options)

    async def aclose(self) -> None:
        pass


def test_sockets_are_counted_by_broker_and_reads_are_handed_on_whole() -> None:
    network = _Network()
    transport = TallyingTransport(network, {"ws://one": "broker1", "ws://two": "broker2"})
    seen: list[tuple[Sequence[bytes], int]] = []

    async def open_both() -> None:
        for url in ("ws://one", "ws://two"):
            await transport.open_websocket(url, lambda messages, size: seen.append((messages, size)))
        with pytest.raises(ConnectionFailedError, match="found ws://three"):
            await transport.open_websocket("ws://three", lambda messages, size: None)

    asyncio.run(open_both())
    network.listeners["ws://two"]([TICK, ORDER], 500)
    assert seen == [([TICK, ORDER], 500)]
    assert transport.tallies["broker1"].counts() == {}
    assert sum(messages for _, messages in transport.tallies["broker2"].counts().values()) == 2
