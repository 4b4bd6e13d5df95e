"""Tells brokers what to stream and what no longer, each in its own keys."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable, Mapping
from typing import Any

from dualbroker.brokers.base import Broker, QuoteCallback
from dualbroker.manager.mapping import InstrumentMapping
from dualbroker.model import FeedType, InstrumentKey

__all__ = ["Teller", "Told"]


class Told:
    """What brokers are to be told after an arrangement."""

    def __init__(self) -> None:
        self.subscribe: dict[str, dict[FeedType, list[InstrumentKey]]] = {}
        self.unsubscribe: dict[str, list[InstrumentKey]] = {}

    def to_subscribe(self, name: str, kind: FeedType, key: InstrumentKey) -> None:
        self.subscribe.setdefault(name, {}).setdefault(kind, []).append(key)

    def to_unsubscribe(self, name: str, key: InstrumentKey) -> None:
        self.unsubscribe.setdefault(name, []).append(key)


class Teller:
    """Carries what is told to the brokers, without anybody waiting for it.

    Parameters
    ----------
    on_quotes
        Where brokers that carry quotes bring them.
    spawn
        Runs what takes time.
    """

    def __init__(
        self,
        brokers: Mapping[str, Broker],
        mapping: InstrumentMapping,
        on_quotes: QuoteCallback,
        spawn: Callable[[Coroutine[Any, Any, None]], object],
    ) -> None:
        self._brokers = brokers
        self._mapping = mapping
        self._on_quotes = on_quotes
        self._spawn = spawn

    def key_at(self, name: str, key: InstrumentKey) -> InstrumentKey | None:
        """An instrument's key at a broker; None where its master lacks it."""
        return self._mapping.key_at(self._brokers[name], key)

    def tell(self, told: Told) -> None:
        """Have everything told; what is told to one broker arrives there in order."""
        for name, broker in self._brokers.items():
            subscribe, unsubscribe = told.subscribe.get(name, {}), told.unsubscribe.get(name, [])
            if subscribe:
                broker.set_quote_callback(self._on_quotes)
            if subscribe or unsubscribe:
                self._spawn(self._tell_one(broker, subscribe, unsubscribe))

    def ask_again(self, name: str, keys: Iterable[InstrumentKey]) -> None:
        """Have a broker asked once more for what it was asked for in vain."""
        broker = self._brokers[name]
        self._spawn(broker.refresh(self._keys_at(name, keys)))

    async def _tell_one(
        self, broker: Broker, subscribe: dict[FeedType, list[InstrumentKey]], unsubscribe: list[InstrumentKey]
    ) -> None:
        # What is to be streamed first: a broker that takes quotes over must not wait for what it loses.
        for kind, keys in subscribe.items():
            await broker.subscribe(self._keys_at(broker.name, keys), kind)
        if unsubscribe:
            await broker.unsubscribe(self._keys_at(broker.name, unsubscribe))

    def _keys_at(self, name: str, keys: Iterable[InstrumentKey]) -> list[InstrumentKey]:
        return [there for key in keys if (there := self.key_at(name, key)) is not None]
