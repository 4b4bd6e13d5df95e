"""Nothing that the service emits holds what is private, whatever the brokers say; everything is searched."""

from __future__ import annotations

import asyncio
import io
import json
import logging
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
import pandas as pd
import pytest

from dualbroker.config.broker import mask
from dualbroker.simulator.drivers.memory import MemoryResponse
from dualbroker.simulator.trading.orders import OrderTerms
from dualbroker.simulator.trading.trading import TradingAccount
from dualbroker.stores.health import BrokerState
from tests.sections import noren
from tests.service.streams.stream_socket import StreamSocket
from tests.service.world import Served, served
from tests.simulated import WatchedTransport, World, eventually, run_world

TOKEN = "token-of-the-service-3f9c2b7a10de"
PAN = "ABCPE1234F"
SHARE = "NSE:RELIANCE-EQ"
STREAMS = ("latest", "ticks", "orders", "brokers", "bandwidth", "incidents", "desk", "subscriptions", "view")


def private_words(world: World) -> list[str]:
    words = [TOKEN, PAN]
    for section in map(noren, world.config.enabled_brokers):
        for value in (section.password, section.totp_secret, section.api_key):
            assert value is not None
            words.append(value.get_secret_value())
        assert section.user_id is not None
        assert section.vendor_code is not None
        words += [section.user_id, section.vendor_code]
    for broker in world.simulation.brokers:
        words += [session.token for session in broker.sessions if getattr(session, "token", None)]
    return words


def let_brokers_tell(monkeypatch: pytest.MonkeyPatch, world: World) -> None:
    """Every order repeats its account, and the second broker refuses a login with all that it knows."""
    place, request = TradingAccount.place, WatchedTransport.request

    def telling_place(self: TradingAccount, terms: OrderTerms) -> Any:
        account = self.account
        words = f"for C-{account.uid} {account.api_key} {account.password} {PAN}"
        return place(self, msgspec.structs.replace(terms, remarks=words))

    async def telling_request(self: WatchedTransport, method: str, url: str, **more: Any) -> MemoryResponse:
        if url.endswith("/QuickAuth") and "//broker2." in url:
            section = noren(world.config.brokers["broker2"])
            assert section.password is not None
            said = f"Wrong Password {section.password.get_secret_value()} of {section.user_id}, PAN {PAN}"
            body: Mapping[str, str] = {"stat": "Not_Ok", "emsg": f"Invalid Input : {said}"}
            return MemoryResponse(200, json.dumps(body).encode())
        return await request(self, method, url, **more)

    monkeypatch.setattr(TradingAccount, "place", telling_place)
    monkeypatch.setattr(WatchedTransport, "request", telling_request)


async def everything(service: Served) -> dict[str, str]:
    """All answers and messages, by whence they are."""
    bearer = {"authorization": f"Bearer {TOKEN}"}
    client = service.client
    emitted: dict[str, str] = {}

    async def take(path: str, **request: Any) -> None:
        answer = await client.request(request.pop("method", "GET"), path, **request)
        text = answer.text
        if answer.headers["content-type"] == "application/vnd.apache.parquet":
            table = pd.read_parquet(io.BytesIO(answer.content))
            text = f"{table.to_csv()} {table.attrs}"
        emitted[f"{answer.status_code} {path} {request.get('headers', {}).get('accept', '')}"] = (
            f"{text} {dict(answer.headers)}"
        )

    for path in ("/", "/api/quotes", f"/?token={TOKEN}x"):
        await take(path, headers={"accept": "text/html"})
    client.headers.update(bearer)
    state = next(iter(service.manager.orders.states.values()))
    values = {
        "exchange": "NSE",
        "symbol": "RELIANCE-EQ",
        "broker": state.broker_name,
        "order_id": state.order_id,
        "name": "broker2",
        "underlying": "NIFTY",
    }
    document = (await client.get("/openapi.json")).json()
    for path, operations in document["paths"].items():
        if "get" not in operations:
            continue
        filled = path.format(**values)
        filled += "?search=nifty" if path == "/api/instruments" else ""
        for accept in ("application/json", "text/csv", "application/vnd.apache.parquet"):
            await take(filled, headers={"accept": accept})
    for path in ("/", "/docs", "/openapi.json", "/static/page.js", "/static/view/dashboard.js", "/nothing"):
        await take(path)
    await take("/api/subscriptions", method="POST", json={"symbols": [SHARE]})
    await take("/api/subscriptions", method="POST", json={"symbols": ["no such"]})
    await take("/api/orders?broker=nobody")
    for name in STREAMS:
        options = {"after": 0} if name in ("ticks", "orders", "bandwidth", "incidents", "desk") else {}
        socket = StreamSocket(service, headers=[(b"authorization", bearer["authorization"].encode())])
        await socket.say({"streams": {name: options}})
        messages = [await socket.next() for _ in range(3)]
        await socket.say({"id": 1, "call": "reconnect", "arguments": {"name": "nobody"}})
        messages.append({"answer": await socket.until("answer")})
        emitted[f"/ws {name}"] = json.dumps(messages)
        assert name in emitted[f"/ws {name}"]
        await socket.leave()
    return emitted


def test_nothing_private_is_in_anything_that_is_emitted(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    async def at_once(function: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        return function(*arguments)

    # While a thread works, virtual time would run away.
    monkeypatch.setattr("anyio.to_thread.run_sync", at_once)
    caplog.set_level(logging.DEBUG, "dualbroker")
    caplog.set_level(logging.INFO, "uvicorn")

    async def story(world: World) -> None:
        let_brokers_tell(monkeypatch, world)
        async with served(world, token=TOKEN) as service:
            manager = service.manager
            await eventually(lambda: manager.health.keys() >= {"broker1", "broker2"})
            await eventually(lambda: manager.health["broker2"].state is BrokerState.PARKED)
            await eventually(lambda: len(manager.orders.states) > 3 and manager.quotes.tick_count > 0)
            await asyncio.sleep(6)  # a reconcile: the books tell it, too
            emitted = await everything(service)
            printed = capsys.readouterr()
            emitted |= {"log": caplog.text, "output": printed.out + printed.err, "repr": repr(world.config)}
            assert len(emitted) > 60
            words = private_words(world)
            for whence, text in emitted.items():
                for word in words:
                    assert word.lower() not in text.lower(), (whence, word)
            account = mask(str(world.config.brokers["broker1"].user_id))
            for whence in ("/api/orders", "/api/brokers/details"):
                assert any(account in text for name, text in emitted.items() if whence in name), whence
            assert "[removed]" in emitted["log"], "broker2 told it"

    run_world(story, subscribe=[SHARE], orders={"reconcile_every": 5})
