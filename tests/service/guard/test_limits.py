"""Sizes and rates are bounded, and a slow client is dropped."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator

import pytest
import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from dualbroker.service.connections import ImpatientProtocol
from dualbroker.service.guard.headers import SafeAnswers
from dualbroker.service.guard.limits import Limits, RateLimit, RequestLimits, client_of
from tests.service.asking import client_of_app, hello

JSON = {"content-type": "application/json"}


def test_bodies_and_addresses_have_a_bound() -> None:
    async def story() -> None:
        async with client_of_app(RequestLimits(hello, Limits(body_bytes=100, target_bytes=50))) as client:
            assert (await client.post("/x", content=b"1" * 100, headers=JSON)).text == "hello " + "1" * 100
            assert (await client.post("/x", content=b"1" * 101, headers=JSON)).status_code == 413

            async def pieces() -> AsyncIterator[bytes]:
                for _ in range(11):
                    yield b"1" * 10

            assert (await client.post("/x", content=pieces(), headers=JSON)).status_code == 413
            for length in ("1e2", "-1", "9" * 5000, "\u0663"):
                raw = [(b"content-type", b"application/json"), (b"content-length", length.encode())]
                assert (await client.post("/x", content=b"", headers=raw)).status_code == 413
            assert (await client.get("/x?" + "y" * 60)).status_code == 414
            assert (await client.get("/x" + "y" * 60)).json()["error"]["type"] == "RequestTooLarge"

    asyncio.run(story())


@pytest.mark.parametrize(
    "kind", ["text/plain", "", "application/x-www-form-urlencoded", "multipart/form-data"]
)
def test_a_body_that_any_sites_form_could_send_is_refused(kind: str) -> None:
    async def story() -> None:
        async with client_of_app(RequestLimits(hello, Limits())) as client:
            answer = await client.post("/x", content=b"{}", headers={"content-type": kind})
            assert answer.status_code == 415
            typed = {"content-type": "Application/JSON; charset=utf-8"}
            assert (await client.post("/x", content=b"{}", headers=typed)).status_code == 200

    asyncio.run(story())


def test_a_burst_is_taken_and_then_each_client_waits_for_itself() -> None:
    now_s = 0.0
    rate = RateLimit(10.0, 5.0, lambda: now_s)
    assert [rate.wait_s("a") for _ in range(5)] == [0.0] * 5
    assert rate.wait_s("a") == pytest.approx(0.1)
    assert rate.wait_s("b") == 0.0
    now_s = 0.1
    assert rate.wait_s("a") == 0.0
    assert rate.wait_s("a") > 0.0
    now_s = 1000.0
    assert [rate.wait_s("a") for _ in range(6)].count(0.0) == 5, "it does not save up"


def test_clients_that_are_remembered_have_a_bound() -> None:
    rate = RateLimit(1.0, 1.0)
    for number in range(2 * RateLimit.MOST_CLIENTS):
        rate.wait_s(str(number))
    assert len(rate._buckets) == RateLimit.MOST_CLIENTS


def test_too_many_requests_are_told_when_to_come_again() -> None:
    async def story() -> None:
        limited = RequestLimits(hello, Limits(requests_per_second=0.5, requests_at_once=2))
        async with client_of_app(limited) as client:
            answers = [await client.get("/x") for _ in range(3)]
            assert [answer.status_code for answer in answers] == [200, 200, 429]
            assert 1 <= int(answers[2].headers["retry-after"]) <= 3

    asyncio.run(story())


def test_requests_that_are_answered_at_once_have_a_bound() -> None:
    async def story() -> None:
        begun, done = asyncio.Event(), asyncio.Event()

        async def slow(scope: Scope, receive: Receive, send: Send) -> None:
            begun.set()
            await done.wait()
            await hello(scope, receive, send)

        async with client_of_app(RequestLimits(slow, Limits(answering=1))) as client:
            first = asyncio.create_task(client.get("/x"))
            await begun.wait()
            assert (await client.get("/x")).status_code == 429
            done.set()
            assert (await first).status_code == 200
            assert (await client.get("/x")).status_code == 200

    asyncio.run(story())


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("192.0.2.1", "192.0.2.2", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("2001:db8::1", "2001:db8::ffff:2", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("fe80::1%eth0", "fe80::2", True),
    ],
)
def test_whom_a_request_is_counted_for(one: str, other: str, same: bool) -> None:
    assert (client_of({"client": (one, 1)}) == client_of({"client": (other, 2)})) is same


def test_a_fault_is_an_answer_like_others_and_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def broken(scope: Scope, receive: Receive, send: Send) -> None:
        raise ZeroDivisionError("with something private")

    async def story() -> None:
        async with client_of_app(SafeAnswers(broken)) as client:
            answer = await client.get("/api/quotes")
            assert answer.status_code == 500
            assert answer.json()["error"]["type"] == "InternalError"
            assert "private" not in answer.text
            assert answer.headers["content-security-policy"].startswith("default-src 'none'")

    asyncio.run(story())
    assert "GET /api/quotes failed" in caplog.text


class Impatient(ImpatientProtocol):
    head_within_s = 0.3
    read_within_s = 0.3


@contextlib.asynccontextmanager
async def listening(app: ASGIApp) -> AsyncIterator[int]:
    config = uvicorn.Config(app, http=Impatient, lifespan="off", log_config=None, timeout_keep_alive=5)
    server = uvicorn.Server(config)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            yield listener.getsockname()[1]
        finally:
            server.should_exit = True
            await serving


async def until_closed(reader: asyncio.StreamReader) -> bytes:
    with contextlib.suppress(ConnectionError):
        return await asyncio.wait_for(reader.read(), 5)
    return b""


@pytest.mark.parametrize("sent", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nhost: 127.0.0.1\r\nx: "])
def test_a_head_that_does_not_arrive_ends_the_connection(sent: bytes) -> None:
    async def story() -> None:
        async with listening(hello) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(sent)
            assert await until_closed(reader) == b""
            writer.close()

    asyncio.run(story())


def test_a_body_that_does_not_arrive_ends_the_connection() -> None:
    async def story() -> None:
        async with listening(RequestLimits(hello, Limits(body_within_s=0.2))) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            head = (
                b"POST / HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n"
            )
            writer.write(head + b"{")
            assert b" 408 " in await until_closed(reader)
            writer.close()

    asyncio.run(story())


def test_who_takes_time_between_requests_or_to_answer_is_not_ended_early() -> None:
    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.sleep(2 * Impatient.head_within_s)
        await hello(scope, receive, send)

    async def story() -> None:
        async with listening(slow) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            for _ in range(2):
                writer.write(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
                head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
                assert b" 200 " in head
                assert b"hello " in await asyncio.wait_for(reader.readuntil(b"0\r\n\r\n"), 5)
                await asyncio.sleep(2 * Impatient.head_within_s)
            writer.close()

    asyncio.run(story())


def test_who_takes_nothing_of_its_answer_is_left() -> None:
    ended = asyncio.Event()

    async def endless(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        while not ended.is_set():
            await send({"type": "http.response.body", "body": b"x" * 65_536, "more_body": True})
            await asyncio.sleep(0)

    async def story() -> None:
        async with listening(endless) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
            writer.write(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
            await asyncio.sleep(4 * Impatient.read_within_s)
            with contextlib.suppress(ConnectionError):
                for _ in range(10_000):
                    if not await asyncio.wait_for(reader.read(1 << 20), 5):
                        break
                else:
                    pytest.fail("it was sent on and on")
            ended.set()
            writer.close()

    asyncio.run(story())
