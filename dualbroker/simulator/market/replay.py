"""A recorded day as a market: every row of the file, once, in order, on the file's own clock."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
import numpy as np

from dualbroker.errors import DualBrokerError
from dualbroker.model import DEPTH_LEVELS, DepthLevel, Instrument, InstrumentKey
from dualbroker.noren.times import ist_day
from dualbroker.simulator.market.bars import MINUTE_S, merge_bars
from dualbroker.simulator.market.daily import day_start
from dualbroker.simulator.market.deltas import FIELD_ROW, FIELDS, make_ticks
from dualbroker.simulator.market.market import Bar, MarketTick
from dualbroker.simulator.market.pricing import Integers
from dualbroker.simulator.market.recording import RECORDED_FIELDS, load_recording

__all__ = ["FASTEST_SPEED", "ReplayMarket"]

FASTEST_SPEED = 10_000.0
_DAY_MINUTES = 1440


class ReplayMarket:
    """Plays a recorded day; it stands still until ``release`` is called, so that clients can subscribe.

    Each row becomes one tick, also one in which nothing but the time changed. Nothing is made up: a
    contract has no quote before its first row, and no depth below its best prices. Gaps stay gaps.

    Parameters
    ----------
    path
        The recording, see ``load_recording``.
    speed
        Market seconds per real second, above 0 and up to 10,000.

    Raises
    ------
    DualBrokerError
        The speed is out of bounds, or the file can't be read.
    """

    def __init__(self, path: Path, *, speed: float = 1.0) -> None:
        if not 0 < speed <= FASTEST_SPEED:
            raise DualBrokerError(f"expected a speed above 0 and up to {FASTEST_SPEED:g}, found {speed}")
        self._recording = load_recording(path)
        self._speed = speed
        self._held = True
        self._now_ns = int(self._recording.time_ns[0])
        self._end_ns = int(self._recording.time_ns[-1])
        self.instruments: Sequence[Instrument] = self._recording.instruments
        self.finished: bool = False
        self.rows: int = self._recording.time_ns.size
        """Rows of the file: the number of ticks from beginning to end."""
        self.rows_sent: int = 0
        """Rows that ``advance`` has returned so far."""
        self._positions = {item.key: position for position, item in enumerate(self.instruments)}
        self._latest_row: Integers = np.full(len(self.instruments), -1)

    def hold(self) -> None:
        """Stop the clock."""
        self._held = True

    def release(self) -> None:
        """Start the clock, or let it go on."""
        self._held = False

    def index_of(self, key: InstrumentKey) -> int | None:
        """Position of an instrument in ``instruments``, None when there is no such one."""
        return self._positions.get(key)

    def now_ns(self) -> int:
        """Time of the recorded day, UTC nanoseconds; stops at the last row."""
        return self._now_ns

    def advance(self, elapsed_ns: int) -> list[MarketTick]:
        """Move on by an elapsed real time; nothing happens while held."""
        if self._held or self.finished:
            return []
        recording = self._recording
        self._now_ns = min(self._now_ns + round(elapsed_ns * self._speed), self._end_ns)
        start = self.rows_sent
        end = int(np.searchsorted(recording.time_ns, self._now_ns, side="right"))
        which = recording.instrument[start:end]
        self._latest_row[which] = np.arange(start, end)
        self.rows_sent = end
        self.finished = end == self.rows
        return make_ticks(which, recording.values[start:end], recording.changed[start:end])

    def rest(self, elapsed_ns: int) -> None:
        """A recorded day is as long as it was: nothing, not even time, is left out."""

    def begin_day(self) -> None:
        """A recording holds one day."""

    def quote(self, index: int) -> Mapping[str, float]:
        """What the contract's latest row says; empty before its first."""
        row = int(self._latest_row[index])
        if row < 0:
            return {}
        values = self._recording.values[row].tolist()
        return {name: value for name, value in zip(FIELDS, values, strict=True) if not math.isnan(value)}

    def depth(self, index: int) -> tuple[list[DepthLevel], list[DepthLevel]]:
        """The best bid and ask, and four levels a side of which the recording says nothing."""
        quote = self.quote(index)
        unknown = [DepthLevel()] * (DEPTH_LEVELS - 1)
        bid = DepthLevel(price=quote.get("bid"), quantity=quote.get("bid_quantity"))
        ask = DepthLevel(price=quote.get("ask"), quantity=quote.get("ask_quantity"))
        return [bid, *unknown], [ask, *unknown]

    def circuit(self, index: int) -> tuple[float, float] | None:
        """None: the recording has no price bands."""
        return None

    def details(self, index: int) -> Mapping[str, float]:
        """Empty: the recording has nothing of the kind."""
        return {}

    def total_open_interest(self, index: int) -> float | None:
        """None: the recording may lack some of the underlying's contracts."""
        return None

    def days(self, index: int, start_s: int, end_s: int) -> list[Bar]:
        """The recorded day so far, if it lies within the given time."""
        start = day_start(ist_day(self._now_ns))
        bars = self.bars(index, 0, self._now_ns // 1_000_000_000 + 1, _DAY_MINUTES)
        return [msgspec.structs.replace(bar, start_s=start) for bar in bars if start_s <= start < end_s]

    def bars(self, index: int, start_s: int, end_s: int, interval_minutes: int) -> list[Bar]:
        """Bars of the last prices at each poll so far, newest first; each starts within the given time.

        Volume is the growth of the cumulative volume from poll to poll, a fall counting as none; the
        average price weights polls by it. What was traded before the first row is in no bar.
        """
        recording = self._recording
        rows = recording.by_instrument[index]
        rows = rows[rows < self.rows_sent]
        values = recording.values[rows]
        volume = values[:, FIELD_ROW["volume"]]
        traded = np.maximum(np.diff(volume, prepend=volume[:1]), 0.0)
        polls = zip(
            recording.time_ns[rows].tolist(),
            values[:, FIELD_ROW["ltp"]].tolist(),
            traded.tolist(),
            values[:, FIELD_ROW["open_interest"]].tolist(),
            volume.tolist(),
            np.diff(
                values[:, FIELD_ROW["open_interest"]], prepend=values[:1, FIELD_ROW["open_interest"]]
            ).tolist(),
            strict=True,
        )
        minutes = [_poll_bar(*poll) for poll in polls if poll[1] > 0]
        return merge_bars(minutes, start_s, end_s, interval_minutes)

    def last_rows(self) -> dict[InstrumentKey, dict[str, float]]:
        """The file's last row of every contract: what its quote must be when all rows were received.

        Names as in ``model.QUOTE_FIELDS`` and ``feed_time`` (epoch seconds); only what the file tells.
        """
        recording = self._recording
        last_rows: dict[InstrumentKey, dict[str, float]] = {}
        for instrument, rows in zip(self.instruments, recording.by_instrument, strict=True):
            values = recording.values[rows[-1]]
            last_rows[instrument.key] = {name: float(values[FIELD_ROW[name]]) for name in RECORDED_FIELDS}
        return last_rows


def _poll_bar(
    time_ns: int, price: float, volume: float, open_interest: float, day_volume: float, opened: float
) -> Bar:
    return Bar(
        start_s=time_ns // 1_000_000_000 // MINUTE_S * MINUTE_S,
        open=price,
        high=price,
        low=price,
        close=price,
        volume=volume,
        average_price=price,
        open_interest=open_interest,
        day_volume=day_volume,
        open_interest_change=opened,
    )
