"""Every tick, and the latest quote of every instrument.

One thread writes; any thread reads. Ticks lie row after row in blocks of memory that never move:
a row is written whole, then the count is raised, so a reader that stops at the count never sees
half a tick and never waits. The oldest block is dropped whole when the bound is reached.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from dualbroker.model import (
    DepthLevel,
    DepthUpdate,
    Instrument,
    InstrumentKey,
    QuoteBatch,
    QuoteUpdate,
)
from dualbroker.stores.merging import in_units, merge_levels, merge_read
from dualbroker.stores.routes import Routes
from dualbroker.stores.tick_blocks import (
    BLANK_ROW,
    BLOCK_ROWS,
    PLACES,
    ROW,
    TICK_DTYPE,
    WHOLE_ROW,
    TickBlock,
    as_time_ns,
)

__all__ = ["Levels", "OlderRow", "QuoteStore", "Switch"]

_NOTHING: dict[Any, Any] = {}
_LTP, _VOLUME = PLACES["ltp"], PLACES["volume"]

Levels = tuple[list[DepthLevel], list[DepthLevel]]

OlderRow = tuple[int, int, bytes, int, int]
"""An instrument's index, the running number of its latest row, the row, its broker's number, and whether
it was a snapshot."""


class Switch(NamedTuple):
    """The broker that was expected has become an instrument's source."""

    key: InstrumentKey
    broker: str
    receive_ns: int
    """Of its first message, UTC."""
    last_ns: int
    """Of the last message that counted before it, UTC; 0: none."""


class QuoteStore:
    """Merges quote messages into full quotes and keeps every one of them, up to a bound.

    Parameters
    ----------
    max_rows
        Ticks kept; the oldest go first, a block at a time, and are counted in ``dropped_rows``.
    first_row
        Running number of the first row: of a copy of another store, which has dropped those before it.
    """

    def __init__(self, max_rows: int = 2_000_000, first_row: int = 0) -> None:
        self.block_rows = min(BLOCK_ROWS, max(1, max_rows // 2))
        self.max_rows = max_rows
        self.instruments: list[Instrument] = []
        self.routes = Routes()
        """Whose messages count; whoever arranges the sources writes it."""
        self.broker_names = self.routes.broker_names
        self.tick_count = 0
        """Deltas stored since the start, dropped ones included."""
        self.snapshot_count = 0
        """Full quotes (acknowledgements of subscriptions) stored since the start."""
        self.dropped_rows = first_row
        self.day_row = 0
        """Rows before it are of earlier days, and nobody's latest."""
        self.retired: set[int] = set()
        """Indices of instruments that have expired."""
        self.stray_count = 0
        """Messages of instruments nobody subscribed, or from a broker that neither is their source nor is to
        become it."""
        self._index: dict[InstrumentKey, int] = {}
        self._merged: list[array[float]] = []
        self._last: list[int] = []
        self._old_rows: dict[int, bytes] = {}
        self._old_marks: dict[int, tuple[int, int]] = {}
        self._depth: dict[int, tuple[int, Levels]] = {}
        self._blocks: list[TickBlock] = [TickBlock(first_row, self.block_rows)]

    # Who is subscribed, and from whom

    def register(self, instrument: Instrument) -> int:
        """Give an instrument its index in this store; the same one again for the same key."""
        index = self._index.get(instrument.key)
        if index is None:
            index = len(self.instruments)
            self.instruments.append(instrument)
            if instrument.quote_unit != 1:
                self.routes.in_lots.add(index)
            self._merged.append(BLANK_ROW[:])
            self._last.append(-1)
            self._index[instrument.key] = index
        return index

    def index_of(self, key: InstrumentKey) -> int | None:
        return self._index.get(key)

    def indices_of(self, keys: Iterable[InstrumentKey]) -> list[int]:
        """The indices of those that are registered, in order."""
        index_of = self._index.get
        return [index for key in keys if (index := index_of(key)) is not None]

    def set_source(self, index: int, broker_name: str | None) -> None:
        """Let one broker's messages count for an instrument, under its own key; None: nobody's."""
        if broker_name is None:
            self.routes.remove(index)
        else:
            self.routes.set_source(index, broker_name, self.instruments[index].key)

    def source(self, index: int) -> str | None:
        """The broker whose messages count for an instrument."""
        return self.routes.source(index)

    def sources(self) -> list[str | None]:
        """By instrument index: the broker whose messages count for it."""
        return [self.routes.source(index) for index in range(len(self.instruments))]

    def start_day(self) -> None:
        """Forget every latest quote: until today's first message an instrument's figures are unknown, and
        no cumulative volume of yesterday is the base of today's. Sources and stored ticks stay."""
        self.day_row = self.total_rows
        self._forget(range(len(self.instruments)))

    def retire(self, *indices: int) -> None:
        """Let instruments go that have expired. Their keys are free for others, since exchanges give a
        token out again; their stored ticks stay under the old index."""
        gone = set(indices)
        self.retired |= gone
        for index in gone:
            self.routes.remove(index)
            key = self.instruments[index].key
            if self._index.get(key) == index:
                del self._index[key]
        self._forget(gone)

    def _forget(self, indices: Iterable[int]) -> None:
        for index in indices:
            # When its last message came is no figure of a day: a gap begins there.
            last = self._merged[index][0]
            self._merged[index] = BLANK_ROW[:]
            self._merged[index][0] = last
            self._last[index] = -1
            self._depth.pop(index, None)
            self._old_rows.pop(index, None)
            self._old_marks.pop(index, None)

    # Writing: the path every tick takes

    def apply(self, batch: QuoteBatch) -> list[Switch] | None:
        """Merge and store the quote messages of one read, and publish them together.

        Returns
        -------
        list of Switch
            Instruments of which this broker has become the source; None, and mostly so, where there are none.
        """
        broker = batch.broker_name
        try:
            broker_number = self.broker_names.index(broker)
        except ValueError:
            self.stray_count += len(batch.updates)
            return None
        switches: list[Switch] = []
        tokens_of = self.routes.counted.get(broker, _NOTHING).get
        stored, snapshots = merge_read(
            self, batch, broker_number, tokens_of, self._merged, self._last, self._blocks[-1], switches
        )
        self.snapshot_count += snapshots
        self.tick_count += stored - snapshots
        return switches or None

    def sort_out(
        self, update: QuoteUpdate, batch: QuoteBatch, switches: list[Switch]
    ) -> tuple[int, QuoteUpdate] | None:
        """Of a message that does not simply count: its instrument and what to merge; None if it is stray."""
        broker = batch.broker_name
        key = (update.exchange, update.token)
        index = self.routes.apart.get(broker, _NOTHING).get(key)
        is_source = index is not None and self.routes.source(index) == broker
        if index is None or not (is_source or update.is_snapshot):
            # A broker that is about to take over may stream it already, to be compared.
            self.stray_count += index is None
            return None
        if not is_source:
            self.routes.switch(index)
            own_key, last_ns = self.instruments[index].key, as_time_ns(self._merged[index][0])
            switches.append(Switch(own_key, broker, batch.receive_time_ns, last_ns))
        unit = self.instruments[index].quote_unit
        return index, in_units(update, unit) if unit != 1 else update

    def next_block(self) -> TickBlock:
        """Another block behind the last one, which is full; the oldest goes where there are too many."""
        blocks = self._blocks
        block = TickBlock(blocks[-1].first + self.block_rows, self.block_rows)
        blocks.append(block)
        if len(blocks) * self.block_rows > self.max_rows + self.block_rows:
            self._drop(blocks[0])
        return block

    def _drop(self, block: TickBlock) -> None:
        """Forget the oldest block, but for rows that are still an instrument's latest."""
        end = block.first + block.rows
        for index, number in enumerate(self._last):
            if block.first <= number < end:
                at = number - block.first
                self._old_rows[index] = bytes(block.data[at * ROW.size : (at + 1) * ROW.size])
                self._old_marks[index] = (block.brokers[at], block.snapshots[at])
        self.dropped_rows += block.rows
        # A new list, so that a reader that holds the old one keeps its blocks.
        self._blocks = self._blocks[1:]

    def merge_depth(self, index: int, update: QuoteUpdate, receive_time_ns: int) -> None:
        """Take the levels of a message that carries depth."""
        new_bids, new_asks = cast(DepthUpdate, update).levels()
        old = self._depth.get(index)
        if old is not None and not update.is_snapshot:
            new_bids = merge_levels(old[1][0], new_bids)
            new_asks = merge_levels(old[1][1], new_asks)
        self._depth[index] = (receive_time_ns, (new_bids, new_asks))

    # Reading, from any thread

    @property
    def total_rows(self) -> int:
        """Rows ever stored; the running number of the next one."""
        block = self._blocks[-1]
        return block.first + block.count

    @property
    def first_row(self) -> int:
        """Running number of the oldest row still kept."""
        return self._blocks[0].first

    def blocks(self) -> list[TickBlock]:
        """The blocks kept at this moment, oldest first; a snapshot of the list."""
        return list(self._blocks)

    def rows_of(self, index: int) -> tuple[NDArray[Any], NDArray[np.uint8], NDArray[np.bool_]]:
        """All kept ticks of one instrument: rows, broker numbers, whether each was a snapshot."""
        rows: list[NDArray[Any]] = []
        brokers: list[NDArray[np.uint8]] = []
        snapshots: list[NDArray[np.bool_]] = []
        for block in self.blocks():
            where = np.flatnonzero(block.published_instruments() == index)
            if len(where):
                rows.append(block.published()[where])
                brokers.append(np.frombuffer(block.brokers, np.uint8)[where])
                snapshots.append(np.frombuffer(block.snapshots, np.bool_)[where])
        if not rows:
            return np.empty(0, TICK_DTYPE), np.empty(0, np.uint8), np.empty(0, np.bool_)
        return np.concatenate(rows), np.concatenate(brokers), np.concatenate(snapshots)

    def latest(self) -> tuple[NDArray[np.int64], NDArray[Any], NDArray[np.uint8]]:
        """The latest row of each instrument that has one: indices, rows, broker numbers."""
        while True:
            try:
                return self._read_latest()
            except KeyError:
                # A block was dropped between two looks at it; its instruments have newer rows.
                continue

    def _read_latest(self) -> tuple[NDArray[np.int64], NDArray[Any], NDArray[np.uint8]]:
        # In this order: a row's block is there before the row, and an old row is kept before its block goes.
        numbers = self.last_rows()
        blocks = self.blocks()
        indices = np.flatnonzero(numbers >= 0)
        numbers = numbers[indices] - blocks[0].first
        rows = np.empty(len(indices), TICK_DTYPE)
        brokers = np.empty(len(indices), np.uint8)
        whole = rows.view(WHOLE_ROW)
        places = numbers // self.block_rows
        for place in np.unique(places).tolist():
            where = np.flatnonzero(places == place)
            if place < 0:
                for at, index in zip(where.tolist(), indices[where].tolist(), strict=True):
                    rows[at] = np.frombuffer(self._old_rows[index], TICK_DTYPE)[0]
                    brokers[at] = self._old_marks[index][0]
                continue
            block, at = blocks[place], numbers[where] - place * self.block_rows
            whole[where] = np.frombuffer(block.data, WHOLE_ROW)[at]
            brokers[where] = np.frombuffer(block.brokers, np.uint8)[at]
        return indices, rows, brokers

    def older_latest(self) -> list[OlderRow]:
        """Latest rows that are older than all that are kept row by row; for the thread that writes."""
        return [
            (index, self._last[index], row, *self._old_marks[index])
            for index, row in self._old_rows.items()
            if 0 <= self._last[index] < self.first_row
        ]

    def rows_since(self, number: int) -> Iterator[tuple[TickBlock, int, int]]:
        """Published rows from a running number on, as (block, start, stop) in order of arrival."""
        for block in self.blocks():
            count = block.count
            start = max(0, number - block.first)
            if start < count:
                yield block, start, count

    def last_rows(self) -> NDArray[np.int64]:
        """By instrument index: running number of its latest row, -1 where it has none."""
        return np.array(self._last, np.int64)

    def last_price(self, index: int) -> float | None:
        """The last price that is known of an instrument, in rupees; None when it is not."""
        return self._known(index, _LTP)

    def last_price_of(self, key: InstrumentKey) -> float | None:
        """The same of an instrument that may never have been subscribed."""
        index = self._index.get(key)
        return None if index is None else self.last_price(index)

    def volume(self, index: int) -> float | None:
        """The cumulative volume that is known of an instrument; None when it is not."""
        return self._known(index, _VOLUME)

    def price_and_time(self, index: int) -> tuple[float, int] | None:
        """The last price and the receive time (UTC ns) of the newest tick; None when no price is known."""
        row = self._latest_row(index)
        return None if row is None or math.isnan(row[_LTP]) else (row[_LTP], int(row[0]))

    def _known(self, index: int, place: int) -> float | None:
        row = self._latest_row(index)
        return None if row is None or math.isnan(row[place]) else row[place]

    def _latest_row(self, index: int) -> tuple[float, ...] | None:
        number = self._last[index]
        if number < 0:
            return None
        blocks = self._blocks
        first = blocks[0].first
        if number < first:
            old: tuple[float, ...] = ROW.unpack(self._old_rows[index])
            return old
        block = blocks[(number - first) // self.block_rows]
        return block.row(number - block.first)

    def depth(self, index: int) -> tuple[int, Levels] | None:
        """Receive time (UTC ns) and the latest five levels of bids and asks; None before the first."""
        return self._depth.get(index)

    # A copy of another process's store, kept equal to it row by row: instruments keep their index, and rows
    # come merged

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
