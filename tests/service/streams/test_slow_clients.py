"""Clients that read slowly or not at all: others lose nothing, memory stays, and each loss is counted."""

from __future__ import annotations

import asyncio
import json
import socket
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

import dualbroker
from dualbroker.model import QuoteBatch
from dualbroker.noren.quotes import TouchlineDelta
from dualbroker.service.streams import client as stream_client
from dualbroker.service.streams.hub import hub_of
from tests.polling import wait_until
from tests.service.busy import RATE, RunningService
from tests.service.streams.stream_socket import StreamSocket
from tests.service.streams.test_stream import play
from tests.service.world import Served
from tests.simulated import World, eventually


@contextmanager
def who_stops_reading(port: int, first: dict[str, Any]) -> Iterator[None]:
    """A client that chooses streams and takes nothing any more."""
    with socket.create_connection(("127.0.0.1", port)) as raw:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        raw.sendall(
            f"GET /ws HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        assert raw.recv(12) == b"HTTP/1.1 101"
        text = json.dumps(first).encode()
        raw.sendall(bytes([0x81, 0x80 | len(text), 0, 0, 0, 0]) + text)  # a mask of zeros
        yield


@pytest.fixture
def running(monkeypatch: pytest.MonkeyPatch) -> Iterator[RunningService]:
    monkeypatch.setattr(stream_client, "STALLED_S", 3.0)
    service = RunningService()
    yield service
    service.stop()


@pytest.mark.slow
def test_a_client_that_stops_reading_harms_nobody(running: RunningService) -> None:
    with (
        dualbroker.connect(running.address) as feed,
        who_stops_reading(running.port, {"streams": {"ticks": {}}}),
    ):
        wait_until(lambda: len(running.registry.attached()) == 2)
        tracemalloc.start()
        before, _ = tracemalloc.get_traced_memory()
        begun = running.manager.quotes.total_rows
        wait_until(lambda: feed.manager.quotes.total_rows > begun + 2.5 * RATE)
        after, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        wait_until(lambda: running.registry.closes.total() == 1)
        [gone] = running.registry.gone
        assert gone.closed_because == "it has read nothing for 3 s"
        wait_until(lambda: len(running.registry.attached()) == 1)
        total = running.manager.quotes.total_rows
        wait_until(lambda: feed.manager.quotes.total_rows >= total)
        assert feed.manager.quotes.first_row == 0
        [own] = running.registry.attached()
        assert own.dropped_ticks == 0
    assert total > 2 * RATE
    # Blocks of both stores, 9 MB each, and nothing that grows with what the silent one did not take.
    assert after - before < 40_000_000


def test_ticks_that_a_slow_client_can_not_take_are_skipped_counted_and_can_be_read_again() -> None:
    async def story(service: Served, world: World) -> None:
        slow = StreamSocket(service, takes=2)
        await slow.say({"streams": {"ticks": {"most_behind": 1000}}})
        await slow.until("hello")
        manager = service.manager
        first = manager.quotes.total_rows
        exchange, token = manager.quotes.instruments[0].key
        source = manager.quotes.source(0)
        assert source is not None
        for number in range(3000):
            update = TouchlineDelta(exchange=exchange, token=token, ltp=100.0 + number)
            manager.quotes.apply(
                QuoteBatch(broker_name=source, receive_time_ns=manager.clock.now_ns(), updates=[update])
            )
            if number % 100 == 0:
                await asyncio.sleep(0.1)
        skipped = await slow.until("skipped")
        assert skipped[1] - skipped[0] > 1000
        assert skipped[0] >= first
        [record] = hub_of(service.app.state).registry.attached()
        assert record.dropped_ticks == skipped[1] - skipped[0]
        await slow.say({"id": 1, "call": "ticks", "arguments": {"first": skipped[0], "count": 50}})
        again = (await slow.until("answer"))["result"]
        assert again["first"] == skipped[0]
        assert len(again["rows"]) == 50
        await slow.leave()

    play(story, subscribe=["NIFTY"])


def test_a_client_whose_orders_pile_up_is_closed_with_a_reason_and_can_come_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(stream_client, "MOST_ORDERS_WAITING", 20)
    monkeypatch.setattr(stream_client, "STALLED_S", 1e9)

    async def story(service: Served, world: World) -> None:
        registry, name = hub_of(service.app.state).registry, "cd" * 16
        slow = StreamSocket(service, takes=3)
        await slow.say({"streams": {"orders": {"after": 0}}, "client": name})
        hello = await slow.until("hello")
        await slow.until("orders")
        await eventually(lambda: registry.closes.total() == 1, 120)
        await eventually(lambda: slow.aborted, 5)
        [gone] = registry.gone
        assert gone.closed_because == "more than 20 order updates wait for it"
        again = StreamSocket(service)
        wish = {"orders": {"after": 1, "identity": hello["identity"]}}
        await again.say({"streams": wish, "client": name})
        assert (await again.until("hello"))["last_close"] == gone.closed_because
        assert (await again.until("orders"))[0]["sequence"] == 2
        await again.leave()

    play(story, orders_per_minute=600)
