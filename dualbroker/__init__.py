"""Quotes from one broker, orders from every broker, each message tagged with its broker.

    import dualbroker

    feed = dualbroker.connect()       # the config.yaml found; demo() needs none
    feed.subscribe("NIFTY")
    feed.quotes

It watches and never places orders.
"""

from __future__ import annotations

import logging

from dualbroker.config.schema import Config
from dualbroker.errors import (
    AmbiguousInstrumentError,
    BrokerError,
    ConfigError,
    ConnectionFailedError,
    DualBrokerError,
    FeedClosedError,
    InstrumentError,
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
from dualbroker.feed import Feed, connect, connect_async, demo, demo_async
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
    "run",
]

logging.getLogger("dualbroker").addHandler(logging.NullHandler())


def __dir__() -> list[str]:
    """What tab completion shows: the public names, and none of the modules behind them."""
    return sorted(__all__)
