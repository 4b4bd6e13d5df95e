"""Which instruments a measurement streams: so many, out of the simulated brokers' own symbol masters."""

from __future__ import annotations

import math
import time
from collections.abc import Container, Sequence

from dualbroker.clock import ist
from dualbroker.errors import ConfigError
from dualbroker.model import Instrument
from dualbroker.storage.masters import MasterCache
from dualbroker.transport.base import Transport

__all__ = ["choose", "listed", "strikes_for"]

EXCHANGES = ("NSE", "NFO", "BSE", "BFO")

_BESIDE_OPTIONS = 36
"""Indices, shares and futures that the made-up market always lists."""
_LEAST_CHAINS = 4
_MOST_STRIKES = 200


def strikes_for(symbols: int) -> int:
    """Strikes on each side of the money with which the market lists at least so many instruments.

    No more than needed: the market spreads its ticks over all that it lists.
    """
    options_per_strike = 2 * 2 * _LEAST_CHAINS  # call and put, above and below the money
    needed = math.ceil((symbols - _BESIDE_OPTIONS) / options_per_strike)
    return min(_MOST_STRIKES, max(1, needed))


async def listed(masters_base: str, transport: Transport, quoted: Container[str]) -> list[Instrument]:
    """Everything that the symbol masters list and the market quotes (some indices it does not).

    Parameters
    ----------
    quoted
        ``exchange|token`` of what the market quotes.

    Raises
    ------
    ConnectionFailedError
        A symbol master can't be downloaded.
    """
    cache = MasterCache(None)
    today = ist(time.time_ns()).date()
    instruments = []
    for exchange in EXCHANGES:
        url = f"{masters_base}/{exchange}_symbols.txt.zip"
        table = await cache.load(transport, url, exchange, source="", day=today)
        instruments += [table.instrument(row) for row in range(len(table))]
    return [each for each in instruments if f"{each.exchange}|{each.token}" in quoted]


def choose(instruments: Sequence[Instrument], count: int) -> list[Instrument]:
    """So many of them, evenly spread.

    Raises
    ------
    ConfigError
        There are fewer.
    """
    if count > len(instruments):
        raise ConfigError(
            f"--symbols: expected at most {len(instruments)}, as many as the market has, found {count}"
        )
    return [instruments[place * len(instruments) // count] for place in range(count)]
