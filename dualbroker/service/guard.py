"""Who may ask: keeps other sites' pages, open in the same browser, away from the service."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["LOOPBACK_NAMES", "Guard", "is_loopback"]

LOOPBACK_NAMES = ("127.0.0.1", "localhost", "::1")

_POLICY = "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
_DOCS_POLICY = (
    f"{_POLICY}; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:"
)
_HEADERS = {
    "cache-control": "no-cache",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}


def is_loopback(host: str) -> bool:
    """Whether an address to listen on is reached from this machine only."""
    return host.lower() in LOOPBACK_NAMES or host.startswith("127.")


class Guard:
    """Refuses what another site's page sends, and tells browsers to ask nobody but us.

    - A host name that is not ours means that a stranger's name was pointed at this address (DNS
      rebinding): refused.
    - A WebSocket is open to any site's page unless its ``Origin`` is checked: only our own page's is taken.
    - No CORS header is ever sent, so other sites' scripts can't read an answer.

    Parameters
    ----------
    app
        What is guarded.
    hosts
        Host names that are ours; None takes any, for a service that was opened to the network on purpose.
    """

    def __init__(self, app: ASGIApp, hosts: Sequence[str] | None = LOOPBACK_NAMES) -> None:
        self._app = app
        self._hosts = None if hosts is None else {host.lower() for host in hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        problem = self._problem(scope)
        if problem is not None:
            await PlainTextResponse(f"{problem}\n", status_code=403)(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers[name] = value
                is_docs = scope["path"].startswith("/docs")
                headers["content-security-policy"] = _DOCS_POLICY if is_docs else _POLICY
            await send(message)

        await self._app(scope, receive, send_with_headers)

    def _problem(self, scope: Scope) -> str | None:
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if self._hosts is not None and _host_name(host) not in self._hosts:
            return f"expected a host name of this service, found {host!r}"
        origin = headers.get("origin")
        if scope["type"] == "websocket" and origin is not None and urlsplit(origin).netloc != host:
            return f"expected a page of this service, found one of {origin!r}"
        return None


def _host_name(host: str) -> str | None:
    """The name in a Host header, without port and brackets; None when there is none."""
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None
