"""What was sent on one socket: asked for in chunks, each instrument's acknowledgement tracked.

Nothing is kept over a reconnect: routing sends all of it again on each new connection.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence

from dualbroker.brokers.session.wire import Wire
from dualbroker.model import FeedType, InstrumentKey
from dualbroker.stores.health import BrokerHealth
from dualbroker.transport.base import WebSocket

__all__ = ["Subscriptions"]


class Subscriptions:
    """What one login's connection was asked to stream, and what of it the broker has acknowledged."""

    def __init__(self, wire: Wire, health: BrokerHealth) -> None:
        self._wire = wire
        self._health = health
        self._sent: dict[InstrumentKey, FeedType] = {}
        self._acknowledged: set[InstrumentKey] = set()
        self._asked_s: dict[InstrumentKey, float] = {}
        self._waiting: list[tuple[set[InstrumentKey], asyncio.Event]] = []
        self._sending = asyncio.Lock()
        self._socket: WebSocket | None = None

    def use_socket(self, socket: WebSocket | None) -> None:
        """Take a new socket, on which nothing was sent yet; None: the last one is no more."""
        self._socket = socket
        self._sent.clear()
        self._acknowledged.clear()
        self._asked_s.clear()

    async def refresh(self, keys: Collection[InstrumentKey] | None = None) -> None:
        """Ask again for these of what was sent, or for all: a repeated subscription brings a full quote."""
        again = list(self._sent) if keys is None else [key for key in keys if key in self._sent]
        # As if for the first time: a broker that does not answer this once no longer streams it.
        self._acknowledged.difference_update(again)
        self._count()
        await self._ask_for({key: self._sent[key] for key in again})

    async def subscribe(self, keys: Sequence[InstrumentKey], feed_type: FeedType) -> None:
        """Stream these instruments with that feed type, for as long as this socket lives."""
        if self._socket is None:
            return
        changed = [key for key in keys if self._sent.get(key) not in (None, feed_type)]
        fresh = [key for key in keys if self._sent.get(key) != feed_type or key not in self._acknowledged]
        self._sent.update(dict.fromkeys(fresh, feed_type))
        self._acknowledged.difference_update(fresh)
        self._count()
        await self._ask_for(dict.fromkeys(fresh, feed_type))
        if changed:
            # The new kind first, so that no tick is missed between the two.
            other = FeedType.DEPTH if feed_type is FeedType.TOUCHLINE else FeedType.TOUCHLINE
            await self._end(changed, other)

    async def unsubscribe(self, keys: Sequence[InstrumentKey]) -> None:
        """Stop streaming these instruments."""
        for feed_type in FeedType:
            gone = [key for key in keys if self._sent.get(key) == feed_type]
            for key in gone:
                del self._sent[key]
                self._asked_s.pop(key, None)
            self._acknowledged.difference_update(gone)
            await self._end(gone, feed_type)
        self._count()

    def note_acknowledged(self, key: InstrumentKey) -> None:
        """The answer to a subscription has come."""
        if key not in self._sent:
            return
        self._acknowledged.add(key)
        self._health.acknowledged = len(self._acknowledged)
        for missing, done in self._waiting:
            missing.discard(key)
            if not missing:
                done.set()

    def unacknowledged(self, for_s: float) -> list[InstrumentKey]:
        """What was asked for so long ago, on the present socket, and has not been acknowledged."""
        if len(self._acknowledged) >= len(self._sent):
            return []
        before_s = asyncio.get_running_loop().time() - for_s
        return [
            key
            for key, asked_s in self._asked_s.items()
            if asked_s <= before_s and key not in self._acknowledged
        ]

    async def wait_acknowledged(
        self, keys: Collection[InstrumentKey], timeout_s: float
    ) -> set[InstrumentKey]:
        """Those of the keys that are acknowledged, waiting no longer than the time given."""
        missing = set(keys) - self._acknowledged
        if missing:
            entry = (missing, asyncio.Event())
            self._waiting.append(entry)
            try:
                # wait_for of Python 3.11 loses a cancellation that comes with the answer.
                async with asyncio.timeout(timeout_s):
                    await entry[1].wait()
            except TimeoutError:
                pass
            finally:
                self._waiting.remove(entry)
        return set(keys) & self._acknowledged

    async def _ask_for(self, kinds: dict[InstrumentKey, FeedType]) -> None:
        for feed_type in FeedType:
            keys = [key for key, kind in kinds.items() if kind == feed_type]
            await self._send(keys, feed_type, asks=True)

    async def _end(self, keys: Sequence[InstrumentKey], feed_type: FeedType) -> None:
        await self._send(keys, feed_type, asks=False)

    async def _send(self, keys: Sequence[InstrumentKey], feed_type: FeedType, *, asks: bool) -> None:
        size, pause = self._wire.rules.chunk, self._wire.rules.chunk_pause_s
        build = self._wire.subscribe if asks else self._wire.unsubscribe
        socket = self._socket
        async with self._sending:
            for start in range(0, len(keys), size):
                if start and pause:
                    await asyncio.sleep(pause)
                if socket is None or socket is not self._socket:
                    return
                chunk = keys[start : start + size]
                if asks:
                    # What was given up while it waited its turn is asked for no more.
                    chunk = [key for key in chunk if key in self._sent]
                    self._asked_s.update(dict.fromkeys(chunk, asyncio.get_running_loop().time()))
                if chunk:
                    for frame in build(chunk, feed_type):
                        socket.send(frame)

    def _count(self) -> None:
        self._health.subscriptions = len(self._sent)
        self._health.acknowledged = len(self._acknowledged)
