"""How long ``feed.ticks(symbol)`` takes on a full store.

A feed on a simulator with a silent market; its store is filled with ticks of that many instruments in
turn, then asked for one instrument after another.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Iterable
from typing import Any

from client_dualbroker import make_instruments
from report import Spread, machine, print_table, spread
from tick_frames import build_ticks

import dualbroker
from dualbroker.model import Instrument, QuoteBatch
from dualbroker.noren.stream import decode

BATCH = 500
DISTINCT_TICKS = 100_000
"""Decoded once and stored over and over, so that filling takes seconds."""
NANOSECONDS_BETWEEN_BATCHES = 100_000_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ticks", type=int, default=1_000_000)
    parser.add_argument("--instruments", type=int, default=1_000)
    parser.add_argument("--runs", type=int, default=100, help="frames asked for, each of another instrument")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()

    instruments = make_instruments(arguments.instruments)
    with dualbroker.connect(make_config(arguments.ticks)) as feed:
        fill(feed, instruments, arguments.ticks)
        asked = random.Random(1).choices(instruments, k=arguments.runs)
        milliseconds = []
        rows = 0
        for instrument in asked:
            began = time.perf_counter()
            frame = feed.ticks(instrument.symbol)
            milliseconds.append((time.perf_counter() - began) * 1000)
            rows += len(frame)
        result: dict[str, Any] = {
            "machine": machine(),
            "ticks": feed.manager.quotes.tick_count,
            "instruments": arguments.instruments,
            "runs": arguments.runs,
            "mean_rows": rows / arguments.runs,
            "milliseconds": spread(milliseconds)._asdict(),
        }
    if arguments.json:
        print(json.dumps(result))
        return
    print_table(
        f"feed.ticks(symbol) on {result['ticks']:,} ticks of {arguments.instruments:,} instruments",
        ("milliseconds", "min / median / max"),
        [(f"{arguments.runs} instruments asked for", Spread(**result["milliseconds"]).words(2))],
        f"{result['mean_rows']:,.0f} rows in a frame on average",
    )


def make_config(rows: int) -> dualbroker.Config:
    """One simulated broker whose market stands still, and a store that holds every tick."""
    return dualbroker.Config.model_validate(
        {
            "brokers": {"broker1": {"type": "simulated"}},
            "simulator": {"hold": True, "orders_per_minute": 0},
            "ticks": {"max_rows": rows},
        }
    )


def fill(feed: dualbroker.Feed, instruments: Iterable[Instrument], ticks: int) -> None:
    """Store that many ticks; nobody else writes, for nothing is subscribed."""
    store = feed.manager.quotes
    broker = feed.primary
    if broker is None:
        raise RuntimeError("expected a broker that carries quotes, found none")
    count = 0
    for instrument in instruments:
        store.set_source(store.register(instrument), broker)
        count += 1
    decoded: list[Any] = [decode(raw) for raw in build_ticks(min(ticks, DISTINCT_TICKS), count)]
    receive_time_ns = time.time_ns()
    for start in range(0, ticks, BATCH):
        place = start % len(decoded)
        updates = decoded[place : place + min(BATCH, ticks - start)]
        store.apply(QuoteBatch(broker, receive_time_ns, updates))
        receive_time_ns += NANOSECONDS_BETWEEN_BATCHES


if __name__ == "__main__":
    main()
