"""Background tasks: kept, heard, and ended together."""

from __future__ import annotations

import asyncio
import logging

import pytest

from dualbroker.background import BackgroundTasks


def test_one_that_fails_is_logged_and_the_others_go_on(caplog: pytest.LogCaptureFixture) -> None:
    async def fail() -> None:
        raise ValueError("out of order")

    async def story() -> None:
        tasks = BackgroundTasks()
        lasting = tasks.spawn(asyncio.sleep(60))
        tasks.spawn(fail())
        await asyncio.sleep(0.01)
        assert not lasting.done()
        await tasks.cancel()
        assert lasting.cancelled()

    with caplog.at_level(logging.ERROR, "dualbroker"):
        asyncio.run(story())
    [record] = caplog.records
    assert record.exc_info is not None
    assert str(record.exc_info[1]) == "out of order"
