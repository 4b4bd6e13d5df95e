"""What all clients of the stream endpoint share: one beat, and each piece of news encoded once for all."""

from __future__ import annotations

import asyncio
import secrets
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, Generic, Protocol, TypeVar

import msgspec
import numpy as np

from dualbroker.manager import WebSocketManager
from dualbroker.model import FeedType, OrderKey
from dualbroker.remote.messages import BrokersMessage, WantedRow
from dualbroker.remote.tick_frames import Ticks, pack_ticks
from dualbroker.service.streams.clients import ClientRegistry
from dualbroker.stores.order_records import OrderEvent, OrderRecord, StateNote
from dualbroker.stores.order_state import OrderState
from dualbroker.view.state import view_state

__all__ = ["CHUNK_ROWS", "FLUSH_S", "Beaten", "Shared", "StreamHub", "ViewOf", "hub_of"]

FLUSH_S = 0.05
"""Ticks wait for no longer until they are sent, and a client is woken no oftener."""
CHUNK_ROWS = 8192
"""Most ticks of one message; orders go in between."""
_BROKERS_EVERY_S = 0.25
_REASONS_EVERY_S = 2.0
"""Why an instrument is where it is, for people."""
_CHUNKS_KEPT = 32
_VIEW_EVERY_S = 0.1
_VIEWS_KEPT = 16

ViewOf = tuple[tuple[str, ...], tuple[str, ...] | None, str | None]
"""Parts, symbols and broker of a view."""

Value = TypeVar("Value")


class Beaten(Protocol):
    """A connection, as the beat sees it."""

    def beat(self, now_s: float) -> None:
        """Once every ``FLUSH_S``."""
        ...

    def wake(self) -> None:
        """Something must not wait for the next beat."""
        ...


class Shared(Generic[Value]):
    """Something that is looked at for all clients together; ``version`` says whether it has changed."""

    def __init__(self, look: Callable[[], Value], every_s: float) -> None:
        self._look = look
        self._every_s = every_s
        self._looked_s = float("-inf")
        self.version = 0
        self._value: Value | None = None

    def value(self, now_s: float, *, at_once: bool = False) -> Value:
        if at_once or now_s - self._looked_s >= self._every_s:
            self._looked_s = now_s
            value = self._look()
            if self.version == 0 or (value is not self._value and value != self._value):
                self._value = value
                self.version += 1
        assert self._value is not None
        return self._value


class StreamHub:
    """Made with the first client; beats as long as there is one."""

    def __init__(self, manager: WebSocketManager) -> None:
        self.manager = manager
        self.registry = ClientRegistry(manager, manager.wall_clock)
        self.run = secrets.token_hex(8)
        """Names this run of the service: row numbers of another run mean nothing."""
        self.row_limit = manager.quotes.total_rows
        """Clients are sent ticks up to here, so that they all ask for the same pieces."""
        self.state_version = 0
        self._changed_states: dict[OrderKey, int] = {}
        self._chunks: OrderedDict[tuple[int, int], bytes] = OrderedDict()
        self._views: OrderedDict[ViewOf, tuple[float, dict[str, Any]]] = OrderedDict()
        self._arrangement: Hashable = None
        self._reasons_due_s = 0.0
        self._wanted_rows: list[WantedRow] = []
        self._with_depth: list[int] = []
        """Both of that arrangement."""
        self._clients: list[Beaten] = []
        self._beating: asyncio.Task[None] | None = None
        self.brokers: Shared[BrokersMessage] = Shared(self._brokers, _BROKERS_EVERY_S)
        self.wanted: Shared[list[WantedRow]] = Shared(self._wanted, FLUSH_S)
        self.sources: Shared[list[str | None]] = Shared(manager.quotes.sources, _BROKERS_EVERY_S)
        manager.order_listeners.append(self._on_order)
        manager.orders.recorders.append(self._on_record)

    # Clients

    def join(self, client: Beaten) -> None:
        self._clients.append(client)
        if self._beating is None:
            self._beating = asyncio.create_task(self._beat())

    def leave(self, client: Beaten) -> None:
        self._clients.remove(client)
        if not self._clients and self._beating is not None:
            self._beating.cancel()
            self._beating = None

    async def _beat(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            self.row_limit = self.manager.quotes.total_rows
            now_s = loop.time()
            for client in list(self._clients):
                client.beat(now_s)
            await asyncio.sleep(FLUSH_S)

    def refresh(self) -> None:
        """Look at everything now, so that an answer to a call comes after all that it brought about."""
        self.row_limit = self.manager.quotes.total_rows
        now_s = asyncio.get_running_loop().time()
        self.brokers.value(now_s, at_once=True)
        self.wanted.value(now_s, at_once=True)
        self.sources.value(now_s, at_once=True)

    # What is shared

    def packed(self, first: int, stop: int) -> bytes:
        """Rows of the store, encoded once for all who want just these."""
        data = self._chunks.get((first, stop))
        if data is None:
            data = self._chunks[first, stop] = pack_ticks(self.rows(first, stop))
            while len(self._chunks) > _CHUNKS_KEPT:
                self._chunks.popitem(last=False)
        return data

    def rows(self, first: int, stop: int) -> Ticks:
        """Rows of the store by their running numbers; all of them are kept."""
        parts: list[Ticks] = []
        for block, start, end in self.manager.quotes.rows_since(first):
            end = min(end, stop - block.first)
            if start >= end:
                break
            parts.append(
                Ticks(
                    block.published()[start:end],
                    block.published_instruments()[start:end],
                    np.frombuffer(block.brokers, np.uint8)[start:end],
                    np.frombuffer(block.snapshots, np.uint8)[start:end],
                )
            )
        if len(parts) == 1:
            return parts[0]
        return Ticks(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))

    def _brokers(self) -> BrokersMessage:
        manager = self.manager
        health = [msgspec.structs.replace(each) for each in manager.all_health()]
        names = [each.broker_name for each in health]
        return BrokersMessage(
            health=health,
            begun=list(manager.health),
            primary=manager.primary,
            preferred=manager.preferred,
            serves=[name for name in names if manager.serves(name)],
            stale={name: why for name in names if (why := manager.why_stale(name))},
        )

    def _wanted(self) -> list[WantedRow]:
        self._look_at_arrangement()
        return self._wanted_rows

    def with_depth(self) -> list[int]:
        """Indices of instruments whose depth somebody wants."""
        self._look_at_arrangement()
        return self._with_depth

    def _look_at_arrangement(self) -> None:
        """Not through all instruments at each beat: when something has changed, and now and then for the
        reasons, which also depend on how brokers are doing."""
        manager = self.manager
        now_s = asyncio.get_running_loop().time()
        if self._arrangement == manager.arrangement and now_s < self._reasons_due_s:
            return
        self._arrangement = manager.arrangement
        self._reasons_due_s = now_s + _REASONS_EVERY_S
        wanted = manager.wanted()
        self._wanted_rows = [
            WantedRow(key[0], key[1], kind, manager.source_of(key), manager.why_source(key))
            for key, kind in wanted.items()
        ]
        self._with_depth = manager.quotes.indices_of(
            key for key, kind in wanted.items() if kind is FeedType.DEPTH
        )

    def view(self, what: ViewOf, now_s: float) -> dict[str, Any]:
        """What a dashboard shows, made once for all who look at the same; never changed by anybody."""
        made_s, state = self._views.get(what, (float("-inf"), {}))
        if now_s - made_s >= _VIEW_EVERY_S:
            manager = self.manager
            state = view_state(manager, manager.clock.now_ns(), *what)
            self._views.pop(what, None)
            self._views[what] = (now_s, state)
            while len(self._views) > _VIEWS_KEPT:
                self._views.popitem(last=False)
        return state

    # Orders

    def states_since(self, version: int) -> list[OrderState]:
        """States that have changed without an event since a version, as they are now."""
        changed: list[OrderState] = []
        for key, changed_at in reversed(self._changed_states.items()):
            if changed_at <= version:
                break
            changed.append(self.manager.orders.states[key])
        return changed

    def _on_order(self, event: OrderEvent) -> None:
        for client in self._clients:
            client.wake()

    def _on_record(self, record: OrderRecord) -> None:
        if isinstance(record, StateNote):
            self.state_version += 1
            # The newest stands last.
            self._changed_states.pop(record.key, None)
            self._changed_states[record.key] = self.state_version


def hub_of(state: Any) -> StreamHub:
    """The one hub of an application, made when it is first asked for; ``state`` is ``app.state``."""
    hub: StreamHub | None = getattr(state, "stream_hub", None)
    if hub is None or hub.manager is not state.manager:
        hub = state.stream_hub = StreamHub(state.manager)
    return hub
