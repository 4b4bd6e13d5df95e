"""Opens feeds: one per config in a process, however often a cell is run."""

from __future__ import annotations

import asyncio
import atexit
import logging
import os
import threading
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dualbroker.brokers.simulator_launch import launch_simulator
from dualbroker.config.load import find_config, load_config
from dualbroker.config.schema import Config, demo_config
from dualbroker.errors import ConfigError
from dualbroker.feed.completion import complete_in_ipython
from dualbroker.forking import call_in_child
from dualbroker.remote.address import is_address, normal_address

if TYPE_CHECKING:
    from dualbroker.feed.feed import Feed
    from dualbroker.manager.source import FeedSource

__all__ = ["close_all", "connect", "connect_async", "demo", "demo_async"]

logger = logging.getLogger("dualbroker")

# Kept over importlib.reload: a reloaded module must find the feeds that run.
_feeds: dict[str, Feed] = globals().get("_feeds", {})
_opening: threading.Lock = globals().get("_opening", threading.Lock())


def connect(config: Config | Path | str | None = None, *, token: str | None = None) -> Feed:
    """The feed of a config, or of a running service: the one that there is already, or a new one.

    Running a cell twice neither opens a second connection nor loses the first; two configs give two
    feeds.

    Parameters
    ----------
    config
        A config, or the path of a file, or the address of a running service (``http://127.0.0.1:8000``);
        None looks for ``config.yaml``: the one that the variable DUALBROKER_CONFIG names, else upwards
        from the working directory.
    token
        Of a service that demands one; the variable DUALBROKER_TOKEN unless given.

    Raises
    ------
    ConfigError
        None was found, or it can't be used; the message names the key. Or the service demands a token.
    ConnectionFailedError
        No service answers at the address.
    """
    make_source: Callable[[], FeedSource]
    if isinstance(config, str) and is_address(config):
        key = normal_address(config)
        make_source = partial(_remote_source, key, token or os.environ.get("DUALBROKER_TOKEN") or None)
    else:
        if token is not None:
            raise ConfigError("token: expected with the address of a service, found with a config")
        if not isinstance(config, Config):
            config = _load(config)
        key = config.fingerprint()
        make_source = partial(_own_source, config)
    with _opening:
        running = _feeds.get(key)
        if running is not None and not running.closed:
            return running
        if isinstance(config, Config):
            # Beside the imports: pandas and the rest take as long as the simulator does.
            launch_simulator(config)
        from dualbroker.feed.feed import Feed

        feed = Feed(make_source, on_closed=_forget)
        _feeds[key] = feed
    complete_in_ipython()
    from dualbroker.stores.health import BrokerState

    for name, health in feed.manager.health.items():
        if health.state is BrokerState.PARKED:
            # The log goes nowhere in most notebooks; this must be seen.
            warnings.warn(f"{name} is parked: {health.problem}", stacklevel=2)
    return feed


async def connect_async(config: Config | Path | str | None = None, *, token: str | None = None) -> Feed:
    """The async twin of :func:`connect`."""
    return await asyncio.to_thread(connect, config, token=token)


def demo(brokers: int = 2, **simulator: Any) -> Feed:
    """A feed on built-in simulated brokers: no file, no credentials, no real price.

    Parameters
    ----------
    brokers
        How many; the first carries quotes.
    **simulator
        Keys of the config's section ``simulator``, such as ``ticks_per_second=1000`` or ``seed=7``.
    """
    return connect(demo_config(brokers, **simulator))


async def demo_async(brokers: int = 2, **simulator: Any) -> Feed:
    """The async twin of :func:`demo`."""
    return await asyncio.to_thread(demo, brokers, **simulator)


def _own_source(config: Config) -> FeedSource:
    from dualbroker.manager import WebSocketManager

    return WebSocketManager(config)


def _remote_source(address: str, token: str | None) -> FeedSource:
    from dualbroker.remote import RemoteManager

    return RemoteManager(address, token)


def _load(path: Path | str | None) -> Config:
    if path is None and find_config() is None:
        raise ConfigError(
            "no config.yaml found here or in a folder above, and DUALBROKER_CONFIG is not set; "
            "dualbroker.demo() runs on built-in simulated brokers without one"
        )
    return load_config(path)


def _forget(feed: Feed) -> None:
    for key, known in list(_feeds.items()):
        if known is feed:
            del _feeds[key]


def _leave_to_parent() -> None:
    """In a forked child: what runs is the parent's, and ``connect`` opens a new feed here."""
    global _opening
    _feeds.clear()
    _opening = threading.Lock()


call_in_child(_leave_to_parent)


@atexit.register
def close_all() -> None:
    """Close every feed of this process; also done when it ends."""
    for feed in list(_feeds.values()):
        try:
            feed.close()
        except Exception:
            logger.exception("a feed could not be closed in order")
