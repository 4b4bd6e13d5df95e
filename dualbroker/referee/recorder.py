"""Writes down what brokers show of a sample, and compares it stretch by stretch. Pure.

A stretch ends with a new day, a new connection of either broker, a volume that falls and the sample's change:
nothing is compared across it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import msgspec

from dualbroker.clock import NS_PER_S
from dualbroker.model import InstrumentKey
from dualbroker.referee.comparison import Compared, Summary, compare, summarise
from dualbroker.referee.tape import TapeWriter

__all__ = ["Recorder"]

SIGNS_FOR_INCIDENT = 5
MOST_COMPARED = 2_000
"""Stretches kept of each broker; the oldest go first."""


class Recorder:
    """Tapes of the instruments that are sampled now, and what came of those before."""

    def __init__(self) -> None:
        self.reference: str | None = None
        """The broker with which all others are compared."""
        self._in_a_row: Counter[tuple[str, InstrumentKey]] = Counter()
        """Quiet points at which a broker contradicted, the last ones of the stretches that are over."""
        self._tapes: dict[InstrumentKey, dict[str, TapeWriter]] = {}
        self._compared: dict[str, list[tuple[InstrumentKey, Compared]]] = {}

    def set_reference(self, name: str) -> None:
        """Compare with this broker from now on; what was compared with another one is forgotten."""
        if name == self.reference:
            return
        self.reference = name
        self._tapes.clear()
        self._compared.clear()
        self._in_a_row.clear()

    def note(
        self, broker: str, key: InstrumentKey, time_ns: int, volume: float | None, price: float | None
    ) -> None:
        """Take one update down. Volume in units and price in rupees; None is unchanged.

        Parameters
        ----------
        time_ns
            When it was received, UTC ns.
        """
        writer = self._tapes.setdefault(key, {}).setdefault(broker, TapeWriter())
        if not writer.add(time_ns, volume, price):
            # Nothing is known of the time in between, which may be a night.
            self.end([key], max(each.times_ns[-1] for each in self._tapes[key].values()))
            self.note(broker, key, time_ns, volume, price)

    def restart(self, broker: str, now_ns: int) -> None:
        """A broker's connection is new or no more: what it shows from now on is compared by itself."""
        for key, writers in list(self._tapes.items()):
            if broker in writers:
                self._keep(key, now_ns, None if broker == self.reference else broker)
                if broker == self.reference:
                    del self._tapes[key]
                else:
                    del writers[broker]

    def end(self, keys: Iterable[InstrumentKey], now_ns: int) -> None:
        """These are not sampled any more, or begin afresh."""
        for key in list(keys):
            if key in self._tapes:
                self._keep(key, now_ns, None)
                del self._tapes[key]

    def summaries(self, now_ns: int) -> dict[str, Summary]:
        """The figures of each broker so far, the reference's own first; empty without a reference.

        The reference's lag is 0 by definition, and its other figures are against the others.
        """
        rows: dict[str, list[tuple[InstrumentKey, Compared]]] = {
            name: list(compared) for name, compared in self._compared.items()
        }
        for key in self._tapes:
            for name, compared in self._compare(key, now_ns, None):
                rows.setdefault(name, []).append((key, compared))
        found = {
            name: summarise([each for _, each in compared], len({key for key, _ in compared}))
            for name, compared in rows.items()
        }
        if self.reference in found:
            nan = float("nan")
            own = msgspec.structs.replace(
                found.pop(self.reference), lag=0.0, lag_error=nan, lag_p50=nan, lag_p99=nan, first_share=nan,
                index_lag=nan, index_lag_error=nan,
            )  # fmt: skip
            found = {self.reference: own, **found}
        return found

    def contradictions(self, now_ns: int) -> dict[tuple[str, InstrumentKey], str]:
        """By broker and instrument: what speaks for a wrong mapping or unit, in words.

        It takes five quiet points in a row, also over several stretches: one alone may be a lost update.
        """
        found = {}
        for key in self._tapes:
            for name, compared in self._compare(key, now_ns, None):
                if name != self.reference and self._run(name, key, compared) >= SIGNS_FOR_INCIDENT:
                    found[name, key] = compared.contradiction
        return found

    def _run(self, name: str, key: InstrumentKey, compared: Compared) -> int:
        """Contradictions in a row with those of a stretch."""
        goes_on = compared.contradictions == compared.quiet
        return compared.contradictions + (self._in_a_row[name, key] if goes_on else 0)

    def _keep(self, key: InstrumentKey, now_ns: int, only: str | None) -> None:
        for name, compared in self._compare(key, now_ns, only):
            kept = self._compared.setdefault(name, [])
            kept.append((key, compared))
            self._in_a_row[name, key] = self._run(name, key, compared)
            del kept[:-MOST_COMPARED]

    def _compare(self, key: InstrumentKey, now_ns: int, only: str | None) -> list[tuple[str, Compared]]:
        """Both ways: each broker against the reference, and the reference against it."""
        writers = self._tapes[key]
        if self.reference is None or self.reference not in writers:
            return []
        zero_ns = min(writer.times_ns[0] for writer in writers.values())
        until = (now_ns - zero_ns) / NS_PER_S
        reference = writers[self.reference].tape(zero_ns)
        found: list[tuple[str, Compared]] = []
        for name, writer in writers.items():
            if name == self.reference or only not in (None, name):
                continue
            own = writer.tape(zero_ns)
            compared = compare(reference, own, until)
            found += [(name, compared), (self.reference, compare(own, reference, until))]
        return found
