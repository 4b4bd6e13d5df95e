"""The simulator on real loopback sockets, and its command."""

from __future__ import annotations

import asyncio
import io
import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, ConnectionClosedOK

from dualbroker.model import FeedType
from dualbroker.noren import frames
from dualbroker.noren.requests import encode_body, generate_access_token
from dualbroker.simulator.drivers import server as server_module
from dualbroker.simulator.drivers.server import SimulatorServer
from dualbroker.simulator.simulation import Simulation

from ..still_market import StillMarket
from ..trading.test_actor import make

Description = dict[str, Any]


async def post(url: str, fields: dict[str, str], token: str | None = None) -> Any:
    headers = {"Authorization": f"Bearer {token}"} if token else None
    async with httpx.AsyncClient() as client:
        return (await client.post(url, content=encode_body(fields), headers=headers)).json()


async def log_in(broker: Description) -> str:
    fields = generate_access_token(
        code=broker["oauth_code"], client_id=broker["client_id"], secret=broker["oauth_secret"]
    )
    return str((await post(f"{broker['rest_base']}/GenAcsTok", fields))["access_token"])


async def open_stream(broker: Description, token: str) -> ClientConnection:
    connection = await connect(broker["websocket_url"], compression=None, proxy=None)
    await connection.send(frames.hello("a", user_id=broker["uid"], account_id=broker["uid"], token=token))
    assert json.loads(await connection.recv())["s"] == "OK"
    return connection


async def until(condition: Callable[[], bool]) -> None:
    deadline = asyncio.get_running_loop().time() + 10
    while not condition():
        assert asyncio.get_running_loop().time() < deadline, "waited ten seconds in vain"
        await asyncio.sleep(0.01)


def test_each_broker_has_addresses_and_logins_of_its_own() -> None:
    async def scenario() -> None:
        async with SimulatorServer(make()) as server:
            description = server.description()
            first, second = description["brokers"]
            assert first["rest_base"] != second["rest_base"]
            assert first["websocket_url"] != second["websocket_url"]
            token = await log_in(first)
            fields = {"uid": first["uid"]}
            assert (await post(f"{first['rest_base']}UserDetails", fields, token))["stat"] == "Ok"
            refused = await post(f"{second['rest_base']}UserDetails", fields, token)
            assert refused["emsg"].startswith("Session Expired")

    asyncio.run(scenario())


def test_quotes_and_orders_stream() -> None:
    async def scenario() -> None:
        simulation = Simulation(make().market, ["broker1"], orders_per_minute=3000)
        async with SimulatorServer(simulation) as server:
            (broker,) = server.description()["brokers"]
            connection = await open_stream(broker, await log_in(broker))
            await connection.send(frames.subscribe([("NSE", "26000")], FeedType.TOUCHLINE))
            await connection.send(frames.subscribe_orders(broker["uid"]))
            seen: set[str] = set()
            async with asyncio.timeout(10):
                while not {"tk", "tf", "ok", "om"} <= seen:
                    seen.add(json.loads(await connection.recv())["t"])
            await connection.close()
            await until(lambda: not simulation.brokers[0].sessions)

    asyncio.run(scenario())


def test_a_live_market_s_clock_follows_the_wall_clock_however_late_it_starts() -> None:
    """Else a feed time (``ft``) would be late by what the start took, and so would every latency."""

    async def scenario() -> None:
        simulation = Simulation(StillMarket(), ["broker1"], hold=True)
        wall_ns = simulation.market.now_ns() + 4_000_000_000
        async with SimulatorServer(simulation, clock=lambda: wall_ns):
            assert simulation.market.now_ns() == wall_ns
            wall_ns += 3_000_000_000  # the machine was busy, or slept
            await until(lambda: simulation.market.now_ns() >= wall_ns)
            simulation.release()
            await until(lambda: simulation.running_ns > 0)
            wall_ns += 60_000_000_000
            await until(lambda: simulation.market.now_ns() >= wall_ns)
            assert simulation.brokers[0].time_s() == simulation.market.now_ns() // 1_000_000_000

    asyncio.run(scenario())


def test_second_connection_evicts_the_first() -> None:
    async def scenario() -> None:
        async with SimulatorServer(Simulation(StillMarket(), ["broker1"])) as server:
            (broker,) = server.description()["brokers"]
            token = await log_in(broker)
            first = await open_stream(broker, token)
            second = await open_stream(broker, token)
            with pytest.raises(ConnectionClosedOK) as closed:
                async with asyncio.timeout(10):
                    await first.recv()
            assert closed.value.rcvd is not None
            assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (1000, "goodbye")
            await second.send(frames.heartbeat())
            assert json.loads(await second.recv())["t"] == "hk"
            await second.close()

    asyncio.run(scenario())


def test_masters_and_steering() -> None:
    async def scenario() -> None:
        simulation = make(hold=True)
        async with SimulatorServer(simulation) as server, httpx.AsyncClient() as client:
            base = server.description()["masters_base"]
            master = await client.get(f"{base}/NSE_symbols.txt.zip")
            assert zipfile.ZipFile(io.BytesIO(master.content)).namelist() == ["NSE_symbols.txt"]
            assert (await client.get(f"{base}/XYZ_symbols.txt.zip")).status_code == 404
            assert (await client.get(f"{base}/elsewhere")).status_code == 404
            assert (await client.get(f"{base}/simulator/stop")).status_code == 405
            assert (await client.get(f"{base}/simulator/state")).json()["held"] is True
            assert (await client.post(f"{base}/simulator/release")).json()["held"] is False
            await until(lambda: simulation.ticks_produced > 0)
            await client.post(f"{base}/simulator/stop")
            first = (await client.get(f"{base}/simulator/truth")).json()
            assert set(first) == {"last_prices", "orders", "order_updates"}
            assert (await client.get(f"{base}/simulator/truth")).json() == first

    asyncio.run(scenario())


def test_get_on_a_broker_is_refused() -> None:
    async def scenario() -> None:
        async with SimulatorServer(Simulation(StillMarket(), ["b"])) as server, httpx.AsyncClient() as client:
            answer = await client.get(server.description()["brokers"][0]["rest_base"] + "OrderBook")
            assert answer.status_code == 405

    asyncio.run(scenario())


async def _ticks_past_a_reader_that_stopped(server: SimulatorServer) -> ClientConnection:
    """A connection that watches everything and reads nothing."""
    (broker,) = server.description()["brokers"]
    connection = await open_stream(broker, await log_in(broker))
    connection.transport.pause_reading()
    keys = [item.key for item in server.simulation.market.instruments]
    await connection.send(frames.subscribe(keys, FeedType.TOUCHLINE))
    return connection


async def _read_to_the_end(connection: ClientConnection) -> None:
    while True:
        await connection.recv()


@pytest.mark.slow
def test_reader_that_stops_reading_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "_MOST_UNSENT_BYTES", 100_000)

    async def scenario() -> None:
        simulation = Simulation(make(ticks_per_second=50_000).market, ["broker1"])
        async with SimulatorServer(simulation) as server:
            connection = await _ticks_past_a_reader_that_stopped(server)
            await until(lambda: not simulation.brokers[0].sessions)
            connection.transport.resume_reading()
            with pytest.raises(ConnectionClosed):
                await _read_to_the_end(connection)

    asyncio.run(scenario())


@pytest.mark.slow
def test_replay_waits_for_its_readers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "_REPLAY_WAITS_AT_BYTES", 100_000)

    async def scenario() -> None:
        simulation = Simulation(make(ticks_per_second=50_000).market, ["broker1"])
        async with SimulatorServer(simulation, waits_for_readers=True) as server:
            connection = await _ticks_past_a_reader_that_stopped(server)
            before = -1
            while simulation.ticks_produced != before:
                before = simulation.ticks_produced
                await asyncio.sleep(0.3)
            connection.transport.resume_reading()
            reading = asyncio.create_task(_read_to_the_end(connection))
            await until(lambda: simulation.ticks_produced > before)
            await connection.close()
            with pytest.raises(ConnectionClosed):
                await reading

    asyncio.run(scenario())


def _simulate(*arguments: str, **options: Any) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "dualbroker", "simulate", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        **options,
    )


def test_command_prints_one_line_and_ends_with_its_parent() -> None:
    with _simulate("--json", "--until-stdin-closes", "--brokers=3") as process:
        assert process.stdin is not None
        assert process.stdout is not None
        description = json.loads(process.stdout.readline())
        assert [broker["name"] for broker in description["brokers"]] == ["broker1", "broker2", "broker3"]
        assert set(description["brokers"][0]) == {
            "name",
            "rest_base",
            "websocket_url",
            "uid",
            "password",
            "totp_secret",
            "api_key",
            "vendor_code",
            "client_id",
            "oauth_secret",
            "oauth_code",
        }
        output, errors = process.communicate(timeout=15)
        assert (process.returncode, output, errors) == (0, b"", b"")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for a child alone")
def test_ctrl_c_ends_it_without_a_traceback() -> None:
    with _simulate(env=os.environ | {"COLUMNS": "120"}) as process:
        assert process.stdout is not None
        line = b""
        while b"Ctrl-C" not in line:
            line = process.stdout.readline()
            assert line, "ended early"
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=15)
        assert (process.returncode, errors) == (0, b"")


@pytest.mark.parametrize(
    "arguments", [["--market=replay"], ["--market=replay", "--file=nowhere.parquet"], ["--brokers=0"]]
)
def test_bad_options_are_one_line_and_status_2(arguments: list[str], tmp_path: Path) -> None:
    with _simulate(*arguments, cwd=tmp_path) as process:
        _, errors = process.communicate(timeout=30)
        assert process.returncode == 2
        assert b"Traceback" not in errors
        assert errors.strip()


def test_replay_reaches_its_end(shared_data: Path) -> None:
    recording = shared_data / "nifty-option-chain-2025-08-29.parquet"
    arguments = ["--json", "--until-stdin-closes", "--market=replay", f"--file={recording}", "--speed=10000"]
    with _simulate(*arguments, "--hold", "--brokers=1") as process:
        assert process.stdout is not None
        base = json.loads(process.stdout.readline())["masters_base"]
        httpx.post(f"{base}/simulator/release")

        deadline = time.monotonic() + 60
        while not (state := httpx.get(f"{base}/simulator/state").json())["finished"]:
            assert time.monotonic() < deadline, f"not finished: {state}"
            time.sleep(0.1)
        assert state["rows_sent"] == 291_235
        process.communicate(timeout=15)
