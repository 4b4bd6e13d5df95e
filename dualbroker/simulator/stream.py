"""One WebSocket connection of a simulated broker, without the socket (protocol: section 2).

What a connection does not understand it counts and passes over, as it does with everything but a
heartbeat that comes before the first frame: the sources know of no error frame. A scrip that does not
exist gets no acknowledgement. A refused first frame leaves the socket open, as the real one does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

from dualbroker.errors import WireError
from dualbroker.model import FeedType, InstrumentKey
from dualbroker.noren import frames
from dualbroker.simulator.accounts import Account
from dualbroker.simulator.fan_out import QuoteFanOut
from dualbroker.simulator.framing import text_frame

__all__ = ["CloseCommand", "StreamHost", "StreamSession"]


class CloseCommand(NamedTuple):
    """The broker wants the connection closed."""

    code: int
    reason: str


class StreamHost(Protocol):
    """What a connection asks of its broker."""

    fan_out: QuoteFanOut

    def account_of(self, token: str | None) -> Account | None:
        """Whose live session token that is."""
        ...

    def welcome(self, session: StreamSession) -> None:
        """A connection has shown a valid token; may evict another one."""
        ...

    def index_of(self, key: InstrumentKey) -> int | None:
        """The instrument's position in the market."""
        ...

    def time_s(self) -> int:
        """Epoch seconds of the broker's clock."""
        ...


class StreamSession:
    """The state of one connection. The driver feeds ``receive`` and writes the ``outbox``."""

    def __init__(self, host: StreamHost) -> None:
        self.outbox: list[bytes] = []
        """Frames not yet written, oldest first; ``take`` empties it."""
        self.account: Account | None = None
        """Whose it is, once the first frame was accepted."""
        self.token = ""
        self.takes_orders = False
        self.close_at_ns: int | None = None
        """Running time of the simulation at which it is to be closed with ``goodbye``."""
        self.close_command: CloseCommand | None = None
        """Set once the driver shall close the connection."""
        self.frames_not_understood = 0
        self._host = host
        self._subscriptions: set[tuple[int, FeedType]] = set()

    def receive(self, text: str | bytes) -> list[bytes]:
        """Take in one text message; returns the frames that answer it (also put into the outbox)."""
        start = len(self.outbox)
        try:
            frame = frames.parse_client_frame(text)
        except WireError:
            self.frames_not_understood += 1
            return []
        self._answer(frame)
        return self.outbox[start:]

    def take(self) -> list[bytes]:
        """The frames to write now; the outbox is empty afterwards."""
        taken = self.outbox
        self.outbox = []
        return taken

    def end(self) -> None:
        """The connection is no more: forget its subscriptions."""
        for index, feed_type in self._subscriptions:
            self._host.fan_out.unsubscribe(self, index, feed_type)
        self._subscriptions.clear()
        self.takes_orders = False
        self.outbox = []

    def _answer(self, frame: frames.ClientFrame) -> None:
        if isinstance(frame, frames.Heartbeat):
            self._send(frames.heartbeat_ack(self._host.time_s()))
        elif isinstance(frame, frames.Hello):
            self._hello(frame)
        elif self.account is None or isinstance(frame, frames.SubscribePositions):
            # Position updates come only from brokers that have enabled them, and this one has not.
            self.frames_not_understood += 1
        elif isinstance(frame, frames.Subscribe):
            self._subscribe(frame, self._host.fan_out)
        elif frame.on:
            self.takes_orders = True
            self._send(frames.acknowledge("ok"))
        else:
            self.takes_orders = False
            self._send(frames.acknowledge("uok"))

    def _hello(self, hello: frames.Hello) -> None:
        account = self._host.account_of(hello.token)
        accepted = account is not None and account.uid == hello.user_id
        self._send(frames.connect_ack(hello.generation, user_id=hello.user_id, ok=accepted))
        if accepted:
            self.account = account
            self.token = hello.token
            self._host.welcome(self)

    def _subscribe(self, frame: frames.Subscribe, fan_out: QuoteFanOut) -> None:
        change: Callable[[StreamSession, int, FeedType], None] = (
            fan_out.subscribe if frame.on else fan_out.unsubscribe
        )
        for key in frame.keys:
            index = self._host.index_of(key)
            if index is None:
                continue
            change(self, index, frame.feed_type)
            if frame.on:
                self._subscriptions.add((index, frame.feed_type))
            else:
                self._subscriptions.discard((index, frame.feed_type))
        if not frame.on:
            is_touchline = frame.feed_type is FeedType.TOUCHLINE
            self._send(frames.acknowledge("uk" if is_touchline else "udk", frame.keys))

    def _send(self, payload: bytes) -> None:
        self.outbox.append(text_frame(payload))
