"""The handle a person holds: sync outside, async inside; frames are made here."""

from __future__ import annotations

from dualbroker.feed.feed import Feed
from dualbroker.feed.opening import connect, connect_async, demo, demo_async

__all__ = ["Feed", "connect", "connect_async", "demo", "demo_async"]
