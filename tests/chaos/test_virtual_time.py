from __future__ import annotations

import asyncio
import threading

import pytest

from dualbroker.chaos.virtual_time import VirtualTimeLoop, run_in_virtual_time


def test_hours_pass_at_once_and_to_the_point() -> None:
    async def wait() -> float:
        await asyncio.sleep(7200)
        return asyncio.get_running_loop().time()

    assert run_in_virtual_time(wait()) == 7200.0


def test_timers_of_one_moment_go_off_in_the_order_in_which_they_were_set() -> None:
    async def story() -> list[int]:
        loop = asyncio.get_running_loop()
        seen: list[int] = []
        for number in range(50):
            loop.call_at(10.0, seen.append, number)
        loop.call_at(9.0, seen.append, -1)
        await asyncio.sleep(11)
        return seen

    assert run_in_virtual_time(story()) == [-1, *range(50)]


def test_a_cancelled_timer_does_not_go_off() -> None:
    async def story() -> list[int]:
        loop = asyncio.get_running_loop()
        seen: list[int] = []
        timers = [loop.call_later(1.0, seen.append, number) for number in range(200)]
        for timer in timers[:150]:
            timer.cancel()
        await asyncio.sleep(2)
        return seen

    assert run_in_virtual_time(story()) == list(range(150, 200))


def test_a_hang_is_an_error() -> None:
    async def hang() -> None:
        await asyncio.get_running_loop().create_future()

    loop = VirtualTimeLoop()
    try:
        with pytest.raises(RuntimeError, match="hang forever"):
            loop.run_until_complete(hang())
    finally:
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()


def test_a_thread_s_work_is_done_at_once_and_takes_no_virtual_time() -> None:
    def fail() -> None:
        raise ValueError("as it would in a thread")

    async def story() -> float:
        loop = asyncio.get_running_loop()
        ticking = asyncio.create_task(asyncio.sleep(3600))
        assert await asyncio.to_thread(threading.current_thread) is threading.current_thread()
        with pytest.raises(ValueError, match="as it would"):
            await asyncio.to_thread(fail)
        ticking.cancel()
        return loop.time()

    assert run_in_virtual_time(story()) == 0.0
