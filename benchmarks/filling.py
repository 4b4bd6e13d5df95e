"""Fills a quote store with ticks, without a socket."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from tick_frames import build_ticks

from dualbroker.model import Instrument, QuoteBatch
from dualbroker.noren.stream import decode
from dualbroker.stores.quotes import QuoteStore

__all__ = ["fill"]

BATCH = 500
DISTINCT_TICKS = 100_000
"""Decoded once and stored over and over, so that filling takes seconds."""
NANOSECONDS_BETWEEN_BATCHES = 100_000_000


def fill(store: QuoteStore, instruments: Iterable[Instrument], ticks: int) -> None:
    """Store that many ticks of instruments, whose source becomes ``broker1`` where they have none."""
    count = 0
    for instrument in instruments:
        index = store.register(instrument)
        if store.source(index) is None:
            store.set_source(index, "broker1")
        count += 1
    decoded: list[Any] = [decode(raw) for raw in build_ticks(min(ticks, DISTINCT_TICKS), count)]
    receive_time_ns = time.time_ns()
    for start in range(0, ticks, BATCH):
        place = start % len(decoded)
        updates = decoded[place : place + min(BATCH, ticks - start)]
        store.apply(QuoteBatch("broker1", receive_time_ns, updates))
        receive_time_ns += NANOSECONDS_BETWEEN_BATCHES
