"""A broker that speaks Noren. What differs between brokers is a row of ``noren.dialects``."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import Any, TypeVar

import msgspec

from dualbroker.brokers.base import Broker, BrokerContext, OrderCallback, QuoteCallback
from dualbroker.brokers.noren_login import NorenLogin
from dualbroker.brokers.noren_rest import NorenRest
from dualbroker.brokers.noren_stream import NorenSession, NorenStream
from dualbroker.brokers.polling import OrderPoll
from dualbroker.config.schema import BrokerConfig
from dualbroker.errors import ConfigError, ConnectionFailedError, LoginRefusedError, WireError
from dualbroker.model import (
    FeedType,
    FillReport,
    InstrumentKey,
    OrderUpdate,
    Position,
    QuoteUpdate,
    UpdateSource,
)
from dualbroker.noren.books import fill_from_row, history_from_rows, position_from_row, quote_from_answer
from dualbroker.noren.dialects import Dialect, dialect
from dualbroker.noren.orders import order_update_from_row
from dualbroker.noren.requests import Endpoint
from dualbroker.stores.health import BrokerState

__all__ = ["NorenBroker", "dialect_of"]

logger = logging.getLogger("dualbroker")

Row = TypeVar("Row")

FLATTRADE_FILES = {
    "NSE": ("NSE_Equity",),
    "BSE": ("BSE_Equity",),
    "NFO": ("Nfo_Equity_Derivatives", "Nfo_Index_Derivatives"),
    "BFO": ("Bfo_Equity_Derivatives", "Bfo_Index_Derivatives"),
    "CDS": ("Currency_Derivatives",),
    "MCX": ("Commodity",),
}
"""Protocol: section 3."""


def dialect_of(config: BrokerConfig, default: str) -> Dialect:
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


class NorenBroker(Broker):
    """One login at a broker that speaks Noren."""

    dialect_name = "shoonya"

    def __init__(self, config: BrokerConfig, context: BrokerContext) -> None:
        super().__init__(config, context)
        self.dialect = self._make_dialect(config)
        self._rest = NorenRest(self.dialect, context.transport, context.conceal)
        self._login = NorenLogin(config, self.dialect, context, self._rest)
        self._stream: NorenStream | None = None
        self._poll: OrderPoll | None = None
        self._order_callback: OrderCallback | None = None
        self._renewal: asyncio.Task[None] | None = None
        self._task: asyncio.Task[None] | None = None

    def _make_dialect(self, config: BrokerConfig) -> Dialect:
        return dialect_of(config, self.dialect_name)

    async def login(self) -> None:
        await self._login.open(renew=False)

    async def start_websocket(
        self, order_callback: OrderCallback, quote_callback: QuoteCallback | None = None
    ) -> None:
        if self.config.orders == "poll":
            if quote_callback is not None:
                raise ConfigError(f"brokers.{self.name}.orders: a polled broker opens no socket for quotes")
            self._poll = OrderPoll(self, self.config.poll_every, self._login.open, order_callback)
            self._task = asyncio.create_task(self._keep_polling(self._poll))
            await self._first_sign(self._poll.settled, BrokerState.POLLING)
            return
        self._stream = NorenStream(
            self.name, self.dialect, self.context, self._session, order_callback, quote_callback
        )
        self._order_callback = order_callback
        self._task = asyncio.create_task(self._stay_connected(self._stream))
        await self._first_sign(self._stream.settled, BrokerState.LIVE)

    async def _stay_connected(self, stream: NorenStream) -> None:
        """The stream for as long as it can be; then what is left: orders by REST, or a person's login."""
        while True:
            await stream.run()
            if stream.evicted:
                # Ends when the session does; the next one's socket may well be free.
                await self._poll_instead()
            elif not stream.needs_person:
                return
            await self.wait_for_login()
            if self._poll is not None:
                self._poll = None
                stream.drop("its session has ended", renew_session=True)
            logger.info("%s: a new session is there; connecting again", self.name)
            self.health.state, self.health.problem = BrokerState.CONNECTING, ""

    async def _keep_polling(self, poll: OrderPoll) -> None:
        """Orders by REST for as long as there is a session, and again once a person has logged in."""
        while True:
            await poll.run()
            # Where no password can be sent, a person's login is the way out of a refused session as well.
            if not poll.needs_person and self._login.opens_by_itself:
                return
            await self.wait_for_login()
            logger.info("%s: a new session is there; orders are read again", self.name)
            self.health.state, self.health.problem = BrokerState.CONNECTING, ""

    async def _poll_instead(self) -> None:
        """Another program holds this login's one socket: it keeps it, and no order is missed here."""
        assert self._order_callback is not None
        words = (
            "the broker closed the socket with code 1000, as it does when another program takes this login; "
            "it is not fought over, and orders are read by REST. To have the socket back, stop the other "
            f'program, then feed.reconnect("{self.name}")'
        )
        logger.error("%s: %s", self.name, words)
        self.health.problem = words
        self._poll = OrderPoll(
            self, self.config.poll_every, self._login.open, self._order_callback, because=words
        )
        await self._poll.run()

    def reconnect(self, why: str) -> None:
        if self._stream is None:
            self._poll_anew(why)
        elif self._task is not None and (self._task.done() or self._poll is not None):
            # Parked or evicted: a person asks for another try.
            self._task.cancel()
            self._poll = None
            self.health.state, self.health.problem = BrokerState.CONNECTING, why
            self._task = asyncio.create_task(self._stay_connected(self._stream))
        else:
            self._stream.drop(why)

    def _poll_anew(self, why: str) -> None:
        """For a broker without a socket: it may be parked, and a person asks for another try."""
        if self._task is None or self._poll is None or self.health.state is not BrokerState.PARKED:
            return
        self._task.cancel()
        self.health.state, self.health.problem = BrokerState.CONNECTING, why
        self._task = asyncio.create_task(self._keep_polling(self._poll))

    def renew_session(self, why: str) -> None:
        if self._stream is None or self._poll is not None:
            return
        if self._login.opens_by_itself:
            self._stream.drop(why, renew_session=True)
        elif self._renewal is None or self._renewal.done():
            # Somebody else has to log in, and a socket that still brings something is not given up for that.
            way_out = self._login.way_out
            self.health.problem = f"{why}. {way_out[0].upper()}{way_out[1:]}"
            logger.warning("%s: %s", self.name, self.health.problem)
            self.context.note(self.name, why, way_out)
            self._renewal = asyncio.create_task(self._renew_once_logged_in(self._stream, why))

    async def _renew_once_logged_in(self, stream: NorenStream, why: str) -> None:
        await self.wait_for_login()
        stream.drop(why, renew_session=True)

    def session_has_ended(self) -> bool:
        return self._login.is_of_yesterday()

    async def wait_for_login(self) -> None:
        await self._login.wait_for_saved_session()

    async def _first_sign(self, settled: asyncio.Event, up: BrokerState) -> None:
        """Return when orders flow, or raise what keeps them away; the task goes on trying meanwhile."""
        await settled.wait()
        if self.health.state is BrokerState.PARKED:
            raise LoginRefusedError(f"{self.name}: {self.health.problem}")
        if self.health.state is not up:
            raise ConnectionFailedError(f"{self.name}: {self.health.problem}")

    async def _session(self, renew: bool) -> NorenSession:
        return await self._login.open(renew=renew)

    def set_quote_callback(self, quote_callback: QuoteCallback | None) -> None:
        self._open_stream.reader.on_quotes = quote_callback

    @property
    def _open_stream(self) -> NorenStream:
        if self._stream is None:
            raise ConnectionFailedError(f"{self.name} has no socket for quotes")
        return self._stream

    async def subscribe(self, keys: Sequence[InstrumentKey], feed_type: FeedType) -> None:
        await self._open_stream.subscriptions.subscribe(keys, feed_type)

    async def unsubscribe(self, keys: Sequence[InstrumentKey]) -> None:
        await self._open_stream.subscriptions.unsubscribe(keys)

    async def wait_acknowledged(
        self, keys: Collection[InstrumentKey], timeout_s: float
    ) -> set[InstrumentKey]:
        return await self._open_stream.subscriptions.wait_acknowledged(keys, timeout_s)

    async def refresh(self, keys: Collection[InstrumentKey] | None = None) -> None:
        if self._stream is not None:
            await self._stream.subscriptions.refresh(keys)

    def unacknowledged(self, for_s: float) -> list[InstrumentKey]:
        return [] if self._stream is None else self._stream.subscriptions.unacknowledged(for_s)

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
        return self._readable(rows, read)

    async def trade_book(self) -> list[FillReport]:
        rows = await self._rest.rows(
            Endpoint.TRADE_BOOK, {"uid": self._login.user_id, "actid": self._login.account_id}
        )
        now = self.context.clock.now_ns()
        return self._readable(rows, partial(fill_from_row, broker_name=self.name, receive_time_ns=now))

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
        return self._readable(rows, partial(position_from_row, broker_name=self.name))

    def _readable(self, rows: Sequence[dict[str, Any]], read: Callable[[dict[str, Any]], Row]) -> list[Row]:
        """The rows that can be read; one that can't is counted, and keeps none of the others out.

        Raises
        ------
        WireError
            None can be read: a book of garbage is no empty book.
        """
        found: list[Row] = []
        problem: WireError | None = None
        for row in rows:
            try:
                found.append(read(row))
            except WireError as error:
                problem = error
        if problem is not None:
            unreadable = len(rows) - len(found)
            self.health.unreadable_messages += unreadable
            if not found:
                raise problem
            logger.warning("%s: %d of %d rows can't be read: %s", self.name, unreadable, len(rows), problem)
        return found

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

    async def close(self) -> None:
        if self._stream is not None:
            await self._stream.close()
        tasks = [task for task in (self._task, self._renewal) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._login.release()
        # What only a person can mend is still to be mended after the end.
        if self.health.state is not BrokerState.PARKED:
            self.health.close()

    async def logout(self) -> None:
        await self._login.logout()
