"""The handle a person holds: sync outside, async inside."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dualbroker.feed.feed import Feed
    from dualbroker.feed.opening import connect, connect_async, demo, demo_async

__all__ = ["Feed", "connect", "connect_async", "demo", "demo_async"]


def __getattr__(name: str) -> Any:
    # Not at once: what a service takes from this package needs no frames, and pandas takes its time.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = "feed" if name == "Feed" else "opening"
    found = getattr(importlib.import_module(f"dualbroker.feed.{home}"), name)
    globals()[name] = found
    return found
