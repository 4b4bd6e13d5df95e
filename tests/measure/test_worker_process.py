"""The processes of a measurement; ``test_measuring`` has whole ones."""

from __future__ import annotations

import asyncio

import pytest

from dualbroker.errors import ConnectionFailedError
from dualbroker.measure.figures import Plan
from dualbroker.measure.job import Job
from dualbroker.measure.worker_process import WorkerProcess


def test_a_worker_that_fails_says_why() -> None:
    nowhere = dict.fromkeys(("rest_base", "masters_base"), "http://127.0.0.1:9")
    broker = {"name": "broker1", "type": "simulated", "websocket_url": "ws://127.0.0.1:9", **nowhere}

    async def prepare() -> None:
        job = Job(Plan.NAIVE, [broker], [])
        with WorkerProcess(job) as worker:
            await worker.prepare()

    with pytest.raises(ConnectionFailedError, match="naive plan failed: no broker carries quotes"):
        asyncio.run(prepare())
