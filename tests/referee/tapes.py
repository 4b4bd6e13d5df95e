"""Made-up trades of one instrument, and how brokers with set faults show them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dualbroker.referee.tape import Floats, Tape


@dataclass(frozen=True)
class Trades:
    """What truly happened."""

    times: Floats
    volumes: Floats
    prices: Floats
    seconds: float
    rate: float


def make_trades(seed: int, rate: float, seconds: float, *, base: float = 5000.0) -> Trades:
    """Trades at random moments, of one to some dozens of lots, prices on a grid of ticks."""
    chance = np.random.default_rng(seed)
    count = chance.poisson(rate * seconds)
    times = np.sort(chance.uniform(0, seconds, count))
    sizes = 75.0 * np.maximum(1, np.round(chance.lognormal(0.5, 0.7, count)))
    prices = 200.0 + 0.05 * np.cumsum(chance.integers(-3, 4, count).astype(np.float64))
    return Trades(times, base + np.cumsum(sizes), prices, seconds, rate)


@dataclass(frozen=True)
class Shown:
    """How a broker shows trades."""

    delay: float = 0.0
    period: float = 0.0
    """Of conflation; 0: each trade is an update of its own."""
    phase: float = 0.0
    """Share of a period by which its moments are later."""
    loss: float = 0.0
    """Share of updates that never come."""
    stalls: tuple[tuple[float, float], ...] = ()
    """Begin and end by the exchange's time; what it holds back comes as one update at its end."""
    offset: float = 0.0

    def expected_lateness(self, rate: float) -> float:
        """Mean seconds between a trade and the first update that shows it, worked out."""
        wait = 1 / rate if not self.period else self.period / -np.expm1(-rate * self.period)
        return self.delay + self.period / 2 + wait * self.loss / (1 - self.loss)

    def tape(self, trades: Trades, seed: int) -> Tape:
        chance = np.random.default_rng([seed, 77])
        shown = trades.times
        if self.period:
            begin = self.phase * self.period
            shown = begin + np.ceil((shown - begin) / self.period) * self.period
        for begin, end in self.stalls:
            shown = np.where((shown > begin) & (shown <= end), end, shown)
        # The last trade of those that are shown at the same moment is what the update says.
        last = np.append(shown[1:] != shown[:-1], True) if len(shown) else np.empty(0, bool)
        kept = last & (chance.uniform(size=len(shown)) >= self.loss)
        base = trades.volumes[0] - 75.0
        times = np.concatenate(([0.0], shown[kept] + self.delay))
        volumes = np.concatenate(([base], trades.volumes[kept])) + self.offset
        prices = np.concatenate(([200.0], trades.prices[kept]))
        come = times <= trades.seconds
        return Tape(times[come], volumes[come], prices[come])
