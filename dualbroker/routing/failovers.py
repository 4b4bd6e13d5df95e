"""Each change of the quote source: what moves, why, what it costs, and when it is over. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from dualbroker.model import InstrumentKey
from dualbroker.routing.commands import FailoverFinished
from dualbroker.stores.incidents import Failover

__all__ = ["Failovers"]


class Failovers:
    """The failovers under way. A ``Failover`` is written here, also after it has finished: a broker may bring
    an instrument long after the others."""

    def __init__(self) -> None:
        self.count = 0
        """Of all that ever began, and so the number of the newest."""
        self._open: dict[int, tuple[Failover, set[InstrumentKey]]] = {}
        """With what is left to be moved."""

    def begin(self, failover: Failover, keys: Iterable[InstrumentKey]) -> None:
        """One begins, with these instruments."""
        self.count = failover.number
        self._open[failover.number] = failover, set(keys)

    def covered(self, failover: Failover, key: InstrumentKey, name: str, gap_s: float) -> None:
        """The new broker has brought an instrument, after a gap; maybe long after the others."""
        failover.gaps_s[key] = gap_s
        if name in failover.uncovered:
            failover.uncovered = tuple(each for each in failover.uncovered if each != name)

    def uncovered(self, failover: Failover | None, key: InstrumentKey, name: str) -> None:
        """The new broker does not bring an instrument: nothing more is waited for."""
        if failover is not None and self.settled(failover, key):
            failover.uncovered = tuple(dict.fromkeys((*failover.uncovered, name)))

    def settled(self, failover: Failover | None, key: InstrumentKey) -> bool:
        """An instrument's move has come to its end; whether that was waited for."""
        _, left = (failover and self._open.get(failover.number)) or (None, set())
        was_left = key in left
        left.discard(key)
        return was_left

    def finish(self) -> list[FailoverFinished]:
        """Those that are over."""
        finished = [failover for failover, left in self._open.values() if not left]
        for failover in finished:
            failover.finished = True
            del self._open[failover.number]
        return [FailoverFinished(failover) for failover in finished]
