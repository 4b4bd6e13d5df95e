"""Short forms of the measurement, against a real simulator and real worker processes."""

from __future__ import annotations

import asyncio

import pytest

from dualbroker.errors import ConnectionFailedError
from dualbroker.measure.figures import Plan
from dualbroker.measure.job import Job
from dualbroker.measure.verify import verify_plans
from dualbroker.measure.worker_process import WorkerProcess


def test_three_brokers_save_two_thirds_of_the_quotes() -> None:
    seen: list[float] = []
    result = asyncio.run(
        verify_plans(brokers=3, symbols=12, ticks_per_second=400, seconds=2, on_progress=seen.append)
    )
    assert [check for check in result.checks if not check.ok] == []
    assert 66 < result.saving.quote_bytes_percent < 67
    assert result.naive.order_bytes == result.optimised.order_bytes > 0
    assert result.naive.cpu_seconds > 0
    assert result.optimised.peak_memory_bytes > 10_000_000
    assert seen == sorted(seen)
    assert seen[-1] == 2


def test_a_worker_that_fails_says_why() -> None:
    nowhere = dict.fromkeys(("rest_base", "masters_base"), "http://127.0.0.1:9")
    broker = {"name": "broker1", "type": "simulated", "websocket_url": "ws://127.0.0.1:9", **nowhere}

    async def prepare() -> None:
        job = Job(Plan.NAIVE, [broker], [])
        with WorkerProcess(job) as worker:
            await worker.prepare()

    with pytest.raises(ConnectionFailedError, match="naive plan failed: no broker carries quotes"):
        asyncio.run(prepare())
