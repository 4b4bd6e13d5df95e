"""Listens, and serves until it is told to end."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Generator, Sequence
from types import FrameType

import pyarrow
import uvicorn
from uvicorn.server import HANDLED_SIGNALS

from dualbroker.config import Config
from dualbroker.errors import DualBrokerError
from dualbroker.manager import WebSocketManager
from dualbroker.service.app import cannot_start, create_app
from dualbroker.service.connections import AbortableWebSocket, ImpatientProtocol
from dualbroker.service.guard.guard import LOOPBACK_NAMES
from dualbroker.transport.proxies import is_loopback_host

__all__ = ["address_of", "is_opened", "listen", "serve"]

_END_TIMEOUT_S = 1
"""For clients to take leave, in whole seconds; anyone who reads no more is cut off."""
_MOST_CONNECTIONS = 500
_LARGEST_HEAD_BYTES = 32_768
_LARGEST_MESSAGE_BYTES = 2**20
"""Of what a client may send us over its WebSocket."""


_LAST_WORDS_S = 0.3


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens there; port 0 takes any free one.

    Raises
    ------
    DualBrokerError
        The port is in use or not allowed, or the host is none of this machine's.
    """
    try:
        family, kind, protocol, _, where = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (OSError, UnicodeError):
        raise DualBrokerError(
            f"host: expected a name or an address of this machine, found {host!r}"
        ) from None
    listener = socket.socket(family, kind, protocol)
    try:
        if sys.platform == "win32":
            # There SO_REUSEADDR would take the port away from anyone who listens on it.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(where)
        listener.listen(128)
    except OSError as error:
        listener.close()
        raise DualBrokerError(_why_not(host, port, error)) from None
    return listener


def _why_not(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"port {port} on {host} is in use; end what uses it (another dualbroker?), "
            f"or choose another: --port {port + 1 if port < 65_535 else 0}"
        )
    if error.errno == errno.EACCES:
        return f"port {port} on {host} is not allowed to this user; choose another with --port"
    if error.errno == errno.EADDRNOTAVAIL:
        return f"host: expected an address of this machine, found {host}"
    return f"can't listen on port {port} of {host}: {error.strerror or error}"


def address_of(listener: socket.socket) -> str:
    """Where a browser on this machine finds it."""
    host, port = listener.getsockname()[:2]
    if host in ("0.0.0.0", "::"):
        host = "127.0.0.1" if host == "0.0.0.0" else "::1"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def is_opened(listener: socket.socket) -> bool:
    """Whether other machines can reach it, so that a token must be demanded."""
    return not is_loopback_host(listener.getsockname()[0])


def serve(
    config: Config,
    listener: socket.socket,
    token: str | None = None,
    *,
    allowed_hosts: Sequence[str] = (),
    process_ends_within_s: float | None = None,
) -> None:
    """Run the brokers of a config and serve them on that socket, until Ctrl-C or SIGTERM.

    Parameters
    ----------
    token
        What everybody has to show.
    allowed_hosts
        Host names by which it may be asked besides the loopback ones and the address that it listens on.
    process_ends_within_s
        So long after such a signal the whole process is ended, whatever hangs (a name that is looked up,
        a broker that does not say goodbye). For a process that does nothing else.

    Raises
    ------
    DualBrokerError
        The brokers can't be started at all, for whatever reason; or other machines can reach the socket and
        there is no token.
    """
    opened = is_opened(listener)
    if opened and token is None:
        raise DualBrokerError("expected a token for a service that other machines can reach, found none")
    try:
        manager = WebSocketManager(config)  # here, and not where the web server would show a traceback
    except DualBrokerError:
        raise
    except Exception as error:
        raise cannot_start(error) from error
    failures: list[DualBrokerError] = []

    def fail(error: DualBrokerError) -> None:
        failures.append(error)
        server.ends = True

    app = create_app(
        config,
        make_manager=lambda _: manager,
        hosts=None if opened else (*LOOPBACK_NAMES, *allowed_hosts),
        token=token,
        address=address_of(listener),
        on_failure=fail,
    )
    _prepare_pyarrow()
    server = _Server(
        uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            server_header=False,
            ws=AbortableWebSocket,
            # Else a client could give itself another address, and be counted as somebody else.
            proxy_headers=False,
            http=ImpatientProtocol,
            limit_concurrency=_MOST_CONNECTIONS,
            h11_max_incomplete_event_size=_LARGEST_HEAD_BYTES,
            ws_max_size=_LARGEST_MESSAGE_BYTES,
            timeout_graceful_shutdown=_END_TIMEOUT_S,
        ),
        process_ends_within_s,
    )
    logging.getLogger("uvicorn.error").addFilter(_is_news)
    asyncio.run(server.serve(sockets=[listener]))
    if failures:
        raise failures[0]


def _prepare_pyarrow() -> None:
    """Its own allocator keeps some 20 MB for itself, and here it only reads symbol masters. It imports
    pandas at the first array, which takes half a second: now rather than between two ticks."""
    pyarrow.set_memory_pool(pyarrow.system_memory_pool())
    pyarrow.array([0])


def _end_by_force() -> None:
    # The journal holds every order update from when it came, and the system closes the sockets.
    words = "something did not end in time; the process is ended by force"
    warning = threading.Thread(target=logging.getLogger("dualbroker").warning, args=(words,), daemon=True)
    warning.start()
    warning.join(_LAST_WORDS_S)  # a terminal that takes no more may be what hangs
    os._exit(0)


def _is_news(record: logging.LogRecord) -> bool:
    """uvicorn calls it an error when a WebSocket is refused with an answer of ours; anybody could fill
    the log with it."""
    return record.msg != "ASGI callable returned without completing handshake."


class _Server(uvicorn.Server):
    """Ends in order when a signal says so, and that is that."""

    def __init__(self, config: uvicorn.Config, process_ends_within_s: float | None) -> None:
        super().__init__(config)
        self._process_ends_within_s = process_ends_within_s
        self._deadline: threading.Timer | None = None
        self.ends = False
        """It is to end. ``should_exit``, set before the start is over, lets uvicorn leave without the app's
        own end."""

    async def on_tick(self, counter: int) -> bool:
        return self.ends or await super().on_tick(counter)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if self._deadline is None and self._process_ends_within_s is not None:
            self._deadline = threading.Timer(self._process_ends_within_s, _end_by_force)
            self._deadline.daemon = True
            self._deadline.start()
        super().handle_exit(sig, frame)

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        # uvicorn's own raises the signal again after a clean end, which would make an error of it.
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self.handle_exit) for number in HANDLED_SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
