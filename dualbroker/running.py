"""Runs a user's own coroutine to its end from a plain cell or script."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Coroutine
from typing import Any, TypeVar

from dualbroker.extras import needs_extra

__all__ = ["run"]

T = TypeVar("T")


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end and return its result, also where an event loop is running.

    In a script this is ``asyncio.run``. In a notebook's cell a loop runs already; there ``nest_asyncio``
    (from Python 3.14 on its continuation ``nest_asyncio2``) is applied to that loop, at the first call
    and nowhere else in dualbroker. Where the cell can say ``await``, prefer that.
    """
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(coroutine)
    with needs_extra("notebook"):
        if sys.version_info >= (3, 14):
            import nest_asyncio2 as nest
        else:
            import nest_asyncio as nest
    nest.apply(loop)
    result: T = loop.run_until_complete(coroutine)
    return result
