"""The keys of instruments at brokers other than the one whose symbol master they come from. Pure."""

from __future__ import annotations

from dualbroker.model import InstrumentKey

__all__ = ["KeysAtBrokers"]


class KeysAtBrokers:
    """What the symbol masters have shown so far; until then a key is taken to be the same everywhere, since
    all brokers make their masters from the exchange's list (protocol: section 3)."""

    def __init__(self) -> None:
        self._known: dict[str, dict[InstrumentKey, InstrumentKey | None]] = {}
        self._lacking: dict[str, set[InstrumentKey]] = {}

    def at(self, broker: str, key: InstrumentKey) -> InstrumentKey | None:
        """An instrument's key at a broker; None where the broker's master has no such instrument."""
        return self._known.get(broker, {}).get(key, key)

    def is_known(self, broker: str, key: InstrumentKey) -> bool:
        """Whether the broker's own master was asked for this instrument."""
        return key in self._known.get(broker, {})

    def lacks(self, broker: str) -> set[InstrumentKey]:
        """Instruments that the broker's master does not have."""
        return self._lacking.get(broker, set())

    def learn(self, broker: str, key: InstrumentKey, there: InstrumentKey | None) -> None:
        """Take down what a broker's master says; None: it has no such instrument."""
        self._known.setdefault(broker, {})[key] = there
        if there is None:
            self._lacking.setdefault(broker, set()).add(key)
        else:
            self._lacking.get(broker, set()).discard(key)

    def forget(self, broker: str) -> None:
        """Its master is of another day now."""
        self._known.pop(broker, None)
        self._lacking.pop(broker, None)
