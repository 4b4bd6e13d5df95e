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
from dualbroker.instruments.names import DERIVATIVES_OF
from dualbroker.manager.instruments.masters import MasterLoader
from dualbroker.model import Instrument, InstrumentKind
from dualbroker.routing.keys import KeysAtBrokers

__all__ = ["InstrumentMapping", "find_same"]

logger = logging.getLogger("dualbroker")

LOOKED_UP_AT_ONCE = 20
"""Instruments, in two or three milliseconds."""
TRY_AGAIN_S = 60.0
"""A download that hangs takes its whole timeout, and hundreds of instruments want the same one."""


class InstrumentMapping:
    """Looks instruments up in the symbol masters of brokers other than the one whose master they come from.

    A broker that downloads the very same master needs no map.

    Parameters
    ----------
    keys
        Where routing reads what was found.
    """

    def __init__(self, masters: MasterLoader, clock: Clock, keys: KeysAtBrokers) -> None:
        self._masters = masters
        self._clock = clock
        self._loaders: dict[str, MasterLoader] = {}
        self._keys = keys
        self._days: dict[str, date] = {}
        self._turns: dict[str, asyncio.Lock] = {}
        self._failed_s: dict[tuple[str, str], float] = {}
        """By broker and exchange: when its master was last not to be had, by the loop's clock."""

    def has_derivatives(self, instrument: Instrument) -> bool | None:
        """Whether an index or a share has futures or options anywhere; None while no master says."""
        instruments = self._masters.instruments
        known = [exchange for exchange in DERIVATIVES_OF.values() if exchange in instruments.exchanges]
        if any(instruments.derivative_count(instrument.name, exchange) for exchange in known):
            return True
        return False if len(known) == len(DERIVATIVES_OF) else None

    def start_day(self) -> None:
        """Forget yesterday's keys: today's masters renumber contracts, and the source may be another."""
        for name in self._days:
            self._keys.forget(name)
        self._days.clear()

    async def prepare(self, source: Broker, broker: Broker, instruments: Iterable[Instrument]) -> None:
        """Look these instruments up in the broker's own master, so that a failover need not wait for it.

        A master that can't be had is logged and left alone for a minute, and the keys stay as they are.
        """
        if broker is source:
            return
        if broker.master_urls("NSE") == source.master_urls("NSE"):
            self._begin_day(broker)
            for instrument in instruments:
                self._keys.learn(broker.name, instrument.key, instrument.key)
            return
        # In turn: each subscription wants this, and what one has found or failed to find serves the next.
        async with self._turns.setdefault(broker.name, asyncio.Lock()):
            await self._look_up(broker, list(instruments))

    async def _look_up(self, broker: Broker, instruments: list[Instrument]) -> None:
        self._begin_day(broker)
        looked_up = 0
        for instrument in instruments:
            if self._keys.is_known(broker.name, instrument.key):
                continue
            looked_up += 1
            if looked_up % LOOKED_UP_AT_ONCE == 0:
                # Thousands of instruments take a good part of a second; quotes and signs of life go first.
                await asyncio.sleep(0)
            loader = await self._loaded(broker, instrument.exchange)
            if loader is not None:
                same = find_same(loader.instruments, instrument)
                self._keys.learn(broker.name, instrument.key, None if same is None else same.key)

    def _begin_day(self, broker: Broker) -> None:
        today = market_day(self._clock.now_ns())
        if self._days.get(broker.name) != today:
            self._days[broker.name] = today
            self._keys.forget(broker.name)

    async def _loaded(self, broker: Broker, exchange: str) -> MasterLoader | None:
        """The broker's masters, that exchange's among them; None while it can't be had."""
        loop = asyncio.get_running_loop()
        failed_s = self._failed_s.get((broker.name, exchange))
        if failed_s is not None and loop.time() < failed_s + TRY_AGAIN_S:
            return None
        loader = self._loaders.setdefault(broker.name, self._masters.another())
        try:
            await loader.load(broker, exchange)
        except DualBrokerError as error:
            logger.info("%s: its symbol master of %s is not at hand: %s", broker.name, exchange, error)
            self._failed_s[broker.name, exchange] = loop.time()
            return None
        return loader


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
