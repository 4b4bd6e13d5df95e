"""What a chart draws, in few points however many ticks there are: prices in buckets of time. Pure.

Rows have running numbers. Only the newest row of a series still changes, so a reader that has drawn up to a
number needs the rows from that number on, and may be given rows again that it has.
"""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray

from dualbroker.frames.bars import bar_starts_ns

__all__ = ["CandleSeries", "LineSeries", "Series"]

Numbers = NDArray[np.float64]

POINTS_ACROSS = 500
"""Buckets of a line over the whole width of a chart: about one in two pixels."""

_MS_NS = 1_000_000


class Series:
    """Rows of numbers, the oldest first, of a span of time.

    Parameters
    ----------
    span_ns
        How much is kept, back from the newest tick.
    fields
        Numbers in a row; the first is a time in ms (UTC), which never falls.
    """

    def __init__(self, span_ns: int, fields: int) -> None:
        self.span_ns = span_ns
        self.fields = fields
        self.first = 0
        """Running number of the oldest row that is kept."""
        self._rows: deque[list[float]] = deque()
        self._bucket: int | None = None

    @property
    def next(self) -> int:
        """Running number that the next row will have."""
        return self.first + len(self._rows)

    @property
    def last_price(self) -> float | None:
        """Of the newest tick; None before the first."""
        return self._rows[-1][-1] if self._rows else None

    def add(self, times_ns: NDArray[np.int64], prices: Numbers) -> None:
        """Take ticks up, in order of time (UTC ns); a price that is none (0, unknown) is left out."""
        use = prices > 0
        times_ns, prices = times_ns[use], prices[use]
        if not len(times_ns):
            return
        buckets = self._buckets(times_ns)
        begins = np.flatnonzero(np.diff(buckets, prepend=buckets[0] - 1))
        for begin, end in zip(begins, [*begins[1:], len(buckets)], strict=True):
            self._merge(int(buckets[begin]), times_ns[begin:end], prices[begin:end])
        self._forget(int(times_ns[-1]) - self.span_ns)

    def rows(self, number: int = 0) -> tuple[int, Numbers]:
        """The rows kept from a running number on: the number of the first of them, and the rows."""
        first = min(max(number, self.first), self.next)
        kept = [row for place, row in enumerate(self._rows, self.first) if place >= first]
        return first, np.array(kept, np.float64).reshape(len(kept), self.fields)

    def _merge(self, bucket: int, times_ns: NDArray[np.int64], prices: Numbers) -> None:
        if bucket == self._bucket:
            self._rows[-1] = self._joined(self._rows[-1], times_ns, prices)
        elif self._bucket is None or bucket > self._bucket:
            self._bucket = bucket
            self._rows.append(self._begun(bucket, times_ns, prices))

    def _forget(self, before_ns: int) -> None:
        # The last one before the span stays: the line comes from there.
        while len(self._rows) > 1 and self._rows[1][0] * _MS_NS < before_ns:
            self._rows.popleft()
            self.first += 1

    def _buckets(self, times_ns: NDArray[np.int64]) -> NDArray[np.int64]:
        raise NotImplementedError

    def _begun(self, bucket: int, times_ns: NDArray[np.int64], prices: Numbers) -> list[float]:
        raise NotImplementedError

    def _joined(self, row: list[float], times_ns: NDArray[np.int64], prices: Numbers) -> list[float]:
        raise NotImplementedError


class LineSeries(Series):
    """A rolling line: of each bucket three points in order of time, the lowest, the highest, and the last.

    A row is three times (time in ms, price). Ticks that are further apart than a bucket are all there, at
    their own time.
    """

    def __init__(self, span_ns: int) -> None:
        super().__init__(span_ns, 6)
        self._width_ns = max(1, span_ns // POINTS_ACROSS)

    def _buckets(self, times_ns: NDArray[np.int64]) -> NDArray[np.int64]:
        return times_ns // self._width_ns

    def _begun(self, bucket: int, times_ns: NDArray[np.int64], prices: Numbers) -> list[float]:
        return self._of([(time / _MS_NS, price) for time, price in _extremes(times_ns, prices)])

    def _joined(self, row: list[float], times_ns: NDArray[np.int64], prices: Numbers) -> list[float]:
        old = list(zip(row[::2], row[1::2], strict=True))
        return self._of([*old, *((time / _MS_NS, price) for time, price in _extremes(times_ns, prices))])

    @staticmethod
    def _of(points: list[tuple[float, float]]) -> list[float]:
        extremes = sorted((min(points, key=_price), max(points, key=_price)))
        return [number for point in (*extremes, points[-1]) for number in point]


class CandleSeries(Series):
    """Candles: start (ms), open, high, low, close; their edges are those of ``feed.bars``."""

    def __init__(self, span_ns: int, width_ns: int) -> None:
        super().__init__(span_ns, 5)
        self._width_ns = width_ns

    def _buckets(self, times_ns: NDArray[np.int64]) -> NDArray[np.int64]:
        return bar_starts_ns(times_ns, self._width_ns)

    def _begun(self, bucket: int, times_ns: NDArray[np.int64], prices: Numbers) -> list[float]:
        return [bucket / _MS_NS, *map(float, (prices[0], prices.max(), prices.min(), prices[-1]))]

    def _joined(self, row: list[float], times_ns: NDArray[np.int64], prices: Numbers) -> list[float]:
        start, first, high, low, _ = row
        return [
            start,
            first,
            max(high, float(prices.max())),
            min(low, float(prices.min())),
            float(prices[-1]),
        ]


def _price(point: tuple[float, float]) -> float:
    return point[1]


def _extremes(times_ns: NDArray[np.int64], prices: Numbers) -> list[tuple[int, float]]:
    places = sorted({int(prices.argmin()), int(prices.argmax()), len(prices) - 1})
    return [(int(times_ns[place]), float(prices[place])) for place in places]
