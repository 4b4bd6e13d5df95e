"""What one broker showed of one instrument, as arrays. Pure."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from dualbroker.clock import NS_PER_S

__all__ = ["Floats", "Rises", "Span", "Tape", "TapeWriter"]

Floats = NDArray[np.float64]
MOST_POINTS = 200_000
"""Of one broker and instrument; beyond it nothing more is written."""


@dataclass(frozen=True)
class Rises:
    """The moments at which a broker showed more volume than before, its first message first."""

    times: Floats
    """Seconds, rising."""
    levels: Floats
    """Cumulative volume in units, strictly rising."""

    def __len__(self) -> int:
        return len(self.times)

    def level_at(self, moment: float) -> float:
        """What it showed at a moment; -inf before its first message."""
        at = int(np.searchsorted(self.times, moment, side="right")) - 1
        return float(self.levels[at]) if at >= 0 else -np.inf


@dataclass(frozen=True)
class Tape:
    """All updates of one instrument by one broker, in order of arrival.

    Parameters
    ----------
    times
        Receive times in seconds, from any zero that all tapes of a comparison share; float64, rising.
    volumes
        Cumulative volume of the day in units after each update; NaN where it is unknown, as of an index.
    prices
        Last traded price in rupees after each update; NaN where it is unknown.
    """

    times: Floats
    volumes: Floats
    prices: Floats

    def __len__(self) -> int:
        return len(self.times)

    @property
    def has_volume(self) -> bool:
        return bool(np.isfinite(self.volumes).any())

    @property
    def interval(self) -> float:
        """Mean seconds between two updates; inf with fewer than two."""
        if len(self) < 2:
            return np.inf
        return float(self.times[-1] - self.times[0]) / (len(self) - 1)

    def rises(self, offset: float = 0.0) -> Rises:
        """Its rises, ``offset`` units less."""
        known = np.isfinite(self.volumes)
        times, volumes = self.times[known], self.volumes[known] - offset
        highest = np.maximum.accumulate(volumes)
        is_new = np.ones(len(highest), bool)
        is_new[1:] = highest[1:] > highest[:-1]
        return Rises(times[is_new], highest[is_new])

    def at(self, moments: Floats) -> tuple[Floats, Floats]:
        """Volume and price shown at each moment; NaN before the first update."""
        if not len(self):
            nothing = np.full(len(moments), np.nan)
            return nothing, nothing
        places = np.searchsorted(self.times, moments, side="right") - 1
        before = places < 0
        return (
            np.where(before, np.nan, self.volumes[places]),
            np.where(before, np.nan, self.prices[places]),
        )


def _numbers() -> array[float]:
    return array("d")


@dataclass(eq=False)
class TapeWriter:
    """A tape while it is written."""

    times_ns: array[int] = field(default_factory=lambda: array("q"))
    volumes: array[float] = field(default_factory=_numbers)
    prices: array[float] = field(default_factory=_numbers)

    def __len__(self) -> int:
        return len(self.times_ns)

    def add(self, time_ns: int, volume: float | None, price: float | None) -> bool:
        """Write one update down; None is what it does not say, and stays as it was.

        Returns
        -------
        bool
            False: the volume has fallen, so it is another day's, or another instrument's; or it came before
            the last one. Nothing is written.
        """
        last_volume, last_price = (self.volumes[-1], self.prices[-1]) if self.volumes else (np.nan, np.nan)
        volume = last_volume if volume is None else volume
        if volume < last_volume or (self.times_ns and time_ns < self.times_ns[-1]):
            return False
        if len(self) < MOST_POINTS:
            self.times_ns.append(time_ns)
            self.volumes.append(volume)
            self.prices.append(last_price if price is None else price)
        return True

    def tape(self, zero_ns: int) -> Tape:
        """A copy of what is written, in seconds after ``zero_ns``."""

        def copied(numbers: array[Any]) -> NDArray[Any]:
            return np.array(numbers)

        times = (copied(self.times_ns) - zero_ns) / NS_PER_S
        return Tape(np.asarray(times, np.float64), copied(self.volumes), copied(self.prices))


class Span(msgspec.Struct, frozen=True, order=True):
    """A stretch of time, in seconds of its tapes."""

    begin: float
    end: float
