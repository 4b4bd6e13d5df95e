"""Whose messages count for which instrument: written by routing, read by the quote store. Pure."""

from __future__ import annotations

from dualbroker.model import InstrumentKey

__all__ = ["Routes"]

_Route = tuple[str, InstrumentKey]
"""A broker, and an instrument's key there."""


class Routes:
    """By broker and by an instrument's key there: the index under which the quote store keeps its messages.

    An instrument counts at one broker at most, its source. While it is on its way to another broker it is
    awaited there: with that broker's first full quote it counts there, and no longer at the one before.
    """

    def __init__(self) -> None:
        self.broker_names: list[str] = []
        """In order of their first route; a stored tick's broker number is a place in this list."""
        self.in_lots: set[int] = set()
        """Indices of instruments whose quotes count lots."""
        self.counted: dict[str, dict[str, dict[str, int]]] = {}
        """By broker, exchange and token: two look-ups take less time than one by a key made for it."""
        self.apart: dict[str, dict[InstrumentKey, int]] = {}
        """What is awaited, and what counts in lots: apart, so that nothing else pays for being asked."""
        self._sources: dict[int, _Route] = {}
        self._expected: dict[int, _Route] = {}

    def source(self, index: int) -> str | None:
        """The broker whose messages count for an instrument."""
        route = self._sources.get(index)
        return None if route is None else route[0]

    def set_source(self, index: int, broker: str, key: InstrumentKey) -> None:
        """Let a broker's messages of a key count for an instrument, and nobody else's."""
        self.remove(index)
        self._sources[index] = broker, key
        self._name(broker)
        if index in self.in_lots:
            self.apart.setdefault(broker, {})[key] = index
        else:
            exchange, token = key
            self.counted.setdefault(broker, {}).setdefault(exchange, {})[token] = index

    def expect(self, index: int, broker: str, key: InstrumentKey) -> None:
        """Let a broker become the source with its first full quote; until then the source stays."""
        self.expect_no_longer(index)
        self._expected[index] = broker, key
        self._name(broker)
        self.apart.setdefault(broker, {})[key] = index

    def expect_no_longer(self, index: int) -> None:
        """No broker is going to become an instrument's source."""
        self._drop(index, self._expected.pop(index, None))

    def switch(self, index: int) -> None:
        """The broker that was expected becomes the source."""
        self.set_source(index, *self._expected[index])

    def remove(self, index: int) -> None:
        """Let nobody's messages count for an instrument, now or soon."""
        self.expect_no_longer(index)
        self._drop(index, self._sources.pop(index, None))

    def _name(self, broker: str) -> None:
        if broker not in self.broker_names:
            self.broker_names.append(broker)
            # The quote store may be in the midst of this broker's batch when its first switch comes.
            self.counted[broker] = {}

    def _drop(self, index: int, route: _Route | None) -> None:
        if route is None:
            return
        broker, key = route
        exchange, token = key
        # Where it is another index, another instrument has the key by now.
        by_token = self.counted.get(broker, {}).get(exchange, {})
        if by_token.get(token) == index:
            del by_token[token]
        apart = self.apart.get(broker, {})
        if apart.get(key) == index:
            del apart[key]
