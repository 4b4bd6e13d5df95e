"""The browser of a daily login: the code that comes back, caught on loopback or pasted by a person.

A person logs in on the broker's own page; no password passes through here.
"""

from __future__ import annotations

import contextlib
import http.server
import queue
import re
import socket
import socketserver
import sys
import threading
from html import escape
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, urlsplit

from dualbroker.errors import ConfigError, ConnectionFailedError, LoginRefusedError
from dualbroker.plain_page import plain_page

__all__ = ["RedirectCatcher", "code_from_pasted", "is_loopback_redirect"]

_LOOPBACK_HOSTS = frozenset({"127.0.0.1", "localhost", "::1"})

_CODE_NAMES = ("code", "request_code")
"""What a redirect has the code in; the second is Flattrade's (protocol: section 9)."""

_BARE_CODE = re.compile(r"(?=.*\d)[A-Za-z0-9._~+/=-]{6,}", re.ASCII)
"""Brokers make codes of random letters and digits; words, and six letters or fewer, are none."""


def is_loopback_redirect(redirect_url: str | None) -> bool:
    """True when a browser sent there ends at this machine, where the code can be caught."""
    try:
        parts = urlsplit(redirect_url or "")
        return parts.scheme == "http" and parts.hostname in _LOOPBACK_HOSTS and parts.port != -1
    except ValueError:  # not an address at all, or a port beyond 65535
        return False


def code_from_pasted(text: str) -> str:
    """The code in what a person pasted: the code itself, or the whole address they were sent to.

    Raises
    ------
    LoginRefusedError
        There is no code in it; the message does not repeat what was pasted. A text pasted alone has to
        look like a code, as a wrong one sent to the broker counts as a failed login; after ``code=`` all
        is taken.
    """
    text = text.strip().strip("'\"").strip()
    is_address = "?" in text or "://" in text or "code=" in text
    code = _code_in(text.partition("#")[0].rpartition("?")[2]) if is_address else text
    looks_right = is_address or _BARE_CODE.fullmatch(text)
    if not code or not looks_right or any(character.isspace() for character in code):
        raise LoginRefusedError(
            "expected the code, or the address with code= in it, found neither; "
            "paste the whole address that the browser was sent to"
        )
    return code


def _code_in(query: str) -> str | None:
    values = parse_qs(query)
    for name in _CODE_NAMES:
        if name in values:
            return values[name][0]
    for name in ("error_description", "error", "emsg"):
        if name in values:
            raise LoginRefusedError(f"the broker's page refused the login: {values[name][0][:200]!r}")
    return None


class RedirectCatcher:
    """Waits on a loopback address for the browser that the broker sends back with the code.

    Used in a ``with`` statement; any path is answered, the first one with a code counts.

    Parameters
    ----------
    redirect_url
        As registered with the broker, ``http://127.0.0.1:8765/``; port 0 takes any free one.
    broker_name
        What the browser is told that the login is of.

    Raises
    ------
    ConfigError
        The address is not a loopback one.
    ConnectionFailedError
        On entering: something else listens there.
    """

    def __init__(self, redirect_url: str, broker_name: str = "the broker") -> None:
        if not is_loopback_redirect(redirect_url):
            raise ConfigError(
                f"expected a loopback address such as http://127.0.0.1:8765/, found {redirect_url!r}"
            )
        parts = urlsplit(redirect_url)
        self._host = "127.0.0.1" if parts.hostname == "localhost" else str(parts.hostname)
        self._port = 80 if parts.port is None else parts.port
        self._broker_name = broker_name
        self._answers: queue.Queue[str | LoginRefusedError] = queue.Queue()
        self._server: http.server.ThreadingHTTPServer | None = None

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._port

    def __enter__(self) -> RedirectCatcher:
        kind = _Server6 if ":" in self._host else _Server
        try:
            self._server = kind((self._host, self._port), _handler(self._answers, self._broker_name))
        except OSError as error:
            raise ConnectionFailedError(
                f"expected to listen on {self._host}:{self._port} for the browser, found it taken or not "
                f"allowed ({error.strerror})"
            ) from error
        self._port = self._server.server_address[1]
        threading.Thread(
            target=self._server.serve_forever,
            kwargs={"poll_interval": 0.05},
            name="dualbroker-login",
            daemon=True,
        ).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def wait(self, timeout_s: float) -> str:
        """The code.

        Raises
        ------
        LoginRefusedError
            The broker's page said no.
        ConnectionFailedError
            No browser came within the time.
        """
        try:
            answer = self._answers.get(timeout=timeout_s)
        except queue.Empty:
            raise ConnectionFailedError(f"no browser came back within {timeout_s:g} s") from None
        if isinstance(answer, LoginRefusedError):
            raise answer
        return answer


class _Server(http.server.ThreadingHTTPServer):
    # On Windows this would let a second program listen on the same port, and take the code.
    allow_reuse_address = sys.platform != "win32"
    daemon_threads = True

    def server_bind(self) -> None:
        """Bind, without the look-up of this machine's name that takes seconds on some."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])


class _Server6(_Server):
    address_family = socket.AF_INET6


def _handler(
    answers: queue.Queue[str | LoginRefusedError], broker_name: str
) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        timeout = 10

        def do_GET(self) -> None:
            try:
                code = _code_in(urlsplit(self.path).query)
            except LoginRefusedError as refused:
                answers.put(refused)
                self._answer(200, "wrong", "refused the login", "The terminal says why, and what to do.")
                return
            if code is None:
                words = "This page comes back by itself once you have logged in on the broker's own."
                self._answer(404, "quiet", "has sent no code yet", words)
                return
            answers.put(code)
            words = "It is exchanged for today's session now. Close this page; the terminal says how it went."
            self._answer(200, "good", "has sent the code of your login", words)

        def _answer(self, status: int, kind: str, what: str, next_words: str) -> None:
            text = f'<p class="{kind}">{escape(broker_name)} {what}.</p>\n<p>{next_words}</p>'
            page = plain_page("dualbroker login", text).encode("utf-8")
            with contextlib.suppress(ConnectionError):
                self.send_response(status)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Content-Length", str(len(page)))
                self.send_header("Referrer-Policy", "no-referrer")
                self.end_headers()
                self.wfile.write(page)

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing: the request line carries the code."""

    return Handler
