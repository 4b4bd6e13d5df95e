"""Work that is the same in every run of a process, done once: caches over pure functions of the client.

They are keyed by all that goes in, and what comes out is never changed, so a run with them differs from one
without in nothing but time.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import dualbroker.simulator.drivers.site
import dualbroker.storage.masters
from dualbroker.instruments import parse_master
from dualbroker.model import Instrument
from dualbroker.simulator.wire.masters import master_zip

__all__ = ["shared_work"]

_parse_master = lru_cache(maxsize=64)(parse_master)
_cached_zip = lru_cache(maxsize=64)(master_zip)


def _master_zip(exchange: str, instruments: list[Instrument]) -> bytes:
    return _cached_zip(exchange, tuple(instruments))


_LAID_OVER: tuple[tuple[Any, str, Any], ...] = (
    (dualbroker.storage.masters, "parse_master", _parse_master),
    (dualbroker.simulator.drivers.site, "master_zip", _master_zip),
)


@contextmanager
def shared_work() -> Iterator[None]:
    """Lay the caches over the functions, for as long as this is entered."""
    before = [(module, name, getattr(module, name)) for module, name, _ in _LAID_OVER]
    for module, name, cached in _LAID_OVER:
        setattr(module, name, cached)
    try:
        yield
    finally:
        for module, name, function in before:
            setattr(module, name, function)
