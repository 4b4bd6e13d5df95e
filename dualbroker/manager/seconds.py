"""Each second of the feed: its traffic is closed, and a clock that was set is noticed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from dualbroker.clock import NS_PER_S, Clock, SystemClock
from dualbroker.figures import number
from dualbroker.stores.bandwidth import BandwidthStore

__all__ = ["close_seconds"]


async def close_seconds(
    bandwidth: BandwidthStore,
    traffic_clock: Clock,
    system_clock: SystemClock,
    note: Callable[[str, str], None],
) -> None:
    """Close the books on each second of traffic, until cancelled.

    Parameters
    ----------
    note
        Called with what went wrong and what is done about it.
    """
    loop = asyncio.get_running_loop()
    next_s = loop.time() + 1.0
    while True:
        await asyncio.sleep(max(0.0, next_s - loop.time()))
        bandwidth.close_second(traffic_clock.now_ns() // NS_PER_S)
        next_s += 1.0
        step_s = system_clock.catch_up()
        if step_s > 0:
            words = f"the system's clock has gone ahead by {number(step_s)} s"
            note(words, "the system slept, or its clock was set; receive times follow it")
        elif step_s < 0:
            words = f"the system's clock has been set back by {number(-step_s)} s"
            note(words, "receive times never go back: they stay ahead until a restart")
