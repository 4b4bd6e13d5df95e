"""A copy of another process's quote store, kept equal to it row by row. Pure."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dualbroker.model import Instrument
from dualbroker.stores.quotes import Levels, OlderRow, QuoteStore
from dualbroker.stores.tick_blocks import PLACES, ROW

__all__ = ["QuoteStoreCopy"]


class QuoteStoreCopy(QuoteStore):
    """Takes whole rows, which the original has merged already; instruments keep their index."""

    def append_instrument(self, instrument: Instrument) -> int:
        """Take the original's next instrument in, also where an expired one had its key."""
        self._index.pop(instrument.key, None)
        return self.register(instrument)

    def extend(
        self,
        rows: NDArray[Any],
        instruments: NDArray[np.int32],
        brokers: NDArray[np.uint8],
        snapshots: NDArray[np.uint8],
    ) -> None:
        """Store the original's next rows and publish them, as far as each block goes together."""
        data = np.ascontiguousarray(rows).tobytes()
        numbers = instruments.tolist()
        done = 0
        while done < len(numbers):
            block = self._blocks[-1]
            at = block.count
            count = min(block.rows - at, len(numbers) - done)
            end = done + count
            block.data[at * ROW.size : (at + count) * ROW.size] = data[done * ROW.size : end * ROW.size]
            np.frombuffer(block.instruments, np.int32)[at : at + count] = instruments[done:end]
            block.brokers[at : at + count] = brokers[done:end].tobytes()
            block.snapshots[at : at + count] = snapshots[done:end].tobytes()
            for number, index in enumerate(numbers[done:end], block.first + at):
                if number >= self.day_row:
                    self._last[index] = number
            block.count = at + count
            if block.count == block.rows:
                self.next_block()
            done = end
        full = int(np.count_nonzero(snapshots))
        self.snapshot_count += full
        self.tick_count += len(numbers) - full

    def last_price(self, index: int) -> float | None:
        """The last price that is known of an instrument, in rupees; None when it is not."""
        return self._known(index, PLACES["ltp"])

    def volume(self, index: int) -> float | None:
        """The cumulative volume that is known of an instrument; None when it is not."""
        return self._known(index, PLACES["volume"])

    def _known(self, index: int, place: int) -> float | None:
        number = self._last[index]
        if number < 0:
            return None
        if number < self.first_row:
            row: tuple[float, ...] = ROW.unpack(self._old_rows[index])
        else:
            block = self._blocks[(number - self.first_row) // self.block_rows]
            row = block.row(number - block.first)
        return None if math.isnan(row[place]) else row[place]

    def place_latest(self, older: OlderRow) -> None:
        """An instrument's latest row, where it is older than all rows that the original still keeps."""
        index, number, row, broker, snapshot = older
        self._old_rows[index] = row
        self._old_marks[index] = (broker, snapshot)
        self._last[index] = number

    def begin_day(self, row: int) -> None:
        """Nothing before that row is anybody's latest any more."""
        self.day_row = row
        self._forget([index for index, number in enumerate(self._last) if number < row])

    def set_depth(self, index: int, receive_time_ns: int, levels: Levels) -> None:
        """The latest five levels of an instrument."""
        self._depth[index] = (receive_time_ns, levels)
