"""One WebSocket connection of a simulated broker, without the socket (protocol: section 2).

What a connection does not understand it counts and passes over, as it does with everything but a
heartbeat that comes before the first frame: the sources know of no error frame. A scrip that does not
exist gets no acknowledgement. A refused first frame leaves the socket open, as the real one does.
"""

from __future__ import annotations

import random
import zlib
from collections.abc import Collection
from typing import NamedTuple, Protocol

from dualbroker.errors import WireError
from dualbroker.model import FeedType, InstrumentKey
from dualbroker.noren import frames
from dualbroker.simulator.faults.faults import Faults, Strike
from dualbroker.simulator.faults.quote_faults import QuoteFaults
from dualbroker.simulator.market.market import Market
from dualbroker.simulator.trading.accounts import Account
from dualbroker.simulator.wire.fan_out import QuoteFanOut
from dualbroker.simulator.wire.framing import text_frame
from dualbroker.simulator.wire.skew import skewed_frame

__all__ = ["CloseCommand", "StreamHost", "StreamSession"]


class CloseCommand(NamedTuple):
    """The broker wants the connection closed."""

    code: int
    reason: str


class StreamHost(Protocol):
    """What a connection asks of its broker."""

    market: Market
    fan_out: QuoteFanOut
    faults: Faults

    running_ns: int
    """The simulation's running time."""

    def account_of(self, token: str | None) -> Account | None:
        """Whose live session token that is."""
        ...

    def account_of_dead(self, token: str | None) -> Account | None:
        """Whose session token that was, before it died."""
        ...

    def welcome(self, session: StreamSession) -> None:
        """A connection has shown a valid token; may evict another one."""
        ...

    def index_of(self, key: InstrumentKey) -> int | None:
        """The instrument's position in the market, None when it can't be had here."""
        ...

    def time_s(self) -> int:
        """Epoch seconds of the broker's clock."""
        ...


class StreamSession:
    """The state of one connection. The driver feeds ``receive`` and writes the ``outbox``.

    Parameters
    ----------
    dice
        Of the faults of its quotes.
    """

    def __init__(self, host: StreamHost, dice: random.Random) -> None:
        self.outbox: list[bytes] = []
        """Frames not yet written, oldest first; ``take`` empties it."""
        self.account: Account | None = None
        """Whose it is, once the first frame was accepted."""
        self.token = ""
        self.takes_orders = False
        self.is_mute = False
        """For good: nothing but the first frame and pings is ever answered."""
        self.close_at_ns: int | None = None
        """Running time of the simulation at which it is to be closed with ``goodbye``."""
        self.close_command: CloseCommand | None = None
        """Set once the driver is to close the connection."""
        self.strikes: list[Strike] = []
        """What the driver is to do to the link, oldest first: reset, half_frame, garbage, oversized."""
        self.late_orders: list[tuple[int, bytes]] = []
        """``om`` frames that come out of order: running time by which they go at the latest, frame."""
        self.frames_not_understood = 0
        self._host = host
        self._quote_faults = QuoteFaults(dice)
        self._subscriptions: dict[tuple[int, FeedType], bool] = {}
        """In the order in which they were made; True while it ticks."""

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
        taken = self._quote_faults.pass_on(self.outbox, self._host.faults, self._host.running_ns)
        self.outbox = []
        skew_s = self._host.faults.clock_skew_s
        return [skewed_frame(frame, skew_s) for frame in taken] if skew_s else taken

    def end(self) -> None:
        """The connection is no more: forget its subscriptions."""
        for (index, feed_type), ticks in self._subscriptions.items():
            if ticks:
                self._host.fan_out.unsubscribe(self, index, feed_type)
        self._subscriptions.clear()
        self.takes_orders = False
        self.outbox = []
        self.late_orders = []

    @property
    def subscribed(self) -> Collection[tuple[int, FeedType]]:
        """Position in the market and feed type of each subscription, also of those that do not tick now."""
        return self._subscriptions.keys()

    @property
    def hears_orders(self) -> bool:
        """Whether an order update would be sent now."""
        faults = self._host.faults
        return self.takes_orders and not (self.is_mute or faults.mute or faults.heartbeats_only)

    def fall_mute(self) -> None:
        """Say nothing from now on."""
        self.is_mute = True
        self.follow_faults()

    def follow_faults(self) -> None:
        """Let tick what may, now that the broker's faults have changed."""
        may_tick = self._may_tick()
        for (index, feed_type), ticks in self._subscriptions.items():
            should = may_tick is None or index in may_tick
            if should != ticks:
                self._subscriptions[index, feed_type] = should
                change = self._host.fan_out.resume if should else self._host.fan_out.unsubscribe
                change(self, index, feed_type)

    def _answer(self, frame: frames.ClientFrame) -> None:
        if isinstance(frame, frames.Hello):
            self._hello(frame)
        elif isinstance(frame, frames.Heartbeat):
            if not self._silenced:
                self._send(frames.heartbeat_ack(self._host.time_s()))
        elif self.account is None or isinstance(frame, frames.SubscribePositions):
            # Position updates come only from brokers that have enabled them, and this one has not.
            self.frames_not_understood += 1
        elif isinstance(frame, frames.Subscribe):
            if frame.on:
                self._subscribe(frame)
            else:
                self._unsubscribe(frame)
        else:
            self.takes_orders = frame.on
            if not self._silenced:
                self._send(frames.acknowledge("ok" if frame.on else "uok"))

    def _hello(self, hello: frames.Hello) -> None:
        faults = self._host.faults
        account = self._host.account_of(hello.token)
        if account is None and faults.expired_tokens_accepted:
            account = self._host.account_of_dead(hello.token)
            self.is_mute = account is not None
        accepted = account is not None and account.uid == hello.user_id and not faults.refuse_hello
        self._send(frames.connect_ack(hello.generation, user_id=hello.user_id, ok=accepted))
        if accepted:
            self.account = account
            self.token = hello.token
            self._host.welcome(self)

    def _subscribe(self, frame: frames.Subscribe) -> None:
        faults = self._host.faults
        if self._silenced or faults.heartbeats_only:
            return
        asked: list[int] = []
        scrips = {index for index, _ in self._subscriptions}
        for key in frame.keys:
            index = self._host.index_of(key)
            if index is None:
                continue
            most = faults.most_scrips
            is_beyond = most is not None and index not in scrips and len(scrips) >= most
            if is_beyond or (faults.unacknowledged and _lot_of(key) < faults.unacknowledged):
                self._drop(index, frame.feed_type)
            else:
                self._subscriptions.setdefault((index, frame.feed_type), False)
                scrips.add(index)
                asked.append(index)
        fan_out = self._host.fan_out
        may_tick = self._may_tick()
        for index in asked:
            ticks = may_tick is None or index in may_tick
            self._subscriptions[index, frame.feed_type] = ticks
            answer = fan_out.subscribe if ticks else fan_out.show
            answer(self, index, frame.feed_type)

    def _unsubscribe(self, frame: frames.Subscribe) -> None:
        for key in frame.keys:
            index = self._host.market.index_of(key)
            if index is not None:
                self._drop(index, frame.feed_type)
        if self._host.faults.first_scrips_only is not None:
            self.follow_faults()
        if not (self._silenced or self._host.faults.heartbeats_only):
            is_touchline = frame.feed_type is FeedType.TOUCHLINE
            self._send(frames.acknowledge("uk" if is_touchline else "udk", frame.keys))

    def _drop(self, index: int, feed_type: FeedType) -> None:
        self._quote_faults.forget(
            "tf" if feed_type is FeedType.TOUCHLINE else "df", *self._host.market.instruments[index].key
        )
        if self._subscriptions.pop((index, feed_type), False):
            self._host.fan_out.unsubscribe(self, index, feed_type)

    @property
    def _silenced(self) -> bool:
        return self.is_mute or self._host.faults.mute

    def _may_tick(self) -> set[int] | None:
        """Which of the subscribed instruments may tick, None for all of them."""
        faults = self._host.faults
        if self._silenced or faults.heartbeats_only or faults.quotes_silent:
            return set()
        if faults.first_scrips_only is None:
            return None
        scrips = dict.fromkeys(index for index, _ in self._subscriptions)
        return set(list(scrips)[: faults.first_scrips_only])

    def _send(self, payload: bytes) -> None:
        self.outbox.append(text_frame(payload))


def _lot_of(key: InstrumentKey) -> float:
    """A number of 0 to 1 that is an instrument's own, the same in every run."""
    return zlib.crc32("|".join(key).encode("utf-8")) / 2**32
