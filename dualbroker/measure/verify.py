"""Both plans at the same time, against the same simulated market and the same orders."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import ExitStack

from dualbroker.brokers.noren.section import SimulatedSection
from dualbroker.brokers.simulator_process import SimulatorProcess
from dualbroker.config.schema import SimulatorConfig
from dualbroker.measure.compare import checks, figures, saving
from dualbroker.measure.control import SimulatorControl
from dualbroker.measure.figures import Measurement, Plan, Verification
from dualbroker.measure.job import Job
from dualbroker.measure.symbols import choose, listed, strikes_for
from dualbroker.measure.worker_process import WorkerProcess
from dualbroker.transport.network import NetworkTransport

__all__ = ["measure_plans", "verify_plans"]

ORDERS_PER_MINUTE = 240.0
"""On each account: busy enough that a short measurement sees every kind of update."""
PROGRESS_INTERVAL_S = 0.1


async def verify_plans(
    *,
    brokers: int = 2,
    symbols: int = 50,
    ticks_per_second: float = 1000.0,
    seconds: float = 15.0,
    on_progress: Callable[[float], None] | None = None,
) -> Verification:
    """What ``measure_plans`` found, in a table: figures of both plans, what was saved, what was checked."""
    measurement = await measure_plans(
        brokers=brokers,
        symbols=symbols,
        ticks_per_second=ticks_per_second,
        seconds=seconds,
        on_progress=on_progress,
    )
    return measurement.verification


async def measure_plans(
    *,
    brokers: int = 2,
    symbols: int = 50,
    depth: int = 0,
    ticks_per_second: float = 1000.0,
    seconds: float = 15.0,
    tallies: bool = False,
    on_progress: Callable[[float], None] | None = None,
) -> Measurement:
    """Measure the naive plan (every broker streams quotes) and the optimised one (the primary alone).

    One simulator process; for each plan a process of its own with sessions of its own on the same
    accounts. Both subscribe before the market starts, and drain after it has stopped.

    Parameters
    ----------
    brokers
        Simulated ones, at least 1.
    symbols
        Instruments subscribed, picked from the symbol masters.
    depth
        How many of them with five levels of bids and asks; the others as touchlines.
    ticks_per_second
        Of the whole simulated market, 1 to 50,000; it lists little more than the symbols chosen.
    seconds
        For how long the market runs.
    tallies
        Count by type of message and instrument too.
    on_progress
        Called with the seconds measured so far.

    Raises
    ------
    ConfigError
        More symbols than the market has.
    ConnectionFailedError
        One of the processes does not start or fails.
    """
    settings = SimulatorConfig(
        ticks_per_second=float(ticks_per_second),
        orders_per_minute=ORDERS_PER_MINUTE,
        strikes=strikes_for(symbols),
        expiries=1,
        hold=True,
    )
    transport = NetworkTransport()
    simulator = await SimulatorProcess.start(settings, brokers)
    try:
        control = SimulatorControl(simulator.masters_base, transport)
        quoted = (await control.truth()).last_prices
        instruments = choose(await listed(simulator.masters_base, transport, quoted), symbols)
        sections = [
            simulator.login_for(number, SimulatedSection(name=name, type="simulated"), settings.generation)
            for number, name in enumerate(_names(brokers))
        ]

        def job(plan: Plan) -> Job:
            return Job.of(plan, sections, instruments, depth=depth, tallies=tallies)

        with ExitStack() as stack:
            naive, optimised = (stack.enter_context(WorkerProcess(job(plan))) for plan in Plan)
            await asyncio.gather(naive.prepare(), optimised.prepare())
            await asyncio.gather(naive.begin(), optimised.begin())
            await control.release()
            started = time.monotonic()
            await _wait(seconds, on_progress)
            await control.stop()
            market_seconds = time.monotonic() - started
            naive_report, optimised_report = await asyncio.gather(naive.end(), optimised.end())
        truth = await control.truth()
    finally:
        simulator.stop()
        await transport.aclose()
    naive_figures, optimised_figures = figures(naive_report), figures(optimised_report)
    verification = Verification(
        brokers=brokers,
        seconds=seconds,
        naive=naive_figures,
        optimised=optimised_figures,
        saving=saving(naive_figures, optimised_figures),
        checks=checks(
            naive_report,
            optimised_report,
            truth,
            brokers=_names(brokers),
            subscribed=[f"{each.exchange}|{each.token}" for each in instruments],
        ),
    )
    return Measurement(verification, naive_report, optimised_report, instruments, round(market_seconds, 3))


def _names(brokers: int) -> list[str]:
    """What the simulator calls its brokers."""
    return [f"broker{number}" for number in range(1, brokers + 1)]


async def _wait(seconds: float, on_progress: Callable[[float], None] | None) -> None:
    start = time.monotonic()
    while (elapsed := time.monotonic() - start) < seconds:
        if on_progress is not None:
            on_progress(elapsed)
        await asyncio.sleep(min(PROGRESS_INTERVAL_S, seconds - elapsed))
    if on_progress is not None:
        on_progress(seconds)
