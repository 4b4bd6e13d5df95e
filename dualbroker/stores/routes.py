"""Whose messages count for which instrument: written by routing, read by the quote store. Pure."""

from __future__ import annotations

from typing import NamedTuple

from dualbroker.model import InstrumentKey

__all__ = ["Routes"]


class _Route(NamedTuple):
    broker: str
    key: InstrumentKey
    """The instrument's key at that broker."""
    in_lots: bool


class Routes:
    """By broker and by an instrument's key there: the index under which the quote store keeps its messages.

    An instrument counts at one broker at most, its source. While it is on its way to another broker it is
    awaited there: with that broker's first full quote it counts there, and no longer at the one before.
    """

    def __init__(self) -> None:
        self.broker_names: list[str] = []
        """In order of their first route; a stored tick's broker number is a place in this list."""
        self.counted: dict[str, dict[InstrumentKey, int]] = {}
        self.in_lots: dict[str, dict[InstrumentKey, int]] = {}
        """The same of instruments whose quotes count lots; apart, so that no other pays for it."""
        self.awaited: dict[str, dict[InstrumentKey, int]] = {}
        self._sources: dict[int, _Route] = {}
        self._expected: dict[int, _Route] = {}

    def source(self, index: int) -> str | None:
        """The broker whose messages count for an instrument."""
        route = self._sources.get(index)
        return None if route is None else route.broker

    def set_source(self, index: int, broker: str, key: InstrumentKey, *, in_lots: bool = False) -> None:
        """Let a broker's messages of a key count for an instrument, and nobody else's."""
        self.remove(index)
        self._count(index, _Route(broker, key, in_lots))

    def expect(self, index: int, broker: str, key: InstrumentKey, *, in_lots: bool = False) -> None:
        """Let a broker become the source with its first full quote; until then the source stays."""
        self.expect_no_longer(index)
        self._name(broker)
        self._expected[index] = _Route(broker, key, in_lots)
        self.awaited.setdefault(broker, {})[key] = index

    def expect_no_longer(self, index: int) -> None:
        """No broker is going to become an instrument's source."""
        route = self._expected.pop(index, None)
        if route is not None:
            _drop(self.awaited, route, index)

    def switch(self, index: int) -> None:
        """The broker that was expected becomes the source."""
        route = self._expected[index]
        self.remove(index)
        self._count(index, route)

    def remove(self, index: int) -> None:
        """Let nobody's messages count for an instrument, now or soon."""
        self.expect_no_longer(index)
        route = self._sources.pop(index, None)
        if route is not None:
            _drop(self.in_lots if route.in_lots else self.counted, route, index)

    def _count(self, index: int, route: _Route) -> None:
        self._name(route.broker)
        self._sources[index] = route
        table = self.in_lots if route.in_lots else self.counted
        table.setdefault(route.broker, {})[route.key] = index

    def _name(self, broker: str) -> None:
        if broker not in self.broker_names:
            self.broker_names.append(broker)
            # The quote store may be in the midst of this broker's batch when its first switch comes.
            self.counted.setdefault(broker, {})


def _drop(table: dict[str, dict[InstrumentKey, int]], route: _Route, index: int) -> None:
    by_key = table[route.broker]
    if by_key.get(route.key) == index:  # else another instrument has the key by now
        del by_key[route.key]
