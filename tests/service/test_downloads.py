"""HEAD, byte ranges and conditional requests, of an application that knows GET only."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st
from starlette.responses import Response, StreamingResponse

from dualbroker.service import downloads
from dualbroker.service.downloads import Downloads
from tests.service.asking import client_of_app

CONTENT = bytes(range(200))


class Desk:
    """Serves a file that is another one at each request, as a live table is, and a plain answer."""

    def __init__(self) -> None:
        self.made = 0
        self.now_s = 0.0
        self.app = FastAPI()
        self.app.add_middleware(Downloads, now_s=lambda: self.now_s)

        @self.app.get("/file")
        async def file() -> Response:
            self.made += 1
            return Response(bytes([self.made]) + CONTENT, headers=ATTACHMENT)

        @self.app.get("/pieces")
        async def pieces() -> Response:
            return StreamingResponse(iter([CONTENT[:50], CONTENT[50:]]), headers=ATTACHMENT)

        @self.app.get("/plain")
        async def plain() -> dict[str, int]:
            return {"a": 1}

        @self.app.post("/plain")
        async def change() -> None:
            raise AssertionError("nobody asked for a change")

    def ask(self, method: str, path: str, **headers: str) -> httpx.Response:
        async def ask() -> httpx.Response:
            async with client_of_app(self.app) as client:
                sent = {name.replace("_", "-"): value for name, value in headers.items()}
                return await client.request(method, path, headers=sent)

        return asyncio.run(ask())


ATTACHMENT = {"content-disposition": 'attachment; filename="a.parquet"'}


@pytest.mark.parametrize("path", ["/file", "/pieces", "/plain", "/missing"])
def test_head_answers_as_get_does_without_a_body(path: str) -> None:
    head, get = Desk().ask("HEAD", path), Desk().ask("GET", path)
    assert head.status_code == get.status_code
    assert head.content == b""
    for name in ("content-type", "content-disposition", "accept-ranges"):
        assert head.headers.get(name) == get.headers.get(name)
    if path != "/pieces":
        assert head.headers["content-length"] == get.headers["content-length"]


def test_a_size_and_the_pieces_are_of_one_file_though_the_table_goes_on() -> None:
    desk = Desk()
    size = int(desk.ask("HEAD", "/file").headers["content-length"])
    desk.ask("GET", "/file")
    pieces = [desk.ask("GET", "/file", range=f"bytes={at}-{at + 49}") for at in range(0, size, 50)]
    assert {piece.status_code for piece in pieces} == {206}
    assert pieces[0].headers["content-range"] == f"bytes 0-49/{size}"
    assert b"".join(piece.content for piece in pieces) == bytes([1]) + CONTENT
    desk.now_s += downloads.KEPT_S + 1
    assert desk.ask("GET", "/file", range="bytes=0-0").content == bytes([3]), (
        "nobody reads the old one any more"
    )


def test_a_plain_get_is_always_of_now() -> None:
    desk = Desk()
    contents = [desk.ask("GET", "/file").content[0] for _ in range(3)]
    assert contents == [1, 2, 3]


def test_what_has_not_changed_is_not_sent_again() -> None:
    desk, path = Desk(), "/pieces"
    etag = desk.ask("HEAD", path).headers["etag"]
    for names in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        answer = desk.ask("GET", path, if_none_match=names)
        assert (answer.status_code, answer.content) == (304, b"")
    assert desk.ask("GET", path, if_none_match='"other"').status_code == 200
    assert desk.ask("GET", path, range="bytes=0-9", if_range='"other"').status_code == 200
    assert desk.ask("GET", path, range="bytes=0-9", if_range=etag).status_code == 206
    changing = desk.ask("HEAD", "/file").headers["etag"]
    assert desk.ask("GET", "/file", if_none_match=changing).status_code == 200


def test_a_change_is_never_asked_by_head() -> None:
    assert Desk().ask("HEAD", "/plain").status_code == 200


def test_kept_files_have_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloads, "MOST_BYTES", 10)
    desk = Desk()
    for made in (1, 2):
        assert desk.ask("GET", "/file", range="bytes=0-0").content == bytes([made])


@given(
    first=st.none() | st.integers(0, 300),
    last=st.none() | st.integers(0, 300),
)
def test_a_range_is_what_python_would_cut(first: int | None, last: int | None) -> None:
    written = f"bytes={'' if first is None else first}-{'' if last is None else last}"
    answer = Desk().ask("GET", "/pieces", range=written)
    if (first is None and last is None) or (first is not None and last is not None and last < first):
        expected = (200, CONTENT)
    else:
        cut: Callable[[], Any] = lambda: CONTENT[first : None if last is None else last + 1]  # noqa: E731
        content = CONTENT[max(0, 200 - (last or 0)) :] if first is None else cut()
        expected = (206, content) if content else (416, b"")
    assert (answer.status_code, answer.content) == expected


@pytest.mark.parametrize(
    "written", ["", "bytes", "bytes=", "bytes=a-b", "items=0-1", "bytes=0-1,5-6", "bytes=0-" + "9" * 30]
)
def test_what_is_no_single_range_brings_the_whole_file(written: str) -> None:
    answer = Desk().ask("GET", "/pieces", range=written)
    assert (answer.status_code, answer.content) == (200, CONTENT)
