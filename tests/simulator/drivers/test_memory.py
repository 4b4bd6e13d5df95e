"""The in-memory transport, in virtual time."""

from __future__ import annotations

import asyncio
import io
import json
import zipfile
from collections.abc import Sequence
from typing import Any, cast

import pyotp
import pytest

from dualbroker.chaos.virtual_time import run_in_virtual_time
from dualbroker.errors import ConnectionFailedError
from dualbroker.model import FeedType
from dualbroker.noren import frames
from dualbroker.noren.requests import encode_body, quick_auth
from dualbroker.simulator.drivers.memory import MASTERS_BASE, MemoryTransport
from dualbroker.simulator.simulation import Simulation
from dualbroker.transport.base import Transport

from ..broker_client import connect, log_in
from ..still_market import START_NS, StillMarket
from ..trading.test_actor import make


class Reader:
    """What a connection was handed."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self.reads = 0
        self.bytes = 0

    def __call__(self, messages: Sequence[bytes], wire_bytes: int) -> None:
        self.messages += [json.loads(message) for message in messages]
        self.reads += 1
        self.bytes += wire_bytes

    def kinds(self) -> list[str]:
        return [message["t"] for message in self.messages]


def hello(simulation: Simulation, token: str) -> str:
    uid = simulation.brokers[0].accounts[0].uid
    return frames.hello("a", user_id=uid, account_id=uid, token=token)


def test_has_the_shape_of_a_transport() -> None:
    transport = cast(Transport, MemoryTransport(Simulation(StillMarket(), ["broker1"])))
    for name in ("open_websocket", "request", "aclose"):
        assert callable(getattr(transport, name))


@pytest.mark.slow
def test_login_by_the_market_s_clock_and_stream() -> None:
    async def scenario() -> Reader:
        simulation = make(orders_per_minute=30)
        transport = MemoryTransport(simulation)
        rest_base, websocket_url = transport.addresses("broker1")
        account = simulation.brokers[0].accounts[0]
        fields = quick_auth(
            user_id=account.uid,
            password=account.password,
            second_factor=pyotp.TOTP(account.totp_secret).at(START_NS // 1_000_000_000),
            vendor_code=account.vendor_code,
            api_key=account.api_key,
        )
        answer = await transport.request("POST", rest_base + "QuickAuth", body=encode_body(fields))
        token = json.loads(answer.body)["susertoken"]
        reader = Reader()
        websocket = await transport.open_websocket(websocket_url, reader)
        websocket.send(hello(simulation, token))
        websocket.send(frames.subscribe([("NSE", "26000")], FeedType.TOUCHLINE))
        websocket.send(frames.subscribe_orders(account.uid))
        await asyncio.sleep(120)
        await websocket.close()
        assert (await websocket.wait_closed()).clean
        assert simulation.running_ns == pytest.approx(120e9, rel=0.01)
        await transport.aclose()
        return reader

    reader = run_in_virtual_time(scenario())
    assert reader.kinds()[:3] == ["ak", "tk", "ok"]
    assert {"tf", "om"} <= set(reader.kinds())
    assert reader.bytes > sum(len(json.dumps(m, separators=(",", ":"))) for m in reader.messages)
    repeated = run_in_virtual_time(scenario())
    assert repeated.messages == reader.messages
    assert repeated.reads == reader.reads


def test_what_is_sent_counts_its_frame() -> None:
    async def scenario() -> None:
        simulation = Simulation(StillMarket(), ["broker1"])
        transport = MemoryTransport(simulation)
        websocket = await transport.open_websocket(transport.addresses("broker1")[1], Reader())
        assert websocket.send("x" * 100) == 106
        assert websocket.send("é" * 100) == 208
        await transport.aclose()
        assert websocket.send("x") == 0

    run_in_virtual_time(scenario())


def test_second_connection_evicts_the_first() -> None:
    async def scenario() -> None:
        simulation = Simulation(StillMarket(), ["broker1"])
        transport = MemoryTransport(simulation)
        token = log_in(simulation.brokers[0])
        url = transport.addresses("broker1")[1]
        first = await transport.open_websocket(url, Reader())
        first.send(hello(simulation, token))
        await asyncio.sleep(1)
        second = await transport.open_websocket(url, Reader())
        second.send(hello(simulation, token))
        async with asyncio.timeout(0.3):
            reason = await first.wait_closed()
        assert (reason.code, reason.reason) == (1000, "goodbye")
        assert not second.is_closed
        await transport.aclose()

    run_in_virtual_time(scenario())


def test_several_transports_share_one_time() -> None:
    async def scenario() -> None:
        simulation = make()
        transports = [MemoryTransport(simulation) for _ in range(2)]
        for transport in transports:
            await transport.open_websocket(transport.addresses("broker1")[1], Reader())
        await asyncio.sleep(10)
        assert simulation.running_ns == pytest.approx(10e9, rel=0.02)
        for transport in transports:
            await transport.aclose()

    run_in_virtual_time(scenario())


def test_masters_and_addresses_of_nobody() -> None:
    async def scenario() -> None:
        transport = MemoryTransport(make())
        answer = await transport.request("GET", f"{MASTERS_BASE}/NFO_symbols.txt.zip")
        assert zipfile.ZipFile(io.BytesIO(answer.body)).namelist() == ["NFO_symbols.txt"]
        with pytest.raises(ConnectionFailedError):
            await transport.request("POST", "http://elsewhere.example/QuickAuth")
        with pytest.raises(ConnectionFailedError):
            await transport.open_websocket("ws://elsewhere.example/", Reader())
        await transport.aclose()

    run_in_virtual_time(scenario())


def test_sessions_outside_the_transport_are_left_alone() -> None:
    async def scenario() -> None:
        simulation = Simulation(StillMarket(), ["broker1"])
        broker = simulation.brokers[0]
        session = connect(broker, log_in(broker))
        session.receive(frames.heartbeat())
        transport = MemoryTransport(simulation)
        await transport.open_websocket(transport.addresses("broker1")[1], Reader())
        await asyncio.sleep(1)
        assert len(session.take()) == 1
        await transport.aclose()

    run_in_virtual_time(scenario())
