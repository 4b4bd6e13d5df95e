from __future__ import annotations

import asyncio
import random

from dualbroker.brokers.backoff import Backoff
from dualbroker.brokers.limiter import RateLimiter
from dualbroker.chaos.virtual_time import run_in_virtual_time


def test_no_window_ever_holds_more_than_allowed() -> None:
    passed: list[float] = []

    async def call_often() -> None:
        limiter = RateLimiter(per_second=10, per_minute=50)

        async def one() -> None:
            await limiter.wait()
            passed.append(asyncio.get_running_loop().time())

        await asyncio.gather(*(one() for _ in range(120)))

    run_in_virtual_time(call_often())
    assert len(passed) == 120
    for start in passed:
        assert sum(start <= t < start + 1.0 - 1e-9 for t in passed) <= 10
        assert sum(start <= t < start + 60.0 - 1e-9 for t in passed) <= 50
    assert passed[9] == passed[0], "what is allowed passes at once"


def test_backoff_doubles_up_to_its_cap_and_starts_over() -> None:
    backoff = Backoff(random.Random(1), first_s=1.0, cap_s=8.0)
    waits = [backoff.next_s() for _ in range(100)]
    for number, wait in enumerate(waits):
        step = min(8.0, 2.0**number)
        assert step / 2 <= wait <= step
    assert len(set(waits)) > 90, "chance keeps clients out of step"
    backoff.reset()
    assert backoff.next_s() <= 1.0
