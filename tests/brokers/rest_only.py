"""A transport for what needs REST calls alone, such as a login: it answers them and remembers them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from dualbroker.transport.base import OnRead, Response, WebSocket

__all__ = ["Request", "RestOnly"]


class Request(msgspec.Struct, frozen=True):
    """One call as it was made."""

    method: str
    url: str
    body: bytes
    headers: Mapping[str, str]

    @property
    def path(self) -> str:
        """The last part of the address."""
        return self.url.rsplit("/", 1)[1]


class RestOnly:
    """Answers every call, 200 with JSON unless told otherwise.

    Parameters
    ----------
    answer
        Given the number of the call, from 1: what is answered, as JSON unless it is a `Response`.
    """

    def __init__(self, answer: Callable[[int], object]) -> None:
        self._answer = answer
        self.requests: list[Request] = []

    async def open_websocket(self, url: str, on_read: OnRead, *, open_timeout_s: float = 10.0) -> WebSocket:
        raise AssertionError("expected no WebSocket to be opened")

    async def request(
        self,
        method: str,
        url: str,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout_s: float = 10.0,
    ) -> Response:
        self.requests.append(Request(method, url, body or b"", headers or {}))
        answer = self._answer(len(self.requests))
        return answer if isinstance(answer, Response) else Response(200, msgspec.json.encode(answer))

    async def aclose(self) -> None:
        """Holds nothing."""
