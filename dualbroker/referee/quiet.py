"""What brokers show where nothing moves: there all of them should show the same. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dualbroker.referee.tape import Floats, Tape

__all__ = ["QuietPoints", "quiet_points"]

QUIET_INTERVALS = 2.5
"""An instrument is quiet once no broker has updated it for so many mean update intervals of the slowest."""
SHORTEST_QUIET_S = 2.0
FEWEST_FOR_OFFSET = 3
OTHER_VOLUME = 1.5
"""By this factor volumes differ where they are of another instrument or in another unit, and not late."""


@dataclass(frozen=True)
class QuietPoints:
    """Volume and price that two brokers showed at each quiet point, in order of time; NaN is unknown."""

    volume_a: Floats
    price_a: Floats
    volume_b: Floats
    price_b: Floats

    def __len__(self) -> int:
        return len(self.volume_a)

    @property
    def offset(self) -> float:
        """Units that ``b`` shows more than ``a`` at every single point; 0 where it is not always the same."""
        if len(self) < FEWEST_FOR_OFFSET:
            return 0.0
        differences = self.volume_b - self.volume_a
        moves = len(np.unique(self.volume_a)) >= FEWEST_FOR_OFFSET
        return float(differences[0]) if moves and np.all(differences == differences[0]) else 0.0

    def coverage(self) -> tuple[int, int]:
        """At how many points ``b`` showed the newest price and volume, and of how many."""
        known = np.isfinite(self.volume_a) & np.isfinite(self.volume_b)
        volume_b = self.volume_b - self.offset
        same = (volume_b == self.volume_a) & (self.price_b == self.price_a)
        return int(np.count_nonzero(known & (same | (volume_b > self.volume_a)))), int(known.sum())

    def contradictions(self) -> NDArray[np.bool_]:
        """By point: whether the two show what can't be the same instrument in the same unit.

        That is the same volume at another price, or a volume so far off that no lost updates explain it.
        """
        volume_b = self.volume_b - self.offset
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = volume_b / self.volume_a
        other_price = (self.volume_a == volume_b) & (np.abs(self.price_a - self.price_b) > 0)
        contradicts: NDArray[np.bool_] = other_price | (ratio > OTHER_VOLUME) | (ratio < 1 / OTHER_VOLUME)
        return contradicts

    def words(self) -> str:
        """What the last point shows of the two."""
        a, b = (self.volume_a[-1], self.price_a[-1]), (self.volume_b[-1], self.price_b[-1])
        return f"it shows volume {b[0]:.0f} at {b[1]:g} rupees, the reference {a[0]:.0f} at {a[1]:g}"


def quiet_points(a: Tape, b: Tape, until: float) -> QuietPoints:
    """One point in each stretch without any update that is long enough."""
    bound = max(SHORTEST_QUIET_S, QUIET_INTERVALS * max(a.interval, b.interval))
    begin = max(a.times[0], b.times[0]) if len(a) and len(b) else until
    times = np.append(np.sort(np.concatenate((a.times, b.times))), until)
    moments = times[:-1][np.diff(times) > bound] + bound
    moments = moments[moments > begin]
    return QuietPoints(*a.at(moments), *b.at(moments))
