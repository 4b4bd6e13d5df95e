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
    PROBE = auto()
    """What it brings is compared with the source's, and counts for nothing else."""


class _Claim(msgspec.Struct, gc=False):
    there: InstrumentKey
    """The key at the broker."""
    kinds: dict[Purpose, FeedType]

    @property
    def is_probe(self) -> bool:
        """It is streamed for nothing else."""
        return len(self.kinds) == 1 and Purpose.PROBE in self.kinds

    @property
    def kind(self) -> FeedType:
        return FeedType.DEPTH if FeedType.DEPTH in self.kinds.values() else FeedType.TOUCHLINE


class Wire:
    """Wire subscriptions. ``difference`` says what leads from what was sent to what is claimed."""

    def __init__(self) -> None:
        self.limited: Collection[str] = ()
        """Brokers with a limit: they are told first what to stop, or they would be asked for too much."""
        self._claims: dict[str, dict[InstrumentKey, _Claim]] = {}
        self._sent: dict[str, dict[InstrumentKey, tuple[InstrumentKey, FeedType]]] = {}
        """Of each broker that is connected."""
        self._touched: dict[str, dict[InstrumentKey, None]] = {}
        self._needs_full: set[tuple[str, InstrumentKey]] = set()
        """What was sent, and is claimed for one purpose more, which begins with a full quote."""
        self._probed: dict[str, set[InstrumentKey]] = {}
        """Keys at each broker that were streamed for nothing but a probe; also those that have been ended on
        this connection, since what is on its way still comes."""
        self._only_probed: dict[str, set[InstrumentKey]] = {}
        """What each broker is claimed for as nothing but a probe."""
        self._ended_probes: set[tuple[str, InstrumentKey]] = set()

    def claimed(self, broker: str) -> dict[InstrumentKey, FeedType]:
        """What a broker shall stream, and as what."""
        return {key: claim.kind for key, claim in self._claims.get(broker, {}).items()}

    def claims_of(self, broker: str) -> Collection[InstrumentKey]:
        """The same without the kinds, and without what is only probed: that takes up no room."""
        claims, probes = self._claims.get(broker, {}), self._only_probed.get(broker)
        return claims.keys() - probes if probes else claims.keys()

    def asked(self, broker: str) -> list[InstrumentKey]:
        """What a broker was asked for on its connection, in that order."""
        return list(self._sent.get(broker, ()))

    def carries(self, broker: str) -> bool:
        """Whether a broker shall stream anything that counts."""
        return len(self._claims.get(broker, ())) > len(self._only_probed.get(broker, ()))

    def probed(self, broker: str) -> frozenset[InstrumentKey]:
        """Keys at a broker whose quotes are only compared."""
        return frozenset(self._probed.get(broker, ()))

    def key_at(self, broker: str, key: InstrumentKey) -> InstrumentKey | None:
        """The key under which a broker shall stream an instrument; None where it shall not."""
        claim = self._claims.get(broker, {}).get(key)
        return None if claim is None else claim.there

    def keys_of(self, broker: str, there: Collection[InstrumentKey]) -> list[InstrumentKey]:
        """Instruments that a broker shall stream and not only probe, by its keys of them."""
        claims = self._claims.get(broker, {})
        return [key for key, claim in claims.items() if claim.there in there and not claim.is_probe]

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
        if before is None and purpose is not Purpose.PROBE and key in self._sent.get(broker, ()):
            self._needs_full.add((broker, key))
        claim.kinds[purpose] = kind
        self._note_probe(broker, key, claim)
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
            if purpose is Purpose.PROBE:
                self._ended_probes.add((broker, claim.there))
        self._note_probe(broker, key, claim)
        self._touch(broker, key)

    def _note_probe(self, broker: str, key: InstrumentKey, claim: _Claim) -> None:
        if claim.is_probe:
            self._only_probed.setdefault(broker, set()).add(key)
            self._probed.setdefault(broker, set()).add(claim.there)
            return
        self._only_probed.get(broker, set()).discard(key)
        if claim.kinds:
            self._probed.get(broker, set()).discard(claim.there)

    def connected(self, broker: str) -> None:
        """A new connection is up, to which nothing was sent; touchline first, then depth, probes last."""
        self._sent[broker] = {}
        claims = self._claims.setdefault(broker, {})
        order = list(FeedType)
        self._touched[broker] = dict.fromkeys(
            sorted(claims, key=lambda key: (claims[key].is_probe, order.index(claims[key].kind)))
        )
        self._probed[broker] = {claim.there for claim in claims.values() if claim.is_probe}

    def disconnected(self, broker: str) -> None:
        """The connection is no more, and with it all that was sent."""
        self._sent.pop(broker, None)
        self._touched.pop(broker, None)
        self._needs_full = {each for each in self._needs_full if each[0] != broker}
        self._ended_probes = {each for each in self._ended_probes if each[0] != broker}
        self._probed.pop(broker, None)

    def difference(self) -> list[WireCommand]:
        """What to send, which counts as sent from now on. What is to be streamed comes first: a broker that
        takes quotes over must not wait for what it loses, unless it has a limit. Probes end before that: they
        make room."""
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
        probes = [there for there in gone if (broker, there) in self._ended_probes]
        self._ended_probes.difference_update((broker, there) for there in probes)
        for there in probes:
            del gone[there]
        commands: list[WireCommand] = [Unsubscribe(broker, tuple(probes))] if probes else []
        commands += [Subscribe(broker, tuple(keys), kind) for kind, keys in subscribe.items()]
        if again:
            commands.append(AskAgain(broker, tuple(again)))
        if gone:
            end = Unsubscribe(broker, tuple(gone))
            commands = [end, *commands] if broker in self.limited else [*commands, end]
        return commands

    def _touch(self, broker: str, key: InstrumentKey) -> None:
        if broker in self._sent:
            self._touched.setdefault(broker, {})[key] = None
