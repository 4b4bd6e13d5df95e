"""Calls to the system's keyring: bounded in time, one after another, and never on an event loop.

A keyring that is locked may wait for a person's password, without a desktop for ever.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

__all__ = ["KEYRING", "KEYRING_TIMEOUT_S", "KeyringCalls", "KeyringSilentError", "off_loop"]

KEYRING_TIMEOUT_S = 10.0
"""Long enough for a person who is at the screen to unlock it."""

Result = TypeVar("Result")


class KeyringSilentError(Exception):
    """The keyring did not answer in time. The message says so, and what to do first."""


class KeyringCalls:
    """Makes calls that may never return; at most one of them is under way.

    Parameters
    ----------
    timeout_s
        Seconds that a call may take; what takes longer is left behind in its thread.
    """

    def __init__(self, timeout_s: float = KEYRING_TIMEOUT_S) -> None:
        self._timeout_s = timeout_s
        self._turn = threading.Lock()
        self._hangs = False

    def call(self, act: Callable[[], Result]) -> Result:
        """What the call returns or raises; waits until then, and for an earlier call to end.

        Raises
        ------
        KeyringSilentError
            It takes too long; or an earlier call did and still has not ended, then at once.
        """
        if not self._turn.acquire(timeout=0 if self._hangs else self._timeout_s):
            raise self._silent()

        def act_and_end() -> Result:
            try:
                return act()
            finally:
                # Here, and not where it is waited for: until then no second call may begin.
                self._hangs = False
                self._turn.release()

        future = _in_thread(act_and_end)
        try:
            return future.result(self._timeout_s)
        except TimeoutError:
            if future.done():
                raise  # the keyring's own
            raise self._silent() from None

    def _silent(self) -> KeyringSilentError:
        self._hangs = True
        return KeyringSilentError(
            f"the system's keyring did not answer within {self._timeout_s:g} s; unlock it"
        )


KEYRING = KeyringCalls()
"""Through which all of this process go: what hangs is the one keyring behind them."""


async def off_loop(act: Callable[[], Result]) -> Result:
    """Have a thread make a call that waits, while the event loop goes on; nothing waits for it at the end."""
    return await asyncio.wrap_future(_in_thread(act))


def _in_thread(act: Callable[[], Result]) -> Future[Result]:
    # No executor: its threads are waited for when the process ends, and this one may never end.
    future: Future[Result] = Future()
    future.set_running_or_notify_cancel()

    def work() -> None:
        try:
            result = act()
        except BaseException as error:
            future.set_exception(error)
        else:
            future.set_result(result)

    threading.Thread(target=work, name="dualbroker-keyring", daemon=True).start()
    return future
