"""The link to a service: one WebSocket, opened with its token, messages out and in."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, InvalidURI

from dualbroker.errors import ConfigError, ConnectionFailedError, DualBrokerError, WireError
from dualbroker.figures import number
from dualbroker.remote.address import stream_address
from dualbroker.remote.failures import error_of
from dualbroker.remote.messages import PROTOCOL, ClientMessage, ErrorRecord, Hello, Message
from dualbroker.transport.proxies import proxy_for

__all__ = ["Link", "open_link"]

OPEN_WITHIN_S = 10.0
CLOSE_WITHIN_S = 2.0
SILENT_FOR_S = 10.0
"""A service says something each second; one that does not is asleep, or the laptop was."""
LARGEST_MESSAGE_BYTES = 64 * 2**20
LARGEST_SENT_BYTES = 2**20

_quiet = logging.getLogger("dualbroker.remote")
# At DEBUG the library writes down what is sent, the token among it.
_quiet.setLevel(logging.WARNING)

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Message)


class Link:
    """An open connection to a service."""

    def __init__(self, address: str, connection: ClientConnection) -> None:
        self._address = address
        self._connection = connection

    async def send(self, message: ClientMessage) -> None:
        """Say something.

        Raises
        ------
        ConnectionFailedError
            The link is lost.
        WireError
            It is too long.
        """
        data = _encoder.encode(message)
        if len(data) > LARGEST_SENT_BYTES:
            raise WireError(
                f"a call of {number(len(data))} bytes is too long for the service, which takes "
                f"{number(LARGEST_SENT_BYTES)}; name fewer instruments at once"
            )
        try:
            await self._connection.send(data)
        except ConnectionClosed as closed:
            raise ConnectionFailedError(_why_closed(closed)) from None

    async def receive(self) -> Message:
        """The next message.

        Raises
        ------
        ConnectionFailedError
            The link is lost, or nothing was heard for too long.
        WireError
            What came can't be read.
        """
        try:
            # Not wait_for, which on Python 3.11 may swallow that the task was cancelled.
            async with asyncio.timeout(SILENT_FOR_S):
                data = await self._connection.recv()
        except ConnectionClosed as closed:
            raise ConnectionFailedError(_why_closed(closed)) from None
        except TimeoutError:
            raise ConnectionFailedError(f"it has said nothing for {SILENT_FOR_S:.0f} s") from None
        if isinstance(data, str):
            record = msgspec.json.decode(data, type=dict[str, ErrorRecord])
            raise error_of(record["error"])
        try:
            return _decoder.decode(data)
        except (msgspec.DecodeError, msgspec.ValidationError) as error:
            raise WireError(f"a message of the service can't be read: {error}") from None

    async def hello(self) -> Hello:
        """The service's first answer.

        Raises
        ------
        ConnectionFailedError
            It gives none.
        ConfigError
            It speaks another protocol.
        """
        message = await self.receive()
        if message.hello is None:
            raise ConnectionFailedError(f"what answers at {self._address} is no dualbroker service")
        if message.hello.protocol != PROTOCOL:
            raise ConfigError(
                f"the service at {self._address} is dualbroker {message.hello.version} and speaks protocol "
                f"{message.hello.protocol}, this one {PROTOCOL}; install the same version in both places"
            )
        return message.hello

    async def close(self) -> None:
        """End it."""
        await self._connection.close()


async def open_link(address: str, token: str | None) -> Link:
    """Connect to the service of that address.

    Raises
    ------
    ConnectionFailedError
        None answers there.
    ConfigError
        It demands a token, or another one.
    """
    headers: Mapping[str, str] = {} if token is None else {"Authorization": f"Bearer {token}"}
    url = stream_address(address)
    proxy = proxy_for(url)
    try:
        connection = await connect(
            url,
            additional_headers=headers,
            # What is large is packed once for all clients; deflate on top would cost and save nothing.
            compression=None,
            max_size=LARGEST_MESSAGE_BYTES,
            open_timeout=OPEN_WITHIN_S,
            close_timeout=CLOSE_WITHIN_S,
            proxy=proxy,
            logger=_quiet,
        )
    except InvalidStatus as refused:
        raise _refusal(address, refused, had_token=token is not None) from None
    except (OSError, TimeoutError, InvalidHandshake, InvalidURI, EOFError, ValueError, ImportError) as error:
        why = str(error) or type(error).__name__
        raise ConnectionFailedError(
            f"no dualbroker service answers at {address} ({why}); is it running? "
            "`dualbroker serve` starts one, and says where it listens"
        ) from None
    return Link(address, connection)


def _refusal(address: str, refused: InvalidStatus, *, had_token: bool) -> DualBrokerError:
    status = refused.response.status_code
    try:
        body = msgspec.json.decode(refused.response.body or b"", type=dict[str, ErrorRecord])
        said = body["error"].message
    except (msgspec.DecodeError, msgspec.ValidationError, KeyError):
        said = (refused.response.body or b"").decode("utf-8", "replace").strip()[:200]
    if status == 401:
        problem = "does not take the token it was given" if had_token else "wants its token"
        return ConfigError(
            f"the service at {address} {problem}: dualbroker.connect(address, token=…), "
            "or the variable DUALBROKER_TOKEN"
        )
    if status == 403:
        return ConfigError(f"the service at {address} refuses: {said or 'HTTP 403'}")
    return ConnectionFailedError(
        f"what answers at {address} is no dualbroker service (HTTP {status}); see where it listens"
    )


def _why_closed(closed: ConnectionClosed) -> str:
    received = closed.rcvd
    if received is not None and received.reason:
        return f"it was closed by the service: {received.reason}"
    if received is not None and received.code in (1001, 1012):
        return "the service has ended"
    return "the connection broke"
