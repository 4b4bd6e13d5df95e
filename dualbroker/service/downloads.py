"""HEAD for everything that GET answers; byte ranges and conditional requests for the files.

Readers that open a file by its address (polars, DuckDB, ``pyarrow.dataset``) ask for its size with HEAD and
then for pieces of it. A live table would be another one at each request, so the pieces are cut out of the
file that the size was told of.
"""

from __future__ import annotations

import hashlib
import math
import re
import time
from collections import OrderedDict
from collections.abc import Callable

import msgspec
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["Downloads"]

KEPT_S = 30.0
"""How long the pieces of a file are of one moment, after the last of them."""
SHARED_S = 2.0
"""A file that is this new is also the next reader's, so that readers side by side get one file."""
MOST_BYTES = 64 * 2**20
"""Of all kept files; the oldest go first, and a larger file is not kept."""

_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII)


class _File(msgspec.Struct):
    """An answer that was kept, whole."""

    headers: list[tuple[bytes, bytes]]
    content: bytes
    etag: str
    made_s: float
    used_s: float


class Downloads:
    """Answers HEAD, ``Range``, ``If-Range`` and ``If-None-Match`` over an application that knows GET.

    A file is an answer with ``Content-Disposition: attachment``; all else only gets its HEAD. A range that
    can't be understood, or several at once, brings the whole file, as HTTP allows.

    Parameters
    ----------
    app
        What answers GET.
    now_s
        A monotonic clock.
    """

    def __init__(self, app: ASGIApp, now_s: Callable[[], float] = time.monotonic) -> None:
        self._app = app
        self._now_s = now_s
        self._kept: OrderedDict[bytes, _File] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD"):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        is_head = scope["method"] == "HEAD"
        if is_head:
            scope = {**scope, "method": "GET"}
        wants_piece = "range" in headers
        name = _name(scope, headers)
        made_within_s = math.inf if wants_piece else SHARED_S if is_head else -1.0
        file = self._file_of(name, made_within_s=made_within_s)
        if file is None:
            answer = _Answer(send, is_head, hold=is_head or wants_piece or "if-none-match" in headers)
            await self._app(scope, receive, answer.take)
            if answer.start is None:
                return
            now_s = self._now_s()
            content = bytes(answer.content)
            etag = f'"{hashlib.blake2b(content, digest_size=12).hexdigest()}"'
            file = _File(answer.start["headers"], content, etag, now_s, now_s)
            self._keep(name, file)
        await _send_file(file, headers, send, is_head=is_head)

    def _file_of(self, name: bytes, *, made_within_s: float) -> _File | None:
        now_s = self._now_s()
        for old in [key for key, file in self._kept.items() if now_s - file.used_s > KEPT_S]:
            del self._kept[old]
        file = self._kept.get(name)
        if file is None or now_s - file.made_s > made_within_s:
            return None
        file.used_s = now_s
        return file

    def _keep(self, name: bytes, file: _File) -> None:
        self._kept.pop(name, None)
        self._kept[name] = file
        while self._kept and sum(len(kept.content) for kept in self._kept.values()) > MOST_BYTES:
            self._kept.popitem(last=False)


class _Answer:
    """Takes what the application sends: sends it on, without a body for HEAD, or holds a file back."""

    def __init__(self, send: Send, is_head: bool, *, hold: bool) -> None:
        self._send = send
        self._is_head = is_head
        self._hold = hold
        self.start: Message | None = None
        """How the answer begins, if it is a file that was held back."""
        self.content = bytearray()

    async def take(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(raw=message.setdefault("headers", []))
            if message["status"] == 200 and headers.get("content-disposition", "").startswith("attachment"):
                headers["accept-ranges"] = "bytes"
                message["headers"] = headers.raw
                if self._hold:
                    self.start = message
                    return
        elif message["type"] == "http.response.body":
            if self.start is not None:
                self.content += message.get("body", b"")
                return
            if self._is_head:
                message = {**message, "body": b""}
        await self._send(message)


def _name(scope: Scope, headers: Headers) -> bytes:
    """What a file is kept under: its address and the form that was asked for."""
    return b"\0".join((scope["path"].encode(), scope["query_string"], headers.get("accept", "").encode()))


async def _send_file(file: _File, asked: Headers, send: Send, *, is_head: bool) -> None:
    headers = MutableHeaders(raw=list(file.headers))
    headers["etag"] = file.etag
    status, content = 200, file.content
    if _names_it(asked.get("if-none-match", ""), file.etag):
        status, content = 304, b""
        del headers["content-length"]
    else:
        piece = _piece(asked, file)
        if piece is not None:
            start, end = piece
            status, content = (206, content[start:end]) if start < end else (416, b"")
            shown = f"{start}-{end - 1}" if start < end else "*"
            headers["content-range"] = f"bytes {shown}/{len(file.content)}"
        headers["content-length"] = str(len(content))
    await send({"type": "http.response.start", "status": status, "headers": headers.raw})
    await send({"type": "http.response.body", "body": b"" if is_head else content})


def _names_it(header: str, etag: str) -> bool:
    names = [name.strip().removeprefix("W/") for name in header.split(",")]
    return etag in names or names == ["*"]


def _piece(asked: Headers, file: _File) -> tuple[int, int] | None:
    """Start and end of the bytes that are wanted; None for all, and an empty piece for one outside."""
    match = _RANGE.fullmatch(asked.get("range", "").replace(" ", ""))
    unchanged = asked.get("if-range", file.etag) == file.etag
    if match is None or match.groups() == ("", "") or not unchanged:
        return None
    size = len(file.content)
    first, last = match.groups()
    if not first:
        return max(0, size - int(last)), size
    start = int(first)
    end = min(size, int(last) + 1) if last else size
    if last and int(last) < start:
        return None
    return (start, end) if start < size else (size, size)
