"""The process of one plan: the same client code either way, once for all brokers or once for each.

The naive plan is what a user without a shared source has: for every broker a client of its own that
streams quotes and orders and keeps them in a store of its own. Started as
``python -m dualbroker.measure.worker``; ``job`` says what goes over its standard streams.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from collections import Counter
from collections.abc import Sequence

import msgspec
import numpy as np
import psutil

from dualbroker.errors import ConnectionFailedError, DualBrokerError
from dualbroker.manager import WebSocketManager
from dualbroker.measure.figures import OrderFinal, PlanReport, StreamCounts
from dualbroker.measure.job import BEGIN, END, READY, Job
from dualbroker.measure.tally import Kind, TallyingTransport, gained
from dualbroker.model import MessageKind
from dualbroker.stores.quotes import QuoteStore
from dualbroker.transport.base import Transport
from dualbroker.transport.network import NetworkTransport

__all__ = ["main"]

SAMPLE_INTERVAL_S = 0.1
STILL_FOR_S = 0.5
"""Counts that stand still for so long after the market has stopped are final."""
REST_FOR_S = 0.3
AT_REST = 0.02
"""Of a core: a client whose market stands still takes less."""
REST_TIMEOUT_S = 20.0
DRAIN_TIMEOUT_S = 60.0
ANSWER_TIMEOUT_S = 10.0


def main() -> None:
    """Do one job; what goes wrong on purpose is one line on standard error and exit status 1."""
    try:
        asyncio.run(_work())
    except DualBrokerError as error:
        print(error, file=sys.stderr)
        sys.exit(1)


async def _work() -> None:
    memory = PeakMemory()
    sampling = asyncio.create_task(memory.keep_sampling())
    job = msgspec.json.decode(await _read_line(), type=Job)
    network = NetworkTransport()
    tallying = TallyingTransport(network, job.names()) if job.tallies else None
    transport: Transport = tallying or network
    async with contextlib.AsyncExitStack() as stack:
        managers = [WebSocketManager(config, transport=transport) for config in job.configs()]
        for manager in managers:
            await stack.enter_async_context(manager)
        for manager in managers:
            await _subscribe(manager, job)
        await _rest()
        _say(READY)
        await _expect(BEGIN)
        before, tallied, cpu_before = _streams(managers), _tallied(tallying), time.process_time()
        _say(READY)
        await _expect(END)
        await _drain(managers)
        cpu_seconds = time.process_time() - cpu_before
        after = _streams(managers)
        report = msgspec.structs.replace(
            _report(managers, before, after, cpu_seconds, memory.peak_bytes),
            starting={name: gained(counts, {}) for name, counts in tallied.items()},
            measured={name: gained(counts, tallied[name]) for name, counts in _tallied(tallying).items()},
        )
        _say(msgspec.json.encode(report) + b"\n")
    sampling.cancel()


class PeakMemory:
    """The largest resident set of this process, looked at often.

    Systems keep such a figure too, but in different units, and on Linux it may be that of the parent.
    """

    def __init__(self) -> None:
        self._process = psutil.Process()
        self._peak_bytes = 0

    @property
    def peak_bytes(self) -> int:
        self._peak_bytes = max(self._peak_bytes, self._process.memory_info().rss)
        return self._peak_bytes

    async def keep_sampling(self) -> None:
        while True:
            _ = self.peak_bytes
            await asyncio.sleep(SAMPLE_INTERVAL_S)


async def _subscribe(manager: WebSocketManager, job: Job) -> None:
    accepted = await manager.subscribe(job.instruments[: job.depth], depth=True)
    accepted += await manager.subscribe(job.instruments[job.depth :])
    missing = [each.instrument.qualified_name for each in accepted if not each.acknowledged]
    if missing:
        raise ConnectionFailedError(f"{manager.primary} did not acknowledge {', '.join(missing)}")
    # The hello and the subscription of orders are answered in this order: from two answers on, no order
    # update can be missed.
    deadline = time.monotonic() + ANSWER_TIMEOUT_S
    while min(kinds[MessageKind.CONTROL].messages for kinds in manager.bandwidth.totals().values()) < 2:
        if time.monotonic() > deadline:
            raise ConnectionFailedError(f"a broker did not answer within {ANSWER_TIMEOUT_S:.0f} s")
        await asyncio.sleep(0.01)


async def _rest() -> None:
    """Return when this process has nothing more to do, or when that takes too long.

    A start is done once a day and is not what is measured. Part of it comes after the subscriptions, in the
    background: the optimised plan looks the instruments up at the brokers that stand by.
    """
    deadline = time.monotonic() + REST_TIMEOUT_S
    used_s = time.process_time()
    while time.monotonic() < deadline:
        await asyncio.sleep(REST_FOR_S)
        before_s, used_s = used_s, time.process_time()
        if used_s - before_s < AT_REST * REST_FOR_S:
            return


async def _drain(managers: Sequence[WebSocketManager]) -> None:
    """Return when nothing more comes, or when that takes too long."""
    deadline = time.monotonic() + DRAIN_TIMEOUT_S
    last, since = -1, time.monotonic()
    while time.monotonic() - since < STILL_FOR_S and time.monotonic() < deadline:
        streams = _streams(managers).values()
        count = sum(stream.quote_messages + stream.order_messages for stream in streams)
        if count != last:
            last, since = count, time.monotonic()
        await asyncio.sleep(SAMPLE_INTERVAL_S)


def _streams(managers: Sequence[WebSocketManager]) -> dict[str, StreamCounts]:
    counts = {}
    for manager in managers:
        for broker, kinds in manager.bandwidth.totals().items():
            quotes, orders = kinds[MessageKind.QUOTES], kinds[MessageKind.ORDERS]
            counts[broker] = StreamCounts(
                quote_bytes=quotes.bytes,
                quote_messages=quotes.messages,
                order_bytes=orders.bytes,
                order_messages=orders.messages,
                control_messages=kinds[MessageKind.CONTROL].messages,
                control_bytes=kinds[MessageKind.CONTROL].bytes,
            )
    return counts


def _tallied(transport: TallyingTransport | None) -> dict[str, dict[Kind, tuple[int, int]]]:
    """By broker; nothing where it is not asked for."""
    return {} if transport is None else {name: tally.counts() for name, tally in transport.tallies.items()}


def _report(
    managers: Sequence[WebSocketManager],
    before: dict[str, StreamCounts],
    after: dict[str, StreamCounts],
    cpu_seconds: float,
    peak_memory_bytes: int,
) -> PlanReport:
    prices: dict[str, dict[str, float]] = {}
    quotes: Counter[str] = Counter()
    events: Counter[str] = Counter()
    orders: dict[str, dict[str, OrderFinal]] = {}
    for manager in managers:
        _collect_prices(manager.quotes, prices)
        quotes.update(_quotes_by_broker(manager.quotes))
        events.update(event.broker_name for event in manager.orders.events)
        for state in list(manager.orders.states.values()):
            final = OrderFinal(state.status.value, state.filled_quantity or 0.0)
            orders.setdefault(state.broker_name, {})[state.order_id] = final
    return PlanReport(
        streams={name: _less(after[name], before[name]) for name in after},
        last_prices=prices,
        orders=orders,
        stored_quotes=dict(quotes),
        stored_order_events=dict(events),
        stray_quotes=sum(manager.quotes.stray_count for manager in managers),
        reconnects=sum(health.reconnects for manager in managers for health in manager.health.values()),
        cpu_seconds=round(cpu_seconds, 3),
        peak_memory_bytes=peak_memory_bytes,
    )


def _less(after: StreamCounts, before: StreamCounts) -> StreamCounts:
    return StreamCounts(
        *(getattr(after, name) - getattr(before, name) for name in StreamCounts.__struct_fields__)
    )


def _collect_prices(store: QuoteStore, prices: dict[str, dict[str, float]]) -> None:
    indices, rows, brokers = store.latest()
    for index, row, broker in zip(indices.tolist(), rows, brokers.tolist(), strict=True):
        instrument = store.instruments[index]
        of_broker = prices.setdefault(store.broker_names[broker], {})
        of_broker[f"{instrument.exchange}|{instrument.token}"] = float(row["ltp"])


def _quotes_by_broker(store: QuoteStore) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for block in store.blocks():
        numbers = np.bincount(np.frombuffer(block.brokers, np.uint8)[: block.count])
        for number, count in enumerate(numbers.tolist()):
            if count:
                counts[store.broker_names[number]] += count
    return dict(counts)


async def _read_line() -> bytes:
    """A line of standard input; read in a thread, for no loop can wait for a pipe on every system."""
    line: bytes = await asyncio.to_thread(sys.stdin.buffer.readline)
    if not line:
        raise ConnectionFailedError("expected a line on standard input, found its end")
    return line


async def _expect(word: bytes) -> None:
    line = await _read_line()
    if line != word:
        raise ConnectionFailedError(f"expected {word!r} on standard input, found {line!r}")


def _say(line: bytes) -> None:
    sys.stdout.buffer.write(line)
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
