"""Other sites' pages, open in the same browser, get nothing."""

from __future__ import annotations

import asyncio
import itertools
import re
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from starlette.types import Message, Receive, Scope, Send

from dualbroker.service.guard.guard import LOOPBACK_NAMES, Guard
from tests.service.world import served
from tests.simulated import World, run_world


def guarded(hosts: tuple[str, ...] | None = ("127.0.0.1", "localhost", "::1")) -> FastAPI:
    app = FastAPI()
    app.add_middleware(Guard, hosts=hosts)

    @app.get("/")
    async def answer() -> str:
        return "hello"

    return app


def ask(app: FastAPI, host: str) -> httpx.Response:
    async def get() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x") as client:
            return await client.get("/", headers={"host": host})

    return asyncio.run(get())


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.0.0.1:8000",
        "localhost:8000",
        "LOCALHOST",
        "[::1]:8000",
        "127.0.0.2:8000",
        "127.9.8.7",
    ],
)
def test_our_own_names_are_answered(host: str) -> None:
    answer = ask(guarded(), host)
    assert answer.status_code == 200
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "127.0.0.1.evil.example",
        "evil.example:8000",
        "",
        "[",
        "localhost.evil:80",
        "evil.example@127.0.0.1",
        "127.0.0.1/evil.example",
        "127.0.0.1, evil.example",
        "127.0.0.1:8000#",
        "xn--localhost",
        "127.0.0.1.",
        "128.0.0.1",
    ],
)
def test_a_strangers_name_is_refused(host: str) -> None:
    answer = ask(guarded(), host)
    assert answer.status_code == 403
    assert answer.json()["error"]["type"] == "Forbidden"
    assert "expected a host name of this service" in answer.text


def test_a_name_that_was_allowed_is_answered_and_a_refusal_names_the_option() -> None:
    assert ask(guarded(("127.0.0.1", "desk.example")), "Desk.Example:8000").status_code == 200
    refused = ask(guarded(), "desk.example:8000")
    assert refused.status_code == 403
    assert "--allow-host desk.example (or server.allowed_hosts" in refused.json()["error"]["message"]


def test_a_page_of_another_loopback_address_is_another_site() -> None:
    assert ask_as("POST", origin="http://127.0.0.1:8000")
    assert not ask_as("POST", origin="http://127.0.0.2:8000")


def test_two_host_names_are_none() -> None:
    scope = {"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": []}
    scope["headers"] = [(b"host", b"127.0.0.1"), (b"host", b"evil.example")]
    assert reaches(scope) is False


def ask_as(method: str, **headers: str) -> bool:
    """Whether a request with these headers gets through."""
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    raw = [(b"host", b"127.0.0.1:8000"), *raw]
    return reaches({"type": "http", "method": method, "path": "/api/subscriptions", "headers": raw})


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_what_other_sites_pages_send_is_refused(method: str) -> None:
    assert ask_as(method), "a program"
    assert ask_as(method, origin="http://127.0.0.1:8000", sec_fetch_site="same-origin")
    assert not ask_as(method, origin="https://evil.example")
    assert not ask_as(method, origin="null")
    assert not ask_as(method, origin="http://127.0.0.1.evil.example")
    assert not ask_as(method, origin="file://127.0.0.1")
    assert not ask_as(method, sec_fetch_site="cross-site", sec_fetch_mode="no-cors", sec_fetch_dest="image")
    assert not ask_as(method, origin="http://localhost:3000", sec_fetch_site="same-site"), "another port"


def test_a_tunnel_with_another_port_works() -> None:
    assert ask_as("POST", origin="http://127.0.0.1:9000", sec_fetch_site="same-origin")
    headers = [(b"host", b"localhost:9000"), (b"origin", b"http://localhost:9000")]
    assert reaches({"type": "websocket", "path": "/ws", "headers": headers})


def test_a_link_that_a_person_follows_opens_the_page_and_does_nothing_else() -> None:
    link = {"sec_fetch_site": "cross-site", "sec_fetch_mode": "navigate", "sec_fetch_dest": "document"}
    assert ask_as("GET", **link)
    assert not ask_as("POST", **link)
    assert not ask_as("GET", **(link | {"sec_fetch_dest": "iframe"}))


def test_opened_to_the_network_only_the_very_host_may_be_the_origin() -> None:
    headers = [(b"host", b"trading-box.lan:8000"), (b"origin", b"http://trading-box.lan:8000")]
    assert reaches({"type": "websocket", "path": "/ws", "headers": headers}, hosts=None)
    headers = [(b"host", b"trading-box.lan:8000"), (b"origin", b"http://127.0.0.1:8000")]
    assert not reaches({"type": "websocket", "path": "/ws", "headers": headers}, hosts=None)


def test_a_service_opened_to_the_network_takes_any_name() -> None:
    assert ask(guarded(None), "trading-box.lan").status_code == 200


@pytest.mark.parametrize(
    ("origin", "taken"),
    [
        (None, True),
        (b"http://127.0.0.1:8000", True),
        (b"https://evil.example", False),
        (b"http://127.0.0.1:9000", True),
        (b"http://[::1", False),
        (b"null", False),
    ],
)
def test_a_websocket_is_for_our_own_page_only(origin: bytes | None, taken: bool) -> None:
    headers = [(b"host", b"127.0.0.1:8000"), *([(b"origin", origin)] if origin else [])]
    assert reaches({"type": "websocket", "path": "/ws", "headers": headers}) is taken


def reaches(scope: dict[str, Any], hosts: tuple[str, ...] | None = LOOPBACK_NAMES) -> bool:
    reached = False

    async def inner(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal reached
        reached = True

    async def nothing() -> Message:
        return {"type": "websocket.connect"}

    async def ignore(message: Message) -> None:
        pass

    scope = {"extensions": {"websocket.http.response": {}}, **scope}
    asyncio.run(Guard(inner, hosts)(scope, nothing, ignore))
    return reached


def test_every_route_is_guarded_and_no_other_sites_page_sets_anything() -> None:
    strangers = (
        {"host": "evil.example"},
        {"origin": "https://evil.example"},
        {"sec-fetch-site": "cross-site"},
    )

    async def story(world: World) -> None:
        async with served(world) as service:
            await service.wait_until_it_works()
            document = await service.get("/openapi.json")
            asked = set()
            for path, methods in document["paths"].items():
                filled = re.sub(r"{\w+}", "NSE", path)
                for method, headers in itertools.product(methods, strangers):
                    answer = await service.client.request(method, filled, headers=headers)
                    assert answer.status_code == 403, (method, path, headers)
                    asked.add(path)
            assert asked > {
                "/api/brokers/quote-source",
                "/api/brokers/reconnect",
                "/api/gaps",
                "/api/order-events",
                "/api/subscriptions/orders",
                "/api/traffic",
            }
            assert service.manager.preferred is None
            assert service.manager.incidents.incidents_snapshot() == []

    run_world(story)
