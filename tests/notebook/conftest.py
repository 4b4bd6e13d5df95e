"""A feed of simulated brokers for the live views, and a JupyterLab with a browser for those in a notebook."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

import dualbroker
from dualbroker import Feed
from dualbroker.notebook.live.publisher import publisher_of
from tests.chromium import open_browser
from tests.notebook.live.lab import Lab, jupyter_lab
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
    publisher = publisher_of(running_feed._runtime)
    publisher.close()
    publisher.set_rate(4)
    wait_until(lambda: not publisher_threads())


def publisher_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "dualbroker-publisher"]


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with jupyter_lab(tmp_path_factory.mktemp("lab")) as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with open_browser() as running:
        yield running
