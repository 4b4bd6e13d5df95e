from __future__ import annotations

import asyncio
import threading

import pytest

from dualbroker.keyring_calls import KeyringCalls, KeyringSilentError, off_loop
from tests.polling import wait_until

SOON_S = 0.02


def test_what_a_call_returns_or_raises_reaches_the_caller() -> None:
    calls = KeyringCalls()
    assert calls.call(lambda: "secret") == "secret"
    with pytest.raises(ZeroDivisionError):
        calls.call(lambda: 1 / 0)
    with pytest.raises(TimeoutError, match="its own"):
        calls.call(_time_out)
    assert calls.call(lambda: "again") == "again"


def _time_out() -> None:
    raise TimeoutError("its own")


def test_while_one_call_hangs_the_next_are_refused_at_once_and_start_no_thread() -> None:
    unlocked = threading.Event()
    calls = KeyringCalls(timeout_s=SOON_S)
    made: list[int] = []
    try:
        with pytest.raises(KeyringSilentError, match=r"within 0\.02 s; unlock it"):
            calls.call(unlocked.wait)
        threads = threading.active_count()
        for number in range(50):
            with pytest.raises(KeyringSilentError, match=r"within 0\.02 s; unlock it"):
                calls.call(lambda number=number: made.append(number))  # type: ignore[misc]
        assert threading.active_count() == threads
        assert made == []
    finally:
        unlocked.set()
    # The answer that came too late frees it.
    wait_until(lambda: _answers(calls))


def _answers(calls: KeyringCalls) -> bool:
    try:
        return calls.call(lambda: True)
    except KeyringSilentError:
        return False


def test_calls_that_come_together_are_made_one_after_another() -> None:
    calls = KeyringCalls(timeout_s=60)
    under_way: list[int] = []

    def act() -> int:
        under_way.append(1)
        count = len(under_way)
        under_way.pop()
        return count

    async def all_at_once() -> list[int]:
        return await asyncio.gather(*(off_loop(lambda: calls.call(act)) for _ in range(8)))

    assert asyncio.run(all_at_once()) == [1] * 8


def test_the_loop_goes_on_and_ends_while_a_call_hangs() -> None:
    unlocked = threading.Event()

    async def work() -> None:
        hanging = asyncio.create_task(off_loop(unlocked.wait))
        for _ in range(100):
            await asyncio.sleep(0)
        assert not hanging.done()
        hanging.cancel()
        await asyncio.gather(hanging, return_exceptions=True)

    try:
        asyncio.run(work())
    finally:
        unlocked.set()
