"""A rolling chart of one instrument, a line of ticks or candles."""

from __future__ import annotations

from typing import Any

import ipywidgets
import numpy as np
from numpy.typing import NDArray

from dualbroker.clock import ist
from dualbroker.errors import ArgumentError
from dualbroker.feed.runtime import Runtime
from dualbroker.figures import age, money, signed
from dualbroker.frames.bars import auctions_at, indicative, interval_ns
from dualbroker.notebook.live.chart_series import CandleSeries, LineSeries, Series
from dualbroker.notebook.live.live_view import LiveView
from dualbroker.notebook.live.widgets import ChartWidget, push_plotly
from dualbroker.notebook.pictures.chart_png import HEIGHT, chart_png
from dualbroker.stores.quotes import QuoteStore
from dualbroker.view.rows import iso_time, price_decimals, rupee_sign

__all__ = ["CANDLES_ACROSS", "LINE_MINUTES", "ChartView", "packed_rows"]

LINE_MINUTES = 10.0
CANDLES_ACROSS = 60
"""How much a chart shows unless told: minutes of a line, candles."""
TAIL_ROWS = 12
"""Sent each time, so that a page which missed one update misses nothing."""
MOST_TAIL_ROWS = 80
"""More that are new at once are left for the next page load: an update stays under 5 kB."""

_MINUTE_NS = 60_000_000_000
_MS_NS = 1_000_000
OLD_NS = 5_000_000_000
"""From then on a last price is not drawn as the current one; as in chart.js."""
LONGEST_SILENCE_NS = 1_000_000_000
"""After which the time is written although no tick came, so that the chart rolls on."""


def packed_rows(
    first: int, rows: NDArray[np.float64], now_ms: float, change_percent: float, quoted_ms: float
) -> bytes:
    """Rows of a series as bytes of float64: number of the first, fields, now (ms, UTC), change, time of the
    newest quote (ms, UTC), the rows."""
    head = np.array([first, rows.shape[1], now_ms, change_percent, quoted_ms], np.float64)
    return np.concatenate([head, rows.ravel()]).tobytes()


class ChartView(LiveView):
    """A rolling chart of one instrument.

    Parameters
    ----------
    feed
        Whose ticks are drawn.
    index
        The instrument's, in the feed's store.
    candles
        The length of a candle, such as ``"1min"``; None draws a line of ticks.
    minutes
        How far back the chart reaches; None is 10 for a line, and 60 candles.
    """

    what = "chart"

    def __init__(self, feed: Runtime, index: int, candles: str | None, minutes: float | None) -> None:
        super().__init__()
        self._feed = feed
        self._instrument = feed.manager.quotes.instruments[index]
        width_ns = None if candles is None else interval_ns(candles)
        if minutes is None:
            minutes = LINE_MINUTES if width_ns is None else CANDLES_ACROSS * width_ns / _MINUTE_NS
        span_ns = round(minutes * _MINUTE_NS)
        if span_ns <= 0:
            raise ArgumentError(f"minutes: expected more than 0, found {minutes!r}")
        self._series: Series = LineSeries(span_ns) if width_ns is None else CandleSeries(span_ns, width_ns)
        self._candles = candles
        self._candle_ms = None if width_ns is None else width_ns / _MS_NS
        self._decimals = price_decimals(self._instrument)
        self._sent = 0
        self._written_ns = 0
        self._change = float("nan")
        self._quoted_ns: int | None = None
        self._attach(feed.manager.quotes)
        self._options: dict[str, Any] = {
            "kind": "line" if candles is None else "candles",
            "symbol": self._instrument.symbol,
            "words": self._words(minutes),
            "mode": feed.mode,
            "decimals": self._decimals,
            "sign": rupee_sign(self._instrument),
            "span_ms": span_ns / _MS_NS,
            "ahead_ms": (self._candle_ms or 0) / 2,
            "height": HEIGHT,
        }
        push_plotly()
        self._chart = ChartWidget(self.heard, self._base, base=self._base(), options=self._options)

    def _words(self, minutes: float) -> str:
        shown = f"last {minutes:g} minutes" if minutes != 1 else "last minute"
        what = "ticks" if self._candles is None else f"candles of {self._candles}"
        return f"{self._instrument.exchange} · {what}, {shown} · IST"

    @property
    def widget(self) -> ipywidgets.Widget:
        return self._chart

    def _attach(self, store: QuoteStore) -> None:
        """Take up what is stored already; from here on only what is new is looked at."""
        self._store = store
        self._volume = float("nan")  # of the newest tick
        self._next_row = store.total_rows
        index = store.index_of(self._instrument.key)
        self._index = -1 if index is None else index
        rows, _, snapshots = store.rows_of(self._index)
        self._take(rows, snapshots)

    def _take(self, rows: NDArray[Any], snapshots: NDArray[np.bool_]) -> None:
        if not len(rows):
            return
        if not np.isnan(change := rows["change_percent"][-1]):
            self._change = float(change)
        self._quoted_ns = int(rows["receive_time"][-1])
        use = ~self._indicative(rows)
        if self._candles is not None:
            # A snapshot is no price of its own time, and feed.bars leaves it out too.
            use &= ~snapshots
        rows = rows[use]
        if len(rows):
            newest_ns = int(rows["receive_time"][-1])
            rows = rows[rows["receive_time"] >= newest_ns - 2 * self._series.span_ns]
            self._series.add(rows["receive_time"].astype(np.int64), rows["ltp"].astype(np.float64))

    def _indicative(self, rows: NDArray[Any]) -> NDArray[np.bool_]:
        """Which prices are those of an auction that goes on; feed.bars leaves them out, too."""
        steps = np.diff(rows["volume"], prepend=self._volume)
        self._volume = float(rows["volume"][-1])
        receive_ns = rows["receive_time"].astype(np.int64)
        hours = self._feed.manager.market_hours
        return indicative(receive_ns, steps, auctions_at(hours, self._instrument.exchange, receive_ns))

    def _take_new(self) -> bool:
        """Whether there was anything."""
        store = self._feed.manager.quotes
        if store is not self._store:
            # A feed that was reattached to its service has fresh stores.
            self._attach(store)
            return True
        taken = False
        for block, start, stop in store.rows_since(self._next_row):
            self._next_row = block.first + stop
            where = start + np.flatnonzero(block.published_instruments()[start:stop] == self._index)
            if len(where):
                self._take(block.published()[where], np.frombuffer(block.snapshots, np.bool_)[where])
                taken = True
        return taken

    def _packed(self, number: int) -> bytes:
        first, rows = self._series.rows(number)
        now_ms = self._feed.manager.clock.now_ns() / _MS_NS
        return packed_rows(first, rows, now_ms, self._change, self._quoted_ms())

    def _quoted_ms(self) -> float:
        """When the newest quote came (UTC); NaN before the first."""
        return float("nan") if self._quoted_ns is None else self._quoted_ns / _MS_NS

    def _is_old(self) -> bool:
        now_ns = self._feed.manager.clock.now_ns()
        return self._quoted_ns is not None and now_ns - self._quoted_ns > OLD_NS

    def _base(self) -> bytes:
        return self._packed(0)

    def _write(self) -> None:
        now_ns = self._feed.manager.clock.now_ns()
        if not self._take_new() and now_ns - self._written_ns < LONGEST_SILENCE_NS:
            return
        self._written_ns = now_ns
        # The newest row that was sent may have changed since.
        number = min(self._sent - 1, self._series.next - TAIL_ROWS)
        number = max(number, self._series.next - MOST_TAIL_ROWS)
        self._chart.tail = self._packed(number)
        self._sent = self._series.next

    def _write_whole(self) -> None:
        self._take_new()
        self._chart.base = self._base()

    def _write_failure(self, words: str) -> None:
        self._chart.options = {**self._options, "notice": words} if words else self._options

    def _snapshot(self) -> dict[str, Any]:
        _, rows = self._series.rows()
        end_ms = self._feed.manager.clock.now_ns() / _MS_NS + self._options["ahead_ms"]
        start_ms = end_ms - self._options["span_ms"]
        held_ms = self._quoted_ms() if self._is_old() else end_ms
        picture = chart_png(rows, start_ms, end_ms, self._decimals, self._title(), self._candle_ms, held_ms)
        return {"image/png": picture, "text/plain": self._title()}

    def _title(self) -> str:
        now_ns = self._feed.manager.clock.now_ns()
        now = ist(now_ns)
        last = money(self._series.last_price, self._decimals, self._options["sign"])
        change = "" if np.isnan(self._change) else f" {signed(self._change)} %"
        old = f" · last {age(iso_time(self._quoted_ns), iso_time(now_ns))} ago" if self._is_old() else ""
        return (
            f"{self._instrument.symbol} {last}{change}{old} · {self._options['words']} "
            f"· {now:%d %b %H:%M:%S} · {self._feed.mode}"
        )
