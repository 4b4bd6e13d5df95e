"""Subscriptions counted by holder: one consumer's unsubscribe never silences another. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from dualbroker.model import FeedType, InstrumentKey

__all__ = ["Holders"]


class Holders:
    """Who holds which instrument. Depth wins over touchline, for it carries the touchline too."""

    def __init__(self) -> None:
        self._kinds: dict[InstrumentKey, dict[str, FeedType]] = {}
        self.wanted: dict[InstrumentKey, FeedType] = {}
        """All instruments held by anybody, in order of first subscription, and as what. Only read it."""
        self.exchanges: Counter[str] = Counter()
        """Of the wanted instruments. Only read it."""
        self.revision = 0
        """Counted up whenever anything of this changes."""

    def of(self, key: InstrumentKey) -> frozenset[str]:
        """Who holds an instrument."""
        return frozenset(self._kinds.get(key, {}))

    def held_by(self, holder: str) -> list[InstrumentKey]:
        """What one holder holds, in order of first subscription."""
        return [key for key, kinds in self._kinds.items() if holder in kinds]

    def add(self, holder: str, keys: Iterable[InstrumentKey], kind: FeedType) -> None:
        """Let a holder hold these instruments; a second time replaces its feed type."""
        for key in keys:
            self._kinds.setdefault(key, {})[holder] = kind
            self._count(key)

    def remove(self, holder: str, keys: Iterable[InstrumentKey] | None = None) -> None:
        """Release these instruments of a holder, or all that it holds."""
        for key in list(self._kinds if keys is None else keys):
            kinds = self._kinds.get(key)
            if kinds is not None and kinds.pop(holder, None) is not None:
                self._count(key)

    def discard(self, key: InstrumentKey) -> dict[str, FeedType]:
        """Release an instrument for everybody, because it is no more; returns who held it, and as what."""
        holders = self._kinds.pop(key, {})
        self._count(key)
        return holders

    def inherit(self, key: InstrumentKey, holders: dict[str, FeedType]) -> None:
        """Let everybody who held an instrument hold this one; who holds it already keeps its feed type."""
        self._kinds[key] = {**holders, **self._kinds.get(key, {})}
        self._count(key)

    def _count(self, key: InstrumentKey) -> None:
        self.revision += 1
        kinds = self._kinds.get(key)
        was_wanted = key in self.wanted
        if kinds:
            self.wanted[key] = FeedType.DEPTH if FeedType.DEPTH in kinds.values() else FeedType.TOUCHLINE
            self.exchanges[key[0]] += not was_wanted
            return
        self._kinds.pop(key, None)
        if was_wanted:
            del self.wanted[key]
            self.exchanges[key[0]] -= 1
            if not self.exchanges[key[0]]:
                del self.exchanges[key[0]]
