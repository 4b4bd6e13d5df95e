"""The same instrument at another broker: joined on what it is, never on how its symbol is spelt."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from datetime import date

from dualbroker.brokers.base import Broker
from dualbroker.clock import Clock, market_day
from dualbroker.errors import DualBrokerError
from dualbroker.instruments import Instruments
from dualbroker.manager.masters import MasterLoader
from dualbroker.model import Instrument, InstrumentKey, InstrumentKind

__all__ = ["InstrumentMapping", "find_same"]

logger = logging.getLogger("dualbroker")

LOOKED_UP_AT_ONCE = 20
"""Instruments, in two or three milliseconds."""


class InstrumentMapping:
    """Keys of instruments at brokers other than the one whose symbol master they come from.

    A broker that downloads the very same master needs no map. While another one's master is not at hand,
    the exchange's own token is taken, as the masters of all brokers are made from the exchange's list
    (protocol: section 3); what its master then does not know, it is not asked for.
    """

    def __init__(self, masters: MasterLoader, clock: Clock) -> None:
        self._masters = masters
        self._clock = clock
        self._loaders: dict[str, MasterLoader] = {}
        self._keys: dict[str, dict[InstrumentKey, InstrumentKey | None]] = {}
        self._days: dict[str, date] = {}

    def key_at(self, broker: Broker, key: InstrumentKey) -> InstrumentKey | None:
        """The instrument's key at that broker; None where its master has no such instrument."""
        return self._keys.get(broker.name, {}).get(key, key)

    def unknown_at(self, broker: Broker, keys: Iterable[InstrumentKey]) -> list[InstrumentKey]:
        """Those that the broker's master does not have, as far as it was read."""
        known = self._keys.get(broker.name)
        return [key for key in keys if known.get(key, key) is None] if known else []

    async def prepare(self, source: Broker, broker: Broker, instruments: Iterable[Instrument]) -> None:
        """Look these instruments up in the broker's own master, so that a failover need not wait for it.

        A master that can't be had is logged, and the keys stay as they are.
        """
        if broker is source or broker.master_urls("NSE") == source.master_urls("NSE"):
            return
        today = market_day(self._clock.now_ns())
        if self._days.get(broker.name) != today:
            self._days[broker.name] = today
            self._keys[broker.name] = {}
        known = self._keys[broker.name]
        loader = self._loaders.setdefault(broker.name, self._masters.another())
        looked_up = 0
        for instrument in list(instruments):
            if instrument.key in known:
                continue
            looked_up += 1
            if looked_up % LOOKED_UP_AT_ONCE == 0:
                # Thousands of instruments take a good part of a second; quotes and signs of life go first.
                await asyncio.sleep(0)
            try:
                await loader.load(broker, instrument.exchange)
            except DualBrokerError as error:
                logger.info(
                    "%s: its symbol master of %s is not at hand: %s", broker.name, instrument.exchange, error
                )
                continue
            same = find_same(loader.instruments, instrument)
            known[instrument.key] = None if same is None else same.key


def find_same(there: Instruments, instrument: Instrument) -> Instrument | None:
    """The instrument of another master that is this one: by underlying, expiry, strike and type, by the
    exchange's token, or by the symbol of a share or the name of an index."""
    exchange = instrument.exchange
    if instrument.expiry is not None:
        if instrument.kind is InstrumentKind.OPTION and instrument.strike is not None:
            assert instrument.option_type is not None
            return there.option(
                instrument.name,
                instrument.expiry,
                instrument.strike,
                instrument.option_type,
                exchange=exchange,
            )
        return there.future(instrument.name, instrument.expiry, exchange=exchange)
    by_token = there.get(instrument.key)
    if by_token is not None and instrument.name.upper() == by_token.name.upper():
        return by_token
    by_symbol = there.by_symbol(exchange, instrument.symbol)
    if by_symbol is not None:
        return by_symbol
    named = [each for each in there.named(exchange, instrument.name) if each.kind is instrument.kind]
    return named[0] if len(named) == 1 else None
