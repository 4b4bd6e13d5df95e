"""Quotes from one broker, orders from every broker, each message tagged with its broker.

    import dualbroker

    feed = dualbroker.connect()       # the config.yaml found; demo() needs none
    feed.subscribe("NIFTY")
    feed.quotes

It watches and never places orders.
"""

from __future__ import annotations

import importlib
import logging
from typing import TYPE_CHECKING, Any

from dualbroker.config.schema import Config
from dualbroker.errors import (
    AmbiguousInstrumentError,
    BrokerError,
    ConfigError,
    ConnectionFailedError,
    DualBrokerError,
    FeedClosedError,
    InstrumentError,
    JournalError,
    LoginHeldError,
    LoginRefusedError,
    RateLimitedError,
    RequestRefusedError,
    RetryableBrokerError,
    SessionExpiredError,
    UnknownInstrumentError,
    WireError,
    WrongThreadError,
)

if TYPE_CHECKING:
    from dualbroker.feed import Feed, connect, connect_async, demo, demo_async
    from dualbroker.feed.journal_reading import read_journal
    from dualbroker.manager import WebSocketManager
    from dualbroker.measure.measuring import measure_savings, measure_savings_async
    from dualbroker.running import run

__version__ = "0.1.0"

__all__ = [
    "AmbiguousInstrumentError",
    "BrokerError",
    "Config",
    "ConfigError",
    "ConnectionFailedError",
    "DualBrokerError",
    "Feed",
    "FeedClosedError",
    "InstrumentError",
    "JournalError",
    "LoginHeldError",
    "LoginRefusedError",
    "RateLimitedError",
    "RequestRefusedError",
    "RetryableBrokerError",
    "SessionExpiredError",
    "UnknownInstrumentError",
    "WebSocketManager",
    "WireError",
    "WrongThreadError",
    "__version__",
    "connect",
    "connect_async",
    "demo",
    "demo_async",
    "measure_savings",
    "measure_savings_async",
    "read_journal",
    "run",
]

_HOMES = {
    "dualbroker.feed": ("Feed", "connect", "connect_async", "demo", "demo_async"),
    "dualbroker.feed.journal_reading": ("read_journal",),
    "dualbroker.manager": ("WebSocketManager",),
    "dualbroker.measure.measuring": ("measure_savings", "measure_savings_async"),
    "dualbroker.running": ("run",),
}
"""Imported when they are asked for: frames need pandas, and what makes none starts sooner without it."""

logging.getLogger("dualbroker").addHandler(logging.NullHandler())


def __getattr__(name: str) -> Any:
    for home, names in _HOMES.items():
        if name in names:
            found = getattr(importlib.import_module(home), name)
            globals()[name] = found
            return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """What tab completion shows: the public names, and none of the modules behind them."""
    return sorted(__all__)
