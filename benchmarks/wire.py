"""Measures forms in which ticks can travel from a service to its clients: bytes and CPU time of each tick.

``python benchmarks/wire.py`` takes ticks of simulated brokers, at 10,000 a second of 2,000 instruments, and
writes and reads them in each form, in batches of a flush (50 ms) and in those of a first fill.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
import zlib
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import msgspec
import numpy as np

import dualbroker
from dualbroker.config.schema import demo_config
from dualbroker.model import QUOTE_FIELDS
from dualbroker.remote.tick_frames import Ticks, pack_ticks, unpack_ticks
from dualbroker.stores.tick_blocks import TICK_DTYPE


class _Row(msgspec.Struct, array_like=True):
    instrument: int
    broker: int
    snapshot: bool
    values: list[float | None]


class Form(NamedTuple):
    name: str
    encode: Callable[[Ticks], bytes]
    decode: Callable[[bytes], object]


def collect(seconds: float, instruments: int, ticks_per_second: int) -> Ticks:
    """Real ticks of the simulated market, as a store holds them."""
    config = demo_config(1, ticks_per_second=ticks_per_second).model_copy(update={"subscribe": []})
    with dualbroker.connect(config) as feed:
        feed.subscribe(feed.search("NIFTY", limit=instruments))
        store = feed.manager.quotes
        time.sleep(seconds)
        blocks = store.blocks()
        return Ticks(
            np.concatenate([block.published() for block in blocks]),
            np.concatenate([block.published_instruments() for block in blocks]),
            np.concatenate([np.frombuffer(block.brokers, np.uint8)[: block.count] for block in blocks]),
            np.concatenate([np.frombuffer(block.snapshots, np.uint8)[: block.count] for block in blocks]),
        )


def _json_rows(ticks: Ticks) -> bytes:
    names = ("receive_time", "feed_time", *QUOTE_FIELDS)
    rows = [
        {
            "instrument": instrument,
            "broker": broker,
            "snapshot": bool(snapshot),
            **{name: None if value != value else value for name, value in zip(names, row, strict=True)},
        }
        for instrument, broker, snapshot, row in zip(
            ticks.instruments.tolist(),
            ticks.brokers.tolist(),
            ticks.snapshots.tolist(),
            ticks.rows.tolist(),
            strict=True,
        )
    ]
    return msgspec.json.encode(rows)


def _struct_rows(ticks: Ticks) -> bytes:
    return msgspec.msgpack.encode(
        [
            _Row(instrument, broker, bool(snapshot), row)
            for instrument, broker, snapshot, row in zip(
                ticks.instruments.tolist(),
                ticks.brokers.tolist(),
                ticks.snapshots.tolist(),
                ticks.rows.tolist(),
                strict=True,
            )
        ]
    )


def _raw_rows(ticks: Ticks) -> bytes:
    return msgspec.msgpack.encode([np.ascontiguousarray(part).tobytes() for part in ticks])


def _read_raw_rows(data: bytes) -> Ticks:
    rows, instruments, brokers, snapshots = msgspec.msgpack.decode(data, type=list[bytes])
    return Ticks(
        np.frombuffer(rows, TICK_DTYPE),
        np.frombuffer(instruments, np.int32),
        np.frombuffer(brokers, np.uint8),
        np.frombuffer(snapshots, np.uint8),
    )


FORMS = (
    Form("JSON rows", _json_rows, json.loads),
    Form("msgpack structs", _struct_rows, msgspec.msgpack.Decoder(list[_Row]).decode),
    Form("raw numpy rows in msgpack", _raw_rows, _read_raw_rows),
    Form("packed columns, no deflate", lambda t: pack_ticks(t, 0), unpack_ticks),
    Form("packed columns, deflate 1", lambda t: pack_ticks(t, 1), unpack_ticks),
    Form("packed columns, deflate 6", lambda t: pack_ticks(t, 6), unpack_ticks),
)


def _batches(ticks: Ticks, rows: int) -> Iterator[Ticks]:
    for start in range(0, len(ticks.rows) - rows + 1, rows):
        end = start + rows
        yield Ticks(
            ticks.rows[start:end],
            ticks.instruments[start:end],
            ticks.brokers[start:end],
            ticks.snapshots[start:end],
        )


def _timed(work: Callable[[Any], Any], inputs: list[Any], repeats: int) -> tuple[float, list[Any]]:
    """CPU seconds, the median of some repeats, and the results."""
    seconds = []
    for _ in range(repeats):
        started = time.process_time()
        results = [work(each) for each in inputs]
        seconds.append(time.process_time() - started)
    return statistics.median(seconds), results


def _deflate(messages: list[bytes]) -> list[bytes]:
    """As the web server does it for each connection: permessage-deflate with a context kept."""
    press = zlib.compressobj(wbits=-12, memLevel=5)
    return [press.compress(message) + press.flush(zlib.Z_SYNC_FLUSH)[:-4] for message in messages]


def _inflate(messages: list[bytes]) -> list[bytes]:
    press = zlib.decompressobj(wbits=-12)
    return [press.decompress(message + b"\x00\x00\xff\xff") for message in messages]


def measure(ticks: Ticks, batch_rows: int, repeats: int) -> Iterator[str]:
    """Lines of a table."""
    batches = list(_batches(ticks, batch_rows))
    count = len(batches) * batch_rows
    yield f"{count:,} ticks in batches of {batch_rows:,}; CPU in µs a tick"
    yield "| form | bytes a tick | write | read | bytes deflated | deflate, each client | inflate |"
    yield "|---|--:|--:|--:|--:|--:|--:|"
    for form in FORMS:
        wrote_s, messages = _timed(form.encode, batches, repeats)
        read_s, _ = _timed(form.decode, messages, repeats)
        deflate_s, [deflated] = _timed(_deflate, [messages], repeats)
        inflate_s, [inflated] = _timed(_inflate, [deflated], repeats)
        assert inflated == messages
        each = [1e6 * seconds / count for seconds in (wrote_s, read_s, deflate_s, inflate_s)]
        size, small = (sum(map(len, some)) / count for some in (messages, deflated))
        yield (
            f"| {form.name} | {size:.1f} | {each[0]:.2f} | {each[1]:.2f} "
            f"| {small:.1f} | {each[2]:.2f} | {each[3]:.2f} |"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--instruments", type=int, default=2000)
    parser.add_argument("--ticks-per-second", type=int, default=10_000)
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    ticks = collect(arguments.seconds, arguments.instruments, arguments.ticks_per_second)
    for one in list(_batches(ticks, 500))[:50]:
        again = unpack_ticks(pack_ticks(one))
        assert all(
            np.ascontiguousarray(a).tobytes() == np.ascontiguousarray(b).tobytes()
            for a, b in zip(one, again, strict=True)
        )
    for batch_rows in (500, 50, 8192):
        print()
        for line in measure(ticks, batch_rows, arguments.repeats):
            print(line)


if __name__ == "__main__":
    main()
