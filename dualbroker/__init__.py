"""Quotes from one broker, orders from every broker, each message tagged with its broker.

    import dualbroker

    feed = dualbroker.connect()       # the config.yaml found; demo() needs none
    feed.subscribe("NIFTY")
    feed.quotes

It watches and never places orders.
"""

from __future__ import annotations

from dualbroker import module_path

if module_path.is_own_program():
    module_path.standard_library_first()  # before anything of it is imported

import importlib
import logging
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dualbroker.config.schema import Config
    from dualbroker.errors import (
        AmbiguousInstrumentError,
        ArgumentError,
        BrokerError,
        CallbackError,
        ConfigError,
        ConnectionFailedError,
        DualBrokerError,
        FeedClosedError,
        InstrumentError,
        JournalError,
        LoginHeldError,
        LoginRefusedError,
        MissingExtraError,
        NotOfferedError,
        RateLimitedError,
        RequestRefusedError,
        RetryableBrokerError,
        SessionExpiredError,
        UnknownInstrumentError,
        WireError,
        WrongThreadError,
    )
    from dualbroker.feed import Feed, connect, connect_async, demo, demo_async
    from dualbroker.frames.journal_reading import read_journal
    from dualbroker.manager import WebSocketManager
    from dualbroker.measure.measuring import measure_savings, measure_savings_async
    from dualbroker.running import run

__version__ = "0.1.0"

__all__ = [
    "AmbiguousInstrumentError",
    "ArgumentError",
    "BrokerError",
    "CallbackError",
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
    "MissingExtraError",
    "NotOfferedError",
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
    "dualbroker.config.schema": ("Config",),
    "dualbroker.feed": ("Feed", "connect", "connect_async", "demo", "demo_async"),
    "dualbroker.frames.journal_reading": ("read_journal",),
    "dualbroker.manager": ("WebSocketManager",),
    "dualbroker.measure.measuring": ("measure_savings", "measure_savings_async"),
    "dualbroker.running": ("run",),
}
"""Imported when they are asked for: frames need pandas, and what makes none starts sooner without it.
What is not named here is an error, of ``dualbroker.errors``."""

logging.getLogger("dualbroker").addHandler(logging.NullHandler())


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = next((home for home, names in _HOMES.items() if name in names), "dualbroker.errors")
    try:
        found = getattr(importlib.import_module(home), name)
    except (ImportError, AttributeError) as problem:
        in_the_way = module_path.what_is_in_the_way(problem)
        if in_the_way is None:
            raise
        raise ImportError(in_the_way) from None
    if (in_the_way := module_path.what_is_in_the_way()) is not None:
        raise ImportError(in_the_way)  # rather than fail somewhere, some time
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    """What tab completion shows: the public names, and none of the modules behind them."""
    return sorted(__all__)
