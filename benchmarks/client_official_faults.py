"""The official client, NorenRestApiPy, used as its README shows: it subscribes in its open callback.

Runs in an environment of its own, which need not have dualbroker in it. The first line of its standard
input says where the broker is and how to log in. Each further line is ``mark`` (count again from here) or
``state``; each is answered by a line of JSON. Times are nanoseconds of the system's clock.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import importlib.metadata
import json
import logging
import sys
import threading
import time
from typing import Any

OPEN_WITHIN_S = 30.0


class Watch(logging.Handler):
    """What the client's callbacks and log were told since the last mark. Its one thread writes."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.acknowledged: set[str] = set()
        self.first_quotes: dict[str, int] = {}
        self.last_quote = 0
        self.mark()

    def mark(self) -> None:
        self.opened: list[int] = []
        self.closed: list[int] = []
        self.errors = 0
        self.last_error = ""
        self.warnings = 0
        self.last_warning = ""
        self.quotes = 0
        self.last_quote_before_opening = 0

    def on_open(self) -> None:
        if not self.opened:
            self.last_quote_before_opening = self.last_quote
        self.opened.append(time.time_ns())
        self.acknowledged = set()
        self.first_quotes = {}

    def on_close(self) -> None:
        self.closed.append(time.time_ns())

    def on_error(self, error: object) -> None:
        self.errors += 1
        self.last_error = f"{type(error).__name__}: {error}"[:200]

    def emit(self, record: logging.LogRecord) -> None:
        # Counted and not printed: one version repeats the same line ten times a second for ever.
        self.warnings += 1
        self.last_warning = record.getMessage()[:200]

    def on_quote(self, message: dict[str, Any]) -> None:
        now = self.last_quote = time.time_ns()
        self.quotes += 1
        key = f"{message['e']}|{message['tk']}"
        self.first_quotes.setdefault(key, now)
        if message["t"] == "tk":
            self.acknowledged.add(key)

    def state(self) -> dict[str, Any]:
        return {
            "opened": len(self.opened),
            "closed": len(self.closed),
            "errors": self.errors,
            "last_error": self.last_error,
            "warnings": self.warnings,
            "last_warning": self.last_warning,
            "quotes": self.quotes,
            "last_quote_ns": self.last_quote,
            "last_quote_before_opening_ns": self.last_quote_before_opening,
            "acknowledged": len(self.acknowledged),
            "first_quotes_ns": list(self.first_quotes.values()),
        }


def main() -> None:
    # Only this process needs it, and only in the environment that has it.
    from NorenRestApiPy.NorenApi import NorenApi

    broker = json.loads(sys.stdin.readline())
    watch, opened = Watch(), threading.Event()
    logging.getLogger().addHandler(watch)
    client = NorenApi(host=broker["rest_base"], websocket=broker["websocket_url"])
    answer = client.login(
        userid=broker["uid"],
        password=broker["password"],
        twoFA=time_code(broker["totp_secret"]),
        vendor_code=broker["vendor_code"],
        api_secret=broker["api_key"],
        imei="abc1234",
    )
    if answer is None:
        raise RuntimeError("the simulated broker refused the login")

    def on_open() -> None:
        watch.on_open()
        client.subscribe(broker["keys"])
        opened.set()

    client.start_websocket(
        subscribe_callback=watch.on_quote,
        order_update_callback=lambda _: None,
        socket_open_callback=on_open,
        socket_close_callback=watch.on_close,
        socket_error_callback=watch.on_error,
    )
    if not opened.wait(OPEN_WITHIN_S):
        raise TimeoutError(f"no connection; {watch.errors} errors, the last {watch.last_error}")
    say(versions={name: importlib.metadata.version(name) for name in ("NorenRestApiPy", "websocket-client")})
    for line in sys.stdin:
        if line.strip() == "mark":
            watch.mark()
        # No public attribute tells whether it thinks that it is connected.
        say(**watch.state(), says_connected=client._NorenApi__websocket_connected, now_ns=time.time_ns())


def say(**values: Any) -> None:
    print(json.dumps(values), flush=True)


def time_code(secret: str) -> str:
    """The six digits that an authenticator app shows now (RFC 6238)."""
    digest = hmac.new(
        base64.b32decode(secret), int(time.time() // 30).to_bytes(8, "big"), hashlib.sha1
    ).digest()
    offset = digest[-1] & 15
    number = int.from_bytes(digest[offset : offset + 4], "big") & 0x7FFFFFFF
    return f"{number % 1_000_000:06d}"


if __name__ == "__main__":
    main()
