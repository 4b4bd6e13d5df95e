"""Where a token is demanded, nothing is served without it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from starlette.types import Message

from dualbroker.errors import ConfigError
from dualbroker.service.guard.access import Access, Sessions, chosen_token
from tests.service.asking import client_of_app, hello
from tests.service.world import served
from tests.simulated import World, run_world

TOKEN = "0123456789-the-right-token"
HTML = {"accept": "text/html,*/*"}


class Time:
    """Stands still until it is moved on."""

    def __init__(self) -> None:
        self.s = 1_000_000.0

    def now_s(self) -> float:
        return self.s


def run(story: Callable[[Access, Time], Awaitable[None]]) -> None:
    time = Time()
    asyncio.run(as_coroutine(story(Access(hello, TOKEN, now_s=time.now_s, monotonic_s=time.now_s), time)))


async def as_coroutine(story: Awaitable[None]) -> None:
    await story


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def test_programs_show_it_in_a_header_with_each_request() -> None:
    async def story(access: Access, time: Time) -> None:
        async with client_of_app(access) as client:
            refused = await client.get("/api/quotes")
            assert refused.status_code == 401
            assert refused.json()["error"]["type"] == "TokenNeeded"
            assert refused.headers["www-authenticate"].startswith("Bearer")
            assert (await client.get("/api/quotes", headers=bearer(TOKEN))).text.startswith("hello")
            for wrong in (
                "",
                "wrong",
                TOKEN[:-1],
                TOKEN + "x",
                TOKEN.upper(),
                "\u00e9".encode().decode("latin-1"),
            ):
                headers = [(b"authorization", f"Bearer {wrong}".encode("latin-1"))]
                assert (await client.get("/api/quotes", headers=headers)).status_code == 401
            assert (await client.get("/api/quotes", headers={"authorization": TOKEN})).status_code == 401
            assert (await client.get(f"/api/quotes?token={TOKEN}")).status_code == 401, "only the page's link"

    run(story)


@pytest.mark.parametrize("by_form", [False, True])
def test_a_browser_shows_it_once_and_then_has_a_cookie(by_form: bool) -> None:
    async def story(access: Access, time: Time) -> None:
        async with client_of_app(access) as client:
            form = await client.get("/", headers=HTML)
            assert form.status_code == 401
            assert '<form method="post" action="login">' in form.text
            assert (await client.get("/static/page.js")).status_code == 401
            if by_form:
                answer = await client.post("/login", data={"token": TOKEN})
            else:
                answer = await client.get("/", params={"token": TOKEN, "part": "orders"})
            assert answer.status_code == 303
            assert answer.headers["location"] == ("./" if by_form else "./?part=orders")
            cookie = answer.headers["set-cookie"]
            assert "HttpOnly" in cookie
            assert "SameSite=strict" in cookie
            assert TOKEN not in cookie
            assert (await client.get("/")).text.startswith("hello")
            assert (await client.get("/static/page.js")).text.startswith("hello")
            time.s += 8 * 86_400
            assert (await client.get("/")).status_code == 401, "good for a week"

    run(story)


def test_a_wrong_token_in_a_link_or_in_the_form_gets_no_cookie() -> None:
    async def story(access: Access, time: Time) -> None:
        async with client_of_app(access) as client:
            for answer in (
                await client.get("/?token=wrong", headers=HTML),
                await client.post("/login", data={"token": "wrong"}, headers=HTML),
                await client.post("/login", data={"other": TOKEN}, headers=HTML),
                await client.post("/login", content=b"%ff&&=&token", headers=HTML),
            ):
                assert answer.status_code == 401
                assert "That was not the token." in answer.text
                assert "set-cookie" not in answer.headers

    run(story)


def test_who_guesses_too_often_waits_even_with_the_right_one_and_nobody_else_does() -> None:
    async def story(access: Access, time: Time) -> None:
        async with client_of_app(access) as client, client_of_app(access, "192.0.2.7") as other:
            await client.get(f"/?token={TOKEN}")
            logged_in = {"cookie": "; ".join(f"{name}={value}" for name, value in client.cookies.items())}
            client.cookies.clear()
            statuses = [(await client.get("/", headers=bearer(f"no {i}"))).status_code for i in range(12)]
            assert statuses == [401] * 10 + [429] * 2
            limited = await client.get("/", headers=bearer(TOKEN))
            assert limited.status_code == 429
            assert 1 <= int(limited.headers["retry-after"]) <= 31
            assert (await client.get("/?token=x")).status_code == 429
            assert (await client.post("/login", data={"token": TOKEN})).status_code == 429
            assert (await client.get("/")).status_code == 401, "showing none is no attempt"
            assert (await client.get("/", headers=logged_in)).status_code == 200
            assert (await other.get("/", headers=bearer(TOKEN))).status_code == 200
            time.s += 31
            assert (await client.get("/", headers=bearer(TOKEN))).status_code == 200

    run(story)


@pytest.mark.parametrize(
    "value", ["", ".", "9999999999.ab.", "9999999999.ab.0000", "x", "9" * 5000, "\u00e9", "a=b; c"]
)
def test_a_made_up_cookie_is_none(value: str) -> None:
    assert Sessions(TOKEN).are_good(value) is False


def test_cookies_end_with_their_token() -> None:
    sessions, others = Sessions(TOKEN), Sessions(TOKEN + "x")
    assert sessions.are_good(sessions.new())
    assert not others.are_good(sessions.new())
    assert sessions.cookie_name != others.cookie_name
    ends, rest = sessions.new().split(".", 1)
    assert not sessions.are_good(f"{int(ends) + 1}.{rest}")


def test_a_websocket_needs_it_too() -> None:
    async def ask(headers: list[tuple[bytes, bytes]]) -> list[Message]:
        said: list[Message] = []

        async def receive() -> Message:
            return {"type": "websocket.connect"}

        async def send(message: Message) -> None:
            said.append(message)

        scope: dict[str, Any] = {"type": "websocket", "path": "/ws", "query_string": b"", "headers": headers}
        await Access(hello, TOKEN)(scope | {"extensions": {"websocket.http.response": {}}}, receive, send)
        return said

    (start, _) = asyncio.run(ask([]))
    assert (start["type"], start["status"]) == ("websocket.http.response.start", 401)
    assert asyncio.run(ask([(b"authorization", f"Bearer {TOKEN}".encode())]))[0]["status"] == 200
    sessions = Sessions(TOKEN)
    cookie = f"a=b; {sessions.cookie_name}={sessions.new()}".encode()
    assert asyncio.run(ask([(b"cookie", cookie)]))[0]["status"] == 200


def test_everything_of_the_service_is_behind_it() -> None:
    async def story(world: World) -> None:
        async with served(world, token=TOKEN) as service:
            document = service.app.openapi()
            assert document["components"]["securitySchemes"]
            paths = [
                *document["paths"],
                "/",
                "/docs",
                "/openapi.json",
                "/static/page.js",
                "/nothing",
                "/login",
            ]
            for path in paths:
                answer = await service.client.get(path)
                assert answer.status_code == 401, path
                assert answer.headers["x-frame-options"] == "DENY"
                assert TOKEN not in answer.text
            answer = await service.client.get("/openapi.json", headers=bearer(TOKEN))
            assert answer.status_code == 200

    run_world(story)


def test_a_token_that_keeps_nobody_out_is_refused() -> None:
    assert chosen_token({}) is None
    assert chosen_token({"DUALBROKER_TOKEN": TOKEN}) == TOKEN
    for bad in ("", "short", "x" * 600, "a token with spaces", "sixteen-and-\u00e9\u00e9\u00e9\u00e9\u00e9"):
        with pytest.raises(ConfigError, match="DUALBROKER_TOKEN: expected"):
            chosen_token({"DUALBROKER_TOKEN": bad})
