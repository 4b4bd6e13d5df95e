"""Who watches what, and each change encoded once for everybody who watches it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from dualbroker.model import FeedType, InstrumentKind
from dualbroker.simulator.market.market import Market, MarketTick
from dualbroker.simulator.wire.framing import text_frame
from dualbroker.simulator.wire.quote_wire import InstrumentWire

__all__ = ["QuoteFanOut", "Watcher"]


class Watcher(Protocol):
    """A connection that takes quotes."""

    outbox: list[bytes]
    """Frames not yet written, oldest first."""


class QuoteFanOut:
    """Subscriptions of all connections of all brokers to one market."""

    def __init__(self, market: Market) -> None:
        self.ticks_encoded = 0
        """Changes of the market that at least one connection watched."""
        self._market = market
        self._wires: dict[int, InstrumentWire] = {}
        self._touchline: dict[int, list[Watcher]] = {}
        self._depth: dict[int, list[Watcher]] = {}
        self._sent_books: dict[int, dict[str, str]] = {}

    def subscribe(self, watcher: Watcher, index: int, feed_type: FeedType) -> None:
        """Answer with a full snapshot, then send what changes. A repeat answers with a snapshot again."""
        self._watch(watcher, index, feed_type)
        self.show(watcher, index, feed_type)

    def show(self, watcher: Watcher, index: int, feed_type: FeedType) -> None:
        """Answer with a full snapshot, and no more than that."""
        quote = self._market.quote(index)
        wire = self.wire(index)
        if feed_type is FeedType.TOUCHLINE:
            is_index = self._market.instruments[index].kind is InstrumentKind.INDEX
            total = self._market.total_open_interest(index) if is_index else None
            payload = wire.touchline_snapshot(quote, total)
        else:
            book = self._book(index)
            total = self._market.total_open_interest(index)
            payload = wire.depth_snapshot(quote, book, self._market.circuit(index), total)
            self._note_book(index, book)
        watcher.outbox.append(text_frame(payload))

    def resume(self, watcher: Watcher, index: int, feed_type: FeedType) -> None:
        """Go on after a silence: what was missed comes as one change, then what changes."""
        self._watch(watcher, index, feed_type)
        quote = self._market.quote(index)
        wire = self.wire(index)
        if feed_type is FeedType.TOUCHLINE:
            payload = wire.touchline_catch_up(quote)
        else:
            book = self._book(index)
            payload = wire.depth_delta(quote, {}, book)
            self._note_book(index, book)
        watcher.outbox.append(text_frame(payload))

    def unsubscribe(self, watcher: Watcher, index: int, feed_type: FeedType) -> None:
        """Send no more of it; no-op when nothing was sent."""
        watchers = self._watchers(feed_type)
        left = [each for each in watchers.get(index, ()) if each is not watcher]
        if left:
            watchers[index] = left
            return
        watchers.pop(index, None)
        if feed_type is FeedType.DEPTH:
            self._sent_books.pop(index, None)

    def publish(self, ticks: Iterable[MarketTick]) -> None:
        """Put the changes of one step into the outboxes: each tick as ``tf``, depth once per step."""
        touchline = self._touchline
        depth = self._depth
        depth_changes: dict[int, dict[str, float]] = {}
        for tick in ticks:
            index = tick.index
            watchers = touchline.get(index)
            if watchers is not None:
                self.ticks_encoded += 1
                frame = text_frame(self.wire(index).touchline_delta(tick.changes))
                for watcher in watchers:
                    watcher.outbox.append(frame)
            if index in depth:
                depth_changes.setdefault(index, {}).update(tick.changes)
        for index, changes in depth_changes.items():
            self._publish_depth(index, changes)

    def wire(self, index: int) -> InstrumentWire:
        """The encoder of one instrument."""
        wire = self._wires.get(index)
        if wire is None:
            wire = self._wires[index] = InstrumentWire(self._market.instruments[index])
        return wire

    def _watch(self, watcher: Watcher, index: int, feed_type: FeedType) -> None:
        watchers = self._watchers(feed_type).setdefault(index, [])
        if not any(each is watcher for each in watchers):
            watchers.append(watcher)

    def _book(self, index: int) -> dict[str, str]:
        return self.wire(index).book(self._market.depth(index), self._market.details(index))

    def _note_book(self, index: int, book: dict[str, str]) -> None:
        if index in self._depth:
            self._sent_books[index] = book

    def _publish_depth(self, index: int, changes: dict[str, float]) -> None:
        wire = self.wire(index)
        book = self._book(index)
        frame = text_frame(wire.depth_delta(changes, self._sent_books[index], book))
        self._sent_books[index] = book
        for watcher in self._depth[index]:
            watcher.outbox.append(frame)

    def _watchers(self, feed_type: FeedType) -> dict[int, list[Watcher]]:
        return self._touchline if feed_type is FeedType.TOUCHLINE else self._depth
