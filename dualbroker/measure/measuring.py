"""Measures both plans for a person at a notebook or in a program, with a bar that shows how far it is."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine, Iterable
from concurrent.futures import Future, wait
from functools import partial
from typing import Any

from dualbroker.errors import ConfigError
from dualbroker.measure.measured import MeasuredSavings
from dualbroker.measure.progress import progress_for_here
from dualbroker.measure.verify import measure_plans

__all__ = ["measure_savings", "measure_savings_async"]

SHOWN_EVERY_S = 0.25
MOST_BROKERS = 50
END_TIMEOUT_S = 15.0
"""For the processes of a measurement to end after it was given up."""

OnProgress = Callable[[str, float], None]


async def measure_savings_async(
    brokers: int | Iterable[int] = 2,
    *,
    symbols: int = 50,
    depth: int = 0,
    ticks_per_second: float = 1000.0,
    seconds: float = 15.0,
    on_progress: OnProgress | None = None,
) -> MeasuredSavings:
    """As ``measure_savings``, on the running loop; ``on_progress`` is told words and the share done."""
    numbers = [brokers] if isinstance(brokers, int) else list(brokers)
    if not numbers or not all(isinstance(each, int) and 1 <= each <= MOST_BROKERS for each in numbers):
        raise ConfigError(f"brokers: expected numbers from 1 to {MOST_BROKERS}, found {numbers!r:.60}")
    if not 0 <= depth <= symbols:
        raise ConfigError(f"depth: expected 0 to {symbols}, as many as there are symbols, found {depth}")
    if not seconds > 0:
        raise ConfigError(f"seconds: expected more than 0, found {seconds}")

    def tell(place: int, elapsed_s: float) -> None:
        if on_progress is not None:
            words = f"SIMULATED, {numbers[place]} brokers: {elapsed_s:.1f} of {seconds:g} s measured"
            on_progress(words, (place + elapsed_s / seconds) / len(numbers))

    measurements = []
    for place, number in enumerate(numbers):
        tell(place, 0.0)
        measurements.append(
            await measure_plans(
                brokers=number,
                symbols=symbols,
                depth=depth,
                ticks_per_second=ticks_per_second,
                seconds=seconds,
                tallies=True,
                on_progress=partial(tell, place),
            )
        )
    return MeasuredSavings(measurements)


def measure_savings(
    brokers: int | Iterable[int] = 2,
    *,
    symbols: int = 50,
    depth: int = 0,
    ticks_per_second: float = 1000.0,
    seconds: float = 15.0,
    progress: bool = True,
) -> MeasuredSavings:
    """Measure what one source of quotes saves, on simulated brokers, as ``dualbroker verify`` does.

    For each number of brokers a simulator and, at the same time, a process for each plan: ``naive``, in which
    every broker streams quotes, each to a client of its own, and ``optimised``, in which one does. What runs
    in this process is not measured. Bytes are counted by message type and instrument as well.

    Parameters
    ----------
    brokers
        How many; a range or list measures one after the other, each taking ``seconds`` and a few more.
    symbols
        Instruments streamed, picked from the symbol masters.
    depth
        How many of them with five levels of bids and asks.
    ticks_per_second
        Of the whole simulated market, 1 to 50,000; it lists little more than the symbols chosen.
    seconds
        For how long each market runs. Bytes are exact after a few; CPU and memory need a minute.
    progress
        Show how far it is.

    Raises
    ------
    ConfigError
        A figure that can't be, such as more symbols than the market has.
    ConnectionFailedError
        One of the processes does not start or fails.
    """
    now: tuple[str, float] = ("SIMULATED, starting", 0.0)

    def take(words: str, share: float) -> None:
        nonlocal now
        now = (words, share)

    run = _OwnThread(
        measure_savings_async(
            brokers,
            symbols=symbols,
            depth=depth,
            ticks_per_second=ticks_per_second,
            seconds=seconds,
            on_progress=take,
        )
    )
    started = time.monotonic()
    shown = progress_for_here() if progress else None
    try:
        while not run.wait(SHOWN_EVERY_S):
            if shown is not None:
                shown.show(*now)
        result = run.result()
    except BaseException:
        run.cancel()
        if shown is not None:
            shown.finish("The measurement was ended before it was done.")
        raise
    if shown is not None:
        numbers = ", ".join(str(each.verification.brokers) for each in result.measurements)
        took = time.monotonic() - started
        shown.finish(f"SIMULATED: measured with {numbers} brokers, {seconds:g} s each, in {took:.0f} s.")
    return result


class _OwnThread:
    """A measurement on a loop of its own, so that a cell, where a loop runs already, can wait for it."""

    def __init__(self, work: Coroutine[Any, Any, MeasuredSavings]) -> None:
        self._work = work
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[MeasuredSavings] | None = None
        self._result: Future[MeasuredSavings] = Future()
        self._thread = threading.Thread(target=self._run, name="dualbroker-measuring", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._result.set_result(asyncio.run(self._start()))
        except BaseException as error:
            self._result.set_exception(error)

    async def _start(self) -> MeasuredSavings:
        self._loop, self._task = asyncio.get_running_loop(), asyncio.current_task()
        return await self._work

    def wait(self, seconds: float) -> bool:
        """Wait so long at most; whether it is done."""
        return bool(wait([self._result], timeout=seconds).done)

    def result(self) -> MeasuredSavings:
        """What was measured, or what went wrong."""
        return self._result.result()

    def cancel(self) -> None:
        """End it and every process that it started; no-op when it is done."""
        if not self._result.done() and self._loop is not None and self._task is not None:
            self._loop.call_soon_threadsafe(self._task.cancel)
        self._thread.join(END_TIMEOUT_S)
