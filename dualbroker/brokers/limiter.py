"""One limiter per login holds all its REST calls under the broker's rates."""

from __future__ import annotations

import asyncio
from collections import deque

__all__ = ["RateLimiter"]


class RateLimiter:
    """Lets calls pass in order, never more than the broker allows in any window.

    Parameters
    ----------
    per_second, per_minute
        Most calls in any second, and in any minute.
    """

    def __init__(self, per_second: float, per_minute: float) -> None:
        self._windows = ((1.0, max(1, int(per_second))), (60.0, max(1, int(per_minute))))
        self._passed: deque[float] = deque(maxlen=max(limit for _, limit in self._windows))
        self._turn = asyncio.Lock()

    async def wait(self, share: float = 1.0) -> None:
        """Return when one more call is allowed.

        Parameters
        ----------
        share
            The call passes only while all calls stay within this share of the rates. One that has to wait for
            that lets every other go first.
        """
        loop = asyncio.get_running_loop()
        while share < 1:
            pause_s = self._pause_s(loop.time(), share)
            if pause_s <= 0:
                break
            await asyncio.sleep(pause_s)
        async with self._turn:
            await asyncio.sleep(self._pause_s(loop.time()))
            self._passed.append(loop.time())

    def _pause_s(self, now: float, share: float = 1.0) -> float:
        pause = 0.0
        for span_s, most in self._windows:
            limit = max(1, int(most * share))
            if len(self._passed) >= limit:
                pause = max(pause, self._passed[-limit] + span_s - now)
        return pause
