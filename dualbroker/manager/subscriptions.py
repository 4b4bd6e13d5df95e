"""Subscriptions counted by holder: one consumer's unsubscribe never silences another. Pure."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from dualbroker.model import FeedType, InstrumentKey

__all__ = ["SubscriptionBook", "SubscriptionChange"]


class SubscriptionChange(msgspec.Struct, frozen=True):
    """What the broker has to be told after the holders have changed their minds."""

    subscribe: dict[FeedType, list[InstrumentKey]]
    """Also instruments that are streamed already and change their feed type."""
    unsubscribe: list[InstrumentKey]


class SubscriptionBook:
    """Who holds which instrument. Depth wins over touchline, for it carries the touchline too."""

    def __init__(self) -> None:
        self._holders: dict[InstrumentKey, dict[str, FeedType]] = {}

    def feed_type(self, key: InstrumentKey) -> FeedType | None:
        """What is streamed of an instrument; None when nobody holds it."""
        kinds = self._holders.get(key)
        if not kinds:
            return None
        return FeedType.DEPTH if FeedType.DEPTH in kinds.values() else FeedType.TOUCHLINE

    def holders(self, key: InstrumentKey) -> frozenset[str]:
        return frozenset(self._holders.get(key, {}))

    def wanted(self) -> dict[InstrumentKey, FeedType]:
        """All instruments held by anybody, in order of first subscription."""
        return {key: kind for key in self._holders if (kind := self.feed_type(key)) is not None}

    def add(self, holder: str, keys: Iterable[InstrumentKey], feed_type: FeedType) -> SubscriptionChange:
        """Let a holder hold these instruments; a second time replaces its feed type."""
        touched = list(dict.fromkeys(keys))
        before = {key: self.feed_type(key) for key in touched}
        for key in touched:
            self._holders.setdefault(key, {})[holder] = feed_type
        return self._change(before)

    def remove(self, holder: str, keys: Iterable[InstrumentKey] | None = None) -> SubscriptionChange:
        """Let a holder let go of these instruments, or of all of its own."""
        touched = list(dict.fromkeys(self._holders if keys is None else keys))
        before = {key: self.feed_type(key) for key in touched}
        for key in touched:
            kinds = self._holders.get(key)
            if kinds is None:
                continue
            kinds.pop(holder, None)
            if not kinds:
                del self._holders[key]
        return self._change(before)

    def discard(self, key: InstrumentKey) -> None:
        """Let everybody let go of an instrument: it is no more."""
        self._holders.pop(key, None)

    def move(self, old: InstrumentKey, new: InstrumentKey) -> None:
        """Let everybody who holds one instrument hold another one: the same, under a new key."""
        holders = self._holders.pop(old, {})
        self._holders[new] = {**holders, **self._holders.get(new, {})}

    def held_by(self, holder: str) -> list[InstrumentKey]:
        """What one holder holds, in order of first subscription."""
        return [key for key, kinds in self._holders.items() if holder in kinds]

    def _change(self, before: dict[InstrumentKey, FeedType | None]) -> SubscriptionChange:
        subscribe: dict[FeedType, list[InstrumentKey]] = {}
        unsubscribe: list[InstrumentKey] = []
        for key, old in before.items():
            new = self.feed_type(key)
            if new is None:
                if old is not None:
                    unsubscribe.append(key)
            elif new is not old:
                subscribe.setdefault(new, []).append(key)
        return SubscriptionChange(subscribe, unsubscribe)
