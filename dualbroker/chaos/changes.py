"""Each change of an instrument's quote source, as the stored ticks show it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from dualbroker.model import Instrument

__all__ = ["Change", "SourceChanges"]


class Change(msgspec.Struct, frozen=True):
    """One instrument's ticks came from one broker, and then from another. Times are UTC ns of receipt."""

    instrument: Instrument
    old: str
    new: str
    last_ns: int
    """Of the old source's last tick."""
    first_ns: int
    """Of the new source's first."""


class SourceChanges:
    """What changed its source while somebody held it all the time.

    Parameters
    ----------
    instruments
        By position in the market.
    left_ns
        By qualified name: when its last holder released it. Who takes it up after that starts over.
    """

    def __init__(self, instruments: Sequence[Instrument], left_ns: Mapping[str, int]) -> None:
        self._instruments = instruments
        self._left_ns = left_ns
        self._last: dict[int, tuple[str, int]] = {}
        self.changes: list[Change] = []

    def see(self, place: int, broker: str, time_ns: int) -> None:
        """A tick of the instrument at a position was stored."""
        old, last_ns = self._last.get(place, (broker, time_ns))
        self._last[place] = broker, time_ns
        if old == broker:
            return
        instrument = self._instruments[place]
        if self._left_ns.get(instrument.qualified_name, 0) < last_ns:
            self.changes.append(Change(instrument, old, broker, last_ns, time_ns))
