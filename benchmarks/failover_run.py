"""Runs failovers of one series: the real manager here, the simulated brokers in a process of their own.

The broker that carries quotes is struck, one that stands by takes over, is struck in its turn, and so on;
the struck ones are mended and come back meanwhile. After a few rounds the manager is made again: a broker
that has failed often waits longer before it connects again, and that wait is no part of what is measured.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import random
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from datetime import date

import msgspec
import numpy as np
from failover_figures import Measured, Series, histogram
from numpy.typing import NDArray

from dualbroker import Config, WebSocketManager
from dualbroker.brokers.noren.section import SimulatedSection
from dualbroker.brokers.simulator_control import SimulatorSurface
from dualbroker.brokers.simulator_process import SimulatorProcess
from dualbroker.config.schema import SimulatorConfig
from dualbroker.model import Instrument
from dualbroker.noren.dialects import SHOONYA
from dualbroker.stores.health import BrokerState
from dualbroker.stores.incidents import Failover
from dualbroker.transport.network import NetworkTransport

__all__ = ["SHORTENED", "busiest", "failovers", "simulator_config"]

logger = logging.getLogger("benchmark")

SHORTENED = {
    "ping_every": 0.25,
    "pong_within": 0.5,
    "heartbeat_every": 0.25,
    "heartbeat_within": 0.5,
    "quotes_silent_after": 0.5,
    "probe_every": 0.25,
}
"""Keys of the section ``liveness``, in seconds."""
BROKERS = 4
"""Of them one carries quotes, so that somebody stands by while the last one struck is on its way back."""
STRIKES_PER_BROKER = 2
"""Before the manager is made again."""
READY_WITHIN_S = 60.0
SETTLED_AFTER_S = 2.0
"""Of a new manager, which looks every instrument up in the symbol master of every broker that stands by:
that belongs to its start, and takes a failover's processor time there."""
SHORTEST_PAUSE_S = 0.1
BROKEN_AT_S = 0.2
"""Within which a broken connection is struck, so that it falls on any moment of the market."""
COVERED_WITHIN_S = 60.0
FINISHED_WITHIN_S = 1.0
SHIPPED_TICKS_PER_SECOND = 600.0
LIVE_RATE_PER_INSTRUMENT = 2.0
"""Ticks a second: each of 2,000 instruments then ticks often enough to be told from a dead one."""
LEAST_CONTRACTS = 10
"""Chains times expiries of the simulated market, at the least, and so contracts per strike and type."""


async def failovers(series: Series, count: int) -> AsyncGenerator[Measured, None]:
    """That many failovers, one by one; ends all that it started, also when it is left early."""
    simulator = await SimulatorProcess.start(simulator_config(series.instruments), BROKERS)
    transport = NetworkTransport()
    try:
        # One for all commands: to open a client again takes tens of milliseconds of this process's time.
        surface = SimulatorSurface(simulator.masters_base, transport)
        left = count
        while left:
            await surface.clear_faults("all")
            striking = _one_manager(
                series, manager_config(series, simulator), surface, min(left, BROKERS * STRIKES_PER_BROKER)
            )
            async with aclosing(striking):
                async for measured in striking:
                    left -= 1
                    yield measured
    finally:
        await transport.aclose()
        simulator.stop()


def simulator_config(instruments: int) -> SimulatorConfig:
    """A market that lists that many instruments and moves them."""
    shipped = SimulatorConfig()
    strikes = max(shipped.strikes, math.ceil(instruments / (4 * LEAST_CONTRACTS)) + 10)
    rate = max(SHIPPED_TICKS_PER_SECOND, LIVE_RATE_PER_INSTRUMENT * instruments)
    return SimulatorConfig(strikes=strikes, ticks_per_second=rate)


def manager_config(series: Series, simulator: SimulatorProcess) -> Config:
    """Brokers of that simulator, with the series' pacing and clocks."""
    paced = series.pacing == "shipped"
    pacing = {
        "subscribe_chunk": SHOONYA.subscribe_chunk,
        "chunk_pause": SHOONYA.chunk_pause_s if paced else 0.0,
    }
    brokers = {}
    for number in range(BROKERS):
        name = f"broker{number + 1}"
        section = SimulatedSection.model_validate({"name": name, "type": "simulated", **pacing})
        brokers[name] = simulator.login_for(number, section, "a")
    liveness = SHORTENED if series.liveness == "shortened" else {}
    return Config.model_validate({"brokers": brokers, "liveness": liveness})


async def _one_manager(
    series: Series, config: Config, surface: SimulatorSurface, count: int
) -> AsyncGenerator[Measured, None]:
    async with WebSocketManager(config) as manager:
        accepted = await manager.subscribe(await choose_instruments(manager, series.instruments))
        if missing := [row.instrument.symbol for row in accepted if not row.acknowledged]:
            raise RuntimeError(f"expected every instrument acknowledged, found {len(missing)} that are not")
        await asyncio.sleep(SETTLED_AFTER_S)
        await _be_ready(manager, series)
        for _ in range(count):
            before = manager.incidents.failover_count
            measured = await Struck(manager, series).fail_over(surface)
            await _be_ready(manager, series)
            # Counted only now, so that what happened while the struck one came back is in it.
            further = manager.incidents.failover_count - before - 1
            yield msgspec.structs.replace(measured, further_failovers=further)


async def choose_instruments(manager: WebSocketManager, count: int) -> list[Instrument]:
    """The busiest derivatives of the symbol masters."""
    found: list[Instrument] = []
    for exchange in ("NFO", "BFO"):
        await manager.load_master(exchange)
        for table in manager.masters.instruments.tables(exchange):
            found += (table.instrument(row) for row in range(len(table)))
    return busiest(found, count)


def busiest(derivatives: Sequence[Instrument], count: int) -> list[Instrument]:
    """Those of the nearest expiries, then those nearest the middle of their underlying's strikes."""
    strikes: dict[str, list[float]] = {}
    for each in derivatives:
        if each.strike is not None:
            strikes.setdefault(each.name, []).append(each.strike)
    middle = {name: sorted(found)[len(found) // 2] for name, found in strikes.items()}

    def busiest_first(each: Instrument) -> tuple[date, float]:
        strike = middle[each.name] if each.strike is None else each.strike
        return each.expiry or date.max, abs(strike / middle[each.name] - 1)

    if len(derivatives) < count:
        raise RuntimeError(f"expected at least {count} derivatives in this market, found {len(derivatives)}")
    return sorted(derivatives, key=busiest_first)[:count]


class Struck:
    """The broker that carries quotes, and how quotes went on without it."""

    def __init__(self, manager: WebSocketManager, series: Series) -> None:
        if manager.primary is None:
            raise RuntimeError("expected a broker that carries quotes, found none")
        self._manager = manager
        self._series = series
        self._old = manager.primary
        self._failovers_before = manager.incidents.failover_count
        self._next_row = max(0, manager.quotes.total_rows - 1)
        """The last row before the command counts: it may be the old source's last."""
        self._last_old_ns = 0
        self._first_new_ns: dict[int, int] = {}
        self._commanded_ns = manager.clock.now_ns()

    async def fail_over(self, surface: SimulatorSurface) -> Measured:
        """Strike, wait until every instrument has a quote of another broker, mend."""
        manager, wanted = self._manager, self._series.instruments
        self._commanded_ns = manager.clock.now_ns()
        await self._strike(surface)
        command_s = (manager.clock.now_ns() - self._commanded_ns) / 1e9
        try:
            await until(lambda: self._look() >= wanted, COVERED_WITHIN_S, "a quote of every instrument")
        except TimeoutError as problem:
            logger.warning("%s: %s; covered are %d", self._series.words, problem, len(self._first_new_ns))
        measured = self._measured(await self._failover(), command_s)
        await surface.clear_faults(self._old)
        return measured

    async def _strike(self, surface: SimulatorSurface) -> None:
        if self._series.fault == "closed":
            await surface.strike(self._old, {"action": "close"})
        elif self._series.fault == "reset":
            await surface.strike(self._old, {"action": "reset"})
        else:
            await surface.set_faults(self._old, {self._series.fault: True})

    async def _failover(self) -> Failover:
        """What the product wrote down, finished if it is in time."""

        def begun() -> list[Failover]:
            found = self._manager.incidents.failovers_snapshot()
            return [each for each in found if each.number > self._failovers_before]

        with contextlib.suppress(TimeoutError):
            await until(lambda: any(each.finished for each in begun()), FINISHED_WITHIN_S, "a finished entry")
        if not begun():
            raise RuntimeError(f"{self._series.words}: expected a failover to be written down, found none")
        return begun()[0]

    def _look(self) -> int:
        """Take in the rows stored since the last look; how many instruments another broker has brought."""
        quotes = self._manager.quotes
        if self._old not in quotes.broker_names:
            return 0
        old = quotes.broker_names.index(self._old)
        for block, start, stop in quotes.rows_since(self._next_row):
            self._next_row = block.first + stop
            times: NDArray[np.int64] = block.published()["receive_time"][start:stop]
            indices = block.published_instruments()[start:stop]
            brokers = np.frombuffer(block.brokers, np.uint8)[start:stop]
            if (of_old := times[brokers == old]).size:
                self._last_old_ns = int(of_old.max())
            for place in np.flatnonzero(brokers != old).tolist():
                self._first_new_ns.setdefault(int(indices[place]), int(times[place]))
        return len(self._first_new_ns)

    def _measured(self, failover: Failover, command_s: float) -> Measured:
        def seconds_since(start_ns: int) -> dict[int, float]:
            return {index: (first - start_ns) / 1e9 for index, first in self._first_new_ns.items()}

        gaps = seconds_since(self._last_old_ns)
        instruments = self._manager.quotes.instruments
        differences = [
            abs(failover.gaps_s[key] - gap)
            for index, gap in gaps.items()
            if (key := instruments[index].key) in failover.gaps_s
        ]
        detected_s = (failover.time_ns - self._last_old_ns) / 1e9
        if failover.detected_after_s is not None:
            differences.append(abs(failover.detected_after_s - detected_s))
        return Measured(
            series=self._series,
            from_broker=failover.from_broker,
            to_broker=failover.to_broker,
            why=failover.why,
            detected_after_s=detected_s,
            command_s=command_s,
            covered=len(gaps),
            gaps=histogram(gaps.values()),
            outages=histogram(seconds_since(self._commanded_ns).values()),
            moves=histogram(seconds_since(failover.time_ns).values()),
            disagreement_s=max(differences, default=None),
            product_gaps=len(failover.gaps_s),
            finished=failover.finished,
            further_failovers=0,
        )


async def _be_ready(manager: WebSocketManager, series: Series) -> None:
    """Wait until one broker carries all and another stands by, and then for any phase of the clocks."""
    await until(
        lambda: _is_ready(manager), READY_WITHIN_S, "one broker that carries all, and one that stands by"
    )
    limits = manager.config.liveness
    is_silent = series.fault in ("mute", "black_hole")
    longest_s = max(limits.ping_every, limits.probe_every) if is_silent else BROKEN_AT_S
    await asyncio.sleep(random.uniform(SHORTEST_PAUSE_S, SHORTEST_PAUSE_S + longest_s))


def _is_ready(manager: WebSocketManager) -> bool:
    quotes, primary = manager.quotes, manager.primary
    return (
        primary is not None
        and sum(health.state is BrokerState.LIVE for health in manager.health.values()) > 1
        and all(quotes.source(index) == primary for index in range(len(quotes.instruments)))
        and manager.health[primary].acknowledged >= len(quotes.instruments)
    )


async def until(condition: Callable[[], bool], within_s: float, what: str) -> None:
    """Return when a condition holds.

    Raises
    ------
    TimeoutError
        It did not happen.
    """
    try:
        async with asyncio.timeout(within_s):
            while not condition():  # noqa: ASYNC110 - what is looked at tells nobody when it changes
                await asyncio.sleep(0.01)
    except TimeoutError:
        raise TimeoutError(f"expected {what} within {within_s:g} s, found none") from None
