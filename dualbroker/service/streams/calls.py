"""What a client of the stream endpoint can ask for: each call by its name, its arguments checked."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

import msgspec

from dualbroker.errors import RequestRefusedError
from dualbroker.manager import WebSocketManager
from dualbroker.model import Instrument
from dualbroker.remote.messages import ClientMessage, TicksMessage
from dualbroker.service.streams import rows as stream_rows
from dualbroker.service.streams.clients import ClientRegistry
from dualbroker.service.streams.hub import CHUNK_ROWS, StreamHub
from dualbroker.stores.incidents import Failover
from dualbroker.view.incidents import named_failovers

__all__ = ["CallMaker"]

MOST_NAMES = 5000
Name = Annotated[str, msgspec.Meta(max_length=200)]
Part = Annotated[str, msgspec.Meta(max_length=80)]
Several = Annotated[list[Name | Instrument], msgspec.Meta(max_length=MOST_NAMES)]


class _Arguments(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    pass


class _Subscribe(_Arguments):
    names: Several
    exchange: Name = "NFO"
    depth: bool = False
    holder: Part = ""


class _Unsubscribe(_Arguments):
    names: Several
    exchange: Name = "NFO"
    holder: Part = ""


class _Keys(_Arguments):
    keys: Annotated[list[tuple[Name, Name]], msgspec.Meta(max_length=MOST_NAMES)]


class _Named(_Arguments):
    name: Name
    exchange: Name


class _Search(_Arguments):
    words: Name
    exchange: Name | None = None
    limit: Annotated[int, msgspec.Meta(ge=0, le=MOST_NAMES)] = 20


class _Around(_Arguments):
    underlying: Name
    expiry: int | Name = 0
    strikes: Annotated[int, msgspec.Meta(ge=-1_000_000, le=1_000_000)] = 5


class _Broker(_Arguments):
    name: Name


class _OneOrAll(_Arguments):
    broker: Name | None = None


class _Alert(_Arguments):
    what: Name
    above: float | None = None
    below: float | None = None


class _NoAlert(_Arguments):
    what: Name


class _Seconds(_Arguments):
    seconds: float


class _Release(_Arguments):
    holder: Part = ""


class _Rows(_Arguments):
    first: Annotated[int, msgspec.Meta(ge=0)]
    count: Annotated[int, msgspec.Meta(ge=1, le=CHUNK_ROWS)] = CHUNK_ROWS


class CallMaker:
    """Makes the calls of one client."""

    def __init__(self, hub: StreamHub, client_id: str, *, compact: bool) -> None:
        self._hub = hub
        self._client_id = client_id
        self._compact = compact
        self._calls: dict[str, tuple[type[_Arguments], Callable[[Any], Awaitable[Any]]]] = {
            "subscribe": (_Subscribe, self._subscribe),
            "unsubscribe": (_Unsubscribe, self._unsubscribe),
            "release": (_Release, self._release),
            "known_instruments": (_Keys, lambda given: self._manager.known_instruments(given.keys)),
            "named_by_master": (_Named, self._named),
            "search": (
                _Search,
                lambda given: self._manager.search(given.words, exchange=given.exchange, limit=given.limit),
            ),
            "find": (
                _Search,
                lambda given: self._manager.find(given.words, exchange=given.exchange, limit=given.limit),
            ),
            "options_around": (
                _Around,
                lambda given: self._manager.options_around(
                    given.underlying, expiry=given.expiry, strikes=given.strikes
                ),
            ),
            "set_quote_source": (_Broker, self._set_quote_source),
            "reconnect": (_Broker, lambda given: self._manager.reconnect(given.name)),
            "begin_comparison": (
                _Seconds,
                lambda given: self._manager.begin_comparison(given.seconds),
            ),
            "comparison": (_Arguments, lambda given: self._manager.comparison()),
            "reconcile": (_OneOrAll, lambda given: self._manager.reconcile(given.broker)),
            "add_alert": (
                _Alert,
                lambda given: self._manager.add_alert(given.what, given.above, given.below),
            ),
            "remove_alert": (_NoAlert, lambda given: self._manager.remove_alert(given.what)),
            "test_alerts": (_Arguments, lambda given: self._manager.test_alerts()),
            "ticks": (_Rows, self._ticks),
        }

    @property
    def _manager(self) -> WebSocketManager:
        return self._hub.manager

    @property
    def _registry(self) -> ClientRegistry:
        return self._hub.registry

    async def make(self, message: ClientMessage) -> Any:
        """The result of a call.

        Raises
        ------
        RequestRefusedError
            There is no such call, or its arguments are none of its.
        DualBrokerError, ValueError
            What the call itself raises.
        """
        known = self._calls.get(message.call or "")
        if known is None:
            names = ", ".join(self._calls)
            raise RequestRefusedError(f"call: expected one of {names}, found {str(message.call)[:40]!r}")
        arguments, call = known
        try:
            given = msgspec.convert(message.arguments, arguments)
        except msgspec.ValidationError as error:
            raise RequestRefusedError(f"{message.call}: {_lower(str(error))}") from None
        return await call(given)

    async def _subscribe(self, given: _Subscribe) -> Any:
        holder = self._registry.holder(self._client_id, given.holder)
        return await self._manager.subscribe(given.names, given.exchange, depth=given.depth, holder=holder)

    async def _unsubscribe(self, given: _Unsubscribe) -> list[Instrument]:
        holder = self._registry.holder(self._client_id, given.holder)
        instruments = await self._manager.resolve(given.names, given.exchange)
        await self._manager.unsubscribe(instruments, given.exchange, holder=holder)
        return instruments

    async def _release(self, given: _Release) -> None:
        await self._manager.release(self._registry.holder(self._client_id, given.holder))

    async def _named(self, given: _Named) -> Instrument | None:
        return self._manager.named_by_master(given.name, given.exchange)

    async def _set_quote_source(self, given: _Broker) -> Failover | dict[str, Any] | None:
        failover = await self._manager.set_quote_source(given.name)
        return failover if self._compact or failover is None else named_failovers([failover])[0]

    async def _ticks(self, given: _Rows) -> Any:
        """Rows that the store still keeps, for a client that had to skip some."""
        store = self._manager.quotes
        first = max(given.first, store.first_row)
        stop = min(store.total_rows, given.first + given.count)
        if first >= stop:
            raise RequestRefusedError(
                f"ticks: expected rows from {store.first_row} to {store.total_rows - 1}, found {given.first}"
            )
        if not self._compact:
            return stream_rows.tick_rows(store, first, self._hub.rows(first, stop))
        return TicksMessage(first=first, data=self._hub.packed(first, stop))


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]
