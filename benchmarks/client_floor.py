"""What no Python client gets below, and what dualbroker costs without its transport.

``socket``  reads the socket and cuts the bytes into messages, nothing else.
``decode``  decodes the same messages, in memory, and writes numbers into one preallocated row.
``store``   decodes, merges and stores them as dualbroker does, in memory: all but the transport.
"""

from __future__ import annotations

import argparse
import socket
import struct
from typing import Any

import msgspec
from child_protocol import (
    CpuSpan,
    await_go,
    parse_arguments,
    report,
    report_imported,
    start_ticks,
    wait_for_end,
)
from client_dualbroker import make_instruments
from filling import fill
from tick_frames import build_ticks

from dualbroker.model import QuoteBatch
from dualbroker.noren.quotes import TouchlineDelta
from dualbroker.noren.stream import decode
from dualbroker.stores.quotes import QuoteStore

READ_BYTES = 256 * 1024
MESSAGES_PER_READ = 2_000
"""About what one read brings at saturation."""
HANDSHAKE = (
    "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


def run_socket(arguments: argparse.Namespace) -> dict[str, Any]:
    """Read and cut up what the source writes."""
    ticks = arguments.ticks
    with socket.create_connection(("127.0.0.1", arguments.port)) as connection:
        connection.sendall(HANDSHAKE.encode("ascii"))
        received = b""
        while b"\r\n\r\n" not in received:
            received += connection.recv(READ_BYTES)
        ready()
        span = CpuSpan()
        start_ticks(arguments)
        pending = b""
        count = 0
        while count < ticks:
            messages, pending = split(pending + connection.recv(READ_BYTES))
            count += len(messages)
        return span.result(min(count, ticks))


def split(data: bytes) -> tuple[list[bytes], bytes]:
    """The payloads of all whole frames, and what is left over."""
    messages = []
    place, end = 0, len(data)
    while place + 4 <= end:
        size = data[place + 1]
        start = place + 2
        if size == 126:
            size = data[place + 2] << 8 | data[place + 3]
            start = place + 4
        if start + size > end:
            break
        place = start + size
        messages.append(data[start:place])
    return messages, data[place:]


def run_decode(arguments: argparse.Namespace) -> dict[str, Any]:
    """Decode into one row of memory, over and over."""
    messages = build_ticks(arguments.ticks, arguments.instruments)
    decoder = msgspec.json.Decoder(TouchlineDelta, strict=False)
    row = struct.Struct("<4d")
    place = bytearray(row.size)
    nan = float("nan")
    ready()
    span = CpuSpan()
    for message in messages:
        update = decoder.decode(message)
        row.pack_into(
            place,
            0,
            nan if update.ltp is None else update.ltp,
            nan if update.bid is None else update.bid,
            nan if update.ask is None else update.ask,
            nan if update.volume is None else update.volume,
        )
    return span.result(len(messages))


def run_store(arguments: argparse.Namespace) -> dict[str, Any]:
    """Decode and store as dualbroker does, in batches as a read brings them, behind ticks stored before."""
    ticks, instruments = arguments.ticks, arguments.instruments
    messages = build_ticks(ticks, instruments)
    store = QuoteStore(arguments.stored + ticks)
    fill(store, make_instruments(instruments), arguments.stored)
    ready()
    span = CpuSpan()
    for start in range(0, ticks, MESSAGES_PER_READ):
        updates: list[Any] = [decode(message) for message in messages[start : start + MESSAGES_PER_READ]]
        store.apply(QuoteBatch("broker1", 1, updates))
    return span.result(store.tick_count - arguments.stored)


def ready() -> None:
    """Tell the driver that only the ticks are missing, and wait for its word."""
    report(ready=True)
    await_go()


def main() -> None:
    arguments = parse_arguments()
    report_imported("msgspec")
    work = {"socket": run_socket, "decode": run_decode, "store": run_store}[arguments.work]
    report(**work(arguments))
    wait_for_end()


if __name__ == "__main__":
    main()
