"""Who streams a sampled instrument beside its source, to be compared with it. Pure.

Probes are the first to go: a broker that is full, that has left anything unacknowledged, or that is to become
the source has none. Each instrument keeps its one source.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from dualbroker.model import InstrumentKey
from dualbroker.routing.caps import Caps
from dualbroker.routing.holders import Holders
from dualbroker.routing.keys import KeysAtBrokers
from dualbroker.routing.moves import Moves
from dualbroker.routing.refusals import Refusals
from dualbroker.routing.standing import Standing
from dualbroker.routing.wire import Purpose, Wire

__all__ = ["Probes"]


@dataclass
class Probes:
    """Claims on the ``wire`` what is streamed only to be compared."""

    wire: Wire
    keys: KeysAtBrokers
    holders: Holders
    standing: Standing
    refusals: Refusals
    moves: Moves
    caps: Caps
    sample: tuple[InstrumentKey, ...] = ()
    """What is compared; the first ones matter most where a broker has no room for all."""
    able: set[str] = field(default_factory=set)
    """Brokers that can tell a probe's quotes from others."""
    _claimed: dict[str, dict[InstrumentKey, None]] = field(default_factory=dict)

    def of(self, broker: str) -> frozenset[InstrumentKey]:
        """Instruments that are probed at a broker."""
        return frozenset(self._claimed.get(broker, ()))

    def choose(self, sample: Iterable[InstrumentKey]) -> None:
        """Compare these from now on, and no others."""
        self.sample = tuple(dict.fromkeys(sample))

    def arrange(self) -> None:
        """Claim what follows from who streams what now, and release all else."""
        if not self.sample and not self._claimed:
            return
        for name in self.standing.brokers:
            wanted = self._wanted_at(name)
            for key in self._claimed.get(name, ()):
                if key not in wanted:
                    self.wire.release(name, key, Purpose.PROBE)
            for key, there in wanted.items():
                self.wire.claim(name, key, there, Purpose.PROBE, self.holders.wanted[key])
            self._claimed[name] = dict.fromkeys(wanted)
        if not any(self._claimed.values()):
            self._claimed.clear()

    def _wanted_at(self, name: str) -> dict[InstrumentKey, InstrumentKey]:
        """By instrument: its key there."""
        if name not in self.able or not self.standing.serves(name) or self.refusals.count(name):
            return {}
        wanted = {
            key: there
            for key in self.sample
            if key in self.holders.wanted
            and self.moves.is_served(key)
            and self.moves.target_of(key) != name
            and self.moves.source_of(key) != name
            # A key is not taken over from another broker's master unseen: it may be another instrument there.
            and self.keys.is_known(name, key)
            and (there := self.keys.at(name, key)) is not None
        }
        cap = self.caps.of(name)
        room = None if cap is None else max(0, cap.most - len(self.wire.claims_of(name)))
        return dict(list(wanted.items())[:room])
