"""What each broker shall stream, counted by purpose, and what it was sent on its present connection. Pure."""

from __future__ import annotations

from collections.abc import Collection
from enum import Enum, auto

import msgspec

from dualbroker.model import FeedType, InstrumentKey
from dualbroker.routing.commands import AskAgain, Subscribe, Unsubscribe, WireCommand

__all__ = ["Purpose", "Wire"]


class Purpose(Enum):
    """What a broker streams an instrument for. The end of one purpose never ends another one."""

    SOURCE = auto()
    HAND_OVER = auto()
    """It shall become the source with its first full quote."""


class _Claim(msgspec.Struct, gc=False):
    there: InstrumentKey
    """The key at the broker."""
    kinds: dict[Purpose, FeedType]

    @property
    def kind(self) -> FeedType:
        return FeedType.DEPTH if FeedType.DEPTH in self.kinds.values() else FeedType.TOUCHLINE


class Wire:
    """Wire subscriptions. ``difference`` says what leads from what was sent to what is claimed."""

    def __init__(self) -> None:
        self._claims: dict[str, dict[InstrumentKey, _Claim]] = {}
        self._sent: dict[str, dict[InstrumentKey, tuple[InstrumentKey, FeedType]]] = {}
        """Of each broker that is connected."""
        self._touched: dict[str, dict[InstrumentKey, None]] = {}
        self._needs_full: set[tuple[str, InstrumentKey]] = set()
        """What was sent, and is claimed for one purpose more, which begins with a full quote."""

    def claimed(self, broker: str) -> dict[InstrumentKey, FeedType]:
        """What a broker shall stream, and as what."""
        return {key: claim.kind for key, claim in self._claims.get(broker, {}).items()}

    def claims_of(self, broker: str) -> Collection[InstrumentKey]:
        """The same without the kinds, and without a copy."""
        return self._claims.get(broker, {}).keys()

    def asked(self, broker: str) -> list[InstrumentKey]:
        """What a broker was asked for on its connection, in that order."""
        return list(self._sent.get(broker, ()))

    def carries(self, broker: str) -> bool:
        """Whether a broker shall stream anything."""
        return bool(self._claims.get(broker))

    def key_at(self, broker: str, key: InstrumentKey) -> InstrumentKey | None:
        """The key under which a broker shall stream an instrument; None where it shall not."""
        claim = self._claims.get(broker, {}).get(key)
        return None if claim is None else claim.there

    def keys_of(self, broker: str, there: Collection[InstrumentKey]) -> list[InstrumentKey]:
        """Instruments that a broker shall stream, by its keys of them."""
        return [key for key, claim in self._claims.get(broker, {}).items() if claim.there in there]

    def add_broker(self, broker: str) -> None:
        """Commands go to brokers in the order in which they are added."""
        self._claims.setdefault(broker, {})

    def claim(
        self, broker: str, key: InstrumentKey, there: InstrumentKey, purpose: Purpose, kind: FeedType
    ) -> None:
        """Let a broker stream an instrument for a purpose, or change the kind."""
        claims = self._claims.setdefault(broker, {})
        claim = claims.get(key)
        if claim is None:
            claim = claims[key] = _Claim(there, {})
        before = claim.kinds.get(purpose)
        if before is kind:
            return
        if before is None and key in self._sent.get(broker, ()):
            self._needs_full.add((broker, key))
        claim.kinds[purpose] = kind
        self._touch(broker, key)

    def promote(self, broker: str, key: InstrumentKey) -> None:
        """A hand-over has come to its end: the broker is the source."""
        kinds = self._claims[broker][key].kinds
        kinds[Purpose.SOURCE] = kinds.pop(Purpose.HAND_OVER)

    def release(self, broker: str, key: InstrumentKey, purpose: Purpose) -> None:
        """A purpose is over."""
        claims = self._claims.get(broker, {})
        claim = claims.get(key)
        if claim is None or claim.kinds.pop(purpose, None) is None:
            return
        if not claim.kinds:
            del claims[key]
        self._touch(broker, key)

    def connected(self, broker: str) -> None:
        """A new connection is up, to which nothing was sent; touchline first, then depth."""
        self._sent[broker] = {}
        claims = self._claims.setdefault(broker, {})
        order = list(FeedType)
        self._touched[broker] = dict.fromkeys(sorted(claims, key=lambda key: order.index(claims[key].kind)))

    def disconnected(self, broker: str) -> None:
        """The connection is no more, and with it all that was sent."""
        self._sent.pop(broker, None)
        self._touched.pop(broker, None)
        self._needs_full = {each for each in self._needs_full if each[0] != broker}

    def difference(self) -> list[WireCommand]:
        """What to send, which counts as sent from now on. What is to be streamed comes first: a broker that
        takes quotes over must not wait for what it loses."""
        commands: list[WireCommand] = []
        for broker in self._claims:
            touched = self._touched.pop(broker, None)
            if touched:
                commands += self._difference_at(broker, touched)
        return commands

    def _difference_at(self, broker: str, touched: dict[InstrumentKey, None]) -> list[WireCommand]:
        sent, claims = self._sent[broker], self._claims[broker]
        gone: dict[InstrumentKey, FeedType] = {}
        for key in touched:
            claim, before = claims.get(key), sent.get(key)
            if before is not None and (claim is None or claim.there != before[0]):
                gone[before[0]] = before[1]
                del sent[key]
        subscribe: dict[FeedType, list[InstrumentKey]] = {}
        again: list[InstrumentKey] = []
        for key in touched:
            needs_full = (broker, key) in self._needs_full
            self._needs_full.discard((broker, key))
            if (claim := claims.get(key)) is None:
                continue
            # Exchanges give a token out again: what another instrument had brings no full quote by itself.
            inherited = gone.pop(claim.there, None)
            before = sent.get(key) if inherited is None else (claim.there, inherited)
            sent[key] = claim.there, claim.kind
            if before != sent[key]:
                subscribe.setdefault(claim.kind, []).append(claim.there)
            elif needs_full or inherited is not None:
                again.append(claim.there)
        commands: list[WireCommand] = [
            Subscribe(broker, tuple(keys), kind) for kind, keys in subscribe.items()
        ]
        if again:
            commands.append(AskAgain(broker, tuple(again)))
        if gone:
            commands.append(Unsubscribe(broker, tuple(gone)))
        return commands

    def _touch(self, broker: str, key: InstrumentKey) -> None:
        if broker in self._sent:
            self._touched.setdefault(broker, {})[key] = None
