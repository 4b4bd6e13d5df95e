"""The headers of every answer for browsers, errors included: where it may be shown, and what it may load."""

from __future__ import annotations

import logging

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dualbroker.service.errors import error_response

__all__ = ["SafeAnswers"]

logger = logging.getLogger("dualbroker")

_BARE = "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
_DATA_POLICY = f"default-src 'none'; {_BARE}"
_PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    f"font-src 'self'; {_BARE}"
)
_DOCS_POLICY = (
    "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    f"img-src 'self' data:; connect-src 'self'; {_BARE}"
)
_HEADERS = {
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "referrer-policy": "same-origin",  # with no-referrer, a form's own Origin would be null
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}


def _policy(path: str) -> str:
    if path.startswith("/docs"):
        return _DOCS_POLICY
    is_page = path == "/" or path.startswith("/static")
    return _PAGE_POLICY if is_page else _DATA_POLICY


class SafeAnswers:
    """Adds the headers, and makes an answer of a fault, so that it has them too.

    An answer's own ``cache-control`` and ``content-security-policy`` stay as they are.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        begun = False
        path = scope["path"]

        async def send_with_headers(message: Message) -> None:
            nonlocal begun
            if message["type"] in ("http.response.start", "websocket.http.response.start"):
                headers = MutableHeaders(raw=message.setdefault("headers", []))
                for name, value in _HEADERS.items():
                    headers[name] = value
                headers.setdefault("content-security-policy", _policy(path))
                headers.setdefault("cache-control", "no-cache" if path.startswith("/static") else "no-store")
                message["headers"] = headers.raw
            begun = begun or message["type"] not in ("websocket.accept",)
            await send(message)

        try:
            await self._app(scope, receive, send_with_headers)
        except Exception:
            if begun or scope["type"] == "websocket":
                raise
            logger.exception("%s %s failed", scope["method"], path)
            message = "the service could not answer this; its log says why"
            await error_response(500, message)(scope, receive, send_with_headers)
