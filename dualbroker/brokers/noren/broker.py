"""A broker that speaks Noren. What differs between brokers is a row of ``noren.dialects``."""

from __future__ import annotations

from functools import partial

import msgspec

from dualbroker.brokers.base import BrokerContext
from dualbroker.brokers.noren.login import NorenLoginCalls
from dualbroker.brokers.noren.rest import NorenRest
from dualbroker.brokers.noren.section import NorenSection
from dualbroker.brokers.noren.wire import NorenWire
from dualbroker.brokers.session.broker import SessionBroker
from dualbroker.config.schema import BrokerConfig
from dualbroker.errors import ConfigError
from dualbroker.model import (
    FillReport,
    Holding,
    InstrumentKey,
    Limits,
    OrderUpdate,
    Position,
    QuoteUpdate,
    UpdateSource,
)
from dualbroker.noren.books import DELIVERY, fill_from_row, history_from_rows, quote_from_answer
from dualbroker.noren.desk_books import holding_from_row, limits_from_answer, position_from_row
from dualbroker.noren.dialects import Dialect, dialect
from dualbroker.noren.orders import order_update_from_row
from dualbroker.noren.requests import Endpoint

__all__ = ["NorenBroker", "dialect_of"]

FLATTRADE_FILES = {
    "NSE": ("NSE_Equity",),
    "BSE": ("BSE_Equity",),
    "NFO": ("Nfo_Equity_Derivatives", "Nfo_Index_Derivatives"),
    "BFO": ("Bfo_Equity_Derivatives", "Bfo_Index_Derivatives"),
    "CDS": ("Currency_Derivatives",),
    "MCX": ("Commodity",),
}
"""Protocol: section 3."""


def dialect_of(config: NorenSection, default: str) -> Dialect:
    """The dialect that a section of the config means, its overrides laid over the named row."""
    row = dialect(config.dialect or default)
    overrides = {
        "rest_base": config.rest_base,
        "websocket_url": config.websocket_url,
        "masters_base": config.masters_base,
        "requests_per_second": config.requests_per_second,
        "requests_per_minute": config.requests_per_minute,
        "subscribe_chunk": config.subscribe_chunk,
        "chunk_pause_s": config.chunk_pause,
    }
    given = {key: value for key, value in overrides.items() if value is not None}
    return msgspec.structs.replace(row, **given)


class NorenBroker(SessionBroker):
    """One login at a broker that speaks Noren."""

    section = NorenSection
    dialect_name = "shoonya"

    def __init__(self, config: BrokerConfig, context: BrokerContext) -> None:
        if not isinstance(config, NorenSection):
            raise ConfigError(f"brokers.{config.name}: expected the section of a Noren broker, found another")
        self.dialect = self._make_dialect(config)
        self._rest = NorenRest(self.dialect, context.transport, context.conceal, context.desk_share)
        calls = NorenLoginCalls(config, self.dialect, self._rest, context.transport)
        super().__init__(config, context, NorenWire(self.dialect), calls)

    def _make_dialect(self, config: NorenSection) -> Dialect:
        return dialect_of(config, self.dialect_name)

    async def order_book(self) -> list[OrderUpdate]:
        asked_ns = self.context.clock.now_ns()
        rows = await self._rest.rows(Endpoint.ORDER_BOOK, {"uid": self._login.user_id})
        read = partial(
            order_update_from_row,
            broker_name=self.name,
            receive_time_ns=self.context.clock.now_ns(),
            source=UpdateSource.RECONCILE,
            as_of_ns=asked_ns,
        )
        return self.readable(rows, read)

    async def trade_book(self) -> list[FillReport]:
        rows = await self._rest.rows(
            Endpoint.TRADE_BOOK, {"uid": self._login.user_id, "actid": self._login.account_id}
        )
        now = self.context.clock.now_ns()
        return self.readable(rows, partial(fill_from_row, broker_name=self.name, receive_time_ns=now))

    async def order_history(self, order_id: str) -> list[OrderUpdate]:
        asked_ns = self.context.clock.now_ns()
        rows = await self._rest.rows(
            Endpoint.SINGLE_ORDER_HISTORY, {"uid": self._login.user_id, "norenordno": order_id}
        )
        return history_from_rows(
            rows,
            order_id=order_id,
            broker_name=self.name,
            receive_time_ns=self.context.clock.now_ns(),
            as_of_ns=asked_ns,
        )

    async def position_book(self) -> list[Position]:
        rows = await self._rest.rows(
            Endpoint.POSITION_BOOK, {"uid": self._login.user_id, "actid": self._login.account_id}
        )
        return self.readable(rows, partial(position_from_row, broker_name=self.name))

    async def holdings(self) -> list[Holding]:
        ids = {"uid": self._login.user_id, "actid": self._login.account_id}
        rows = await self._rest.rows(Endpoint.HOLDINGS, {**ids, "prd": DELIVERY})
        return self.readable(rows, partial(holding_from_row, broker_name=self.name))

    async def limits(self) -> Limits:
        answer = await self._rest.call(
            Endpoint.LIMITS, {"uid": self._login.user_id, "actid": self._login.account_id}
        )
        return limits_from_answer(answer, broker_name=self.name)

    async def quote(self, key: InstrumentKey) -> QuoteUpdate:
        answer = await self._rest.call(
            Endpoint.GET_QUOTES, {"uid": self._login.user_id, "exch": key[0], "token": key[1]}
        )
        return quote_from_answer(answer, expected=key)

    def master_urls(self, exchange: str) -> list[str]:
        base = self.dialect.masters_base.rstrip("/")
        if self.dialect.masters_layout == "flattrade_csv":
            return [f"{base}/{name}.csv" for name in FLATTRADE_FILES.get(exchange, ())]
        return [f"{base}/{exchange}_symbols.txt.zip"]

    @property
    def master_source(self) -> str:
        return self.dialect.name

    @property
    def rest_address(self) -> str:
        return self.dialect.rest_base

    @property
    def registered_address(self) -> str:
        return self.dialect.registered_address
