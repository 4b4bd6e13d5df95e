"""A feed of simulated brokers for the live views; no kernel is needed."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

import dualbroker
from dualbroker import Feed
from dualbroker.notebook.publisher import publisher_of
from tests.polling import wait_until


@pytest.fixture(scope="module")
def running_feed() -> Iterator[Feed]:
    feed = dualbroker.demo(ticks_per_second=500, orders_per_minute=600, seed=11)
    feed.subscribe(["NIFTY", "BANKNIFTY"])
    yield feed
    feed.close()
    wait_until(lambda: not publisher_threads())


@pytest.fixture
def feed(running_feed: Feed) -> Iterator[Feed]:
    """The module's feed; each test leaves it without a live view, and the thread that writes them ends."""
    yield running_feed
    publisher = publisher_of(running_feed)
    publisher.close()
    publisher.set_rate(4)
    wait_until(lambda: not publisher_threads())


def publisher_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "dualbroker-publisher"]
