"""Who is attached to the stream endpoint: what each was sent, what it missed, what it holds.

A client that goes without a word keeps its subscriptions for a while, for it may only have lost its link;
then its own are released, and nobody else's.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, deque
from collections.abc import Callable
from typing import Any

import msgspec

from dualbroker.clock import Clock
from dualbroker.manager import WebSocketManager

__all__ = ["GRACE_S", "ClientRecord", "ClientRegistry", "holder_of"]

logger = logging.getLogger("dualbroker")

GRACE_S = 60.0
"""A sleeping laptop, a train in a tunnel: after that a client that has not come back lets go."""
MOST_GONE_SHOWN = 100
_SHOWN_CHARACTERS = 12


def holder_of(client_id: str, part: str = "") -> str:
    """The name under which a client, or a part of it, holds; not enough of its id to pass for it."""
    name = f"client-{client_id[:_SHOWN_CHARACTERS]}"
    return f"{name}/{part}" if part else name


class ClientRecord(msgspec.Struct, kw_only=True):
    """One connection. Written by its own task, read by anybody on the service's loop."""

    name: str
    streams: list[str]
    form: str
    """json or msgpack."""
    since_ns: int
    """UTC."""
    sent_messages: int = 0
    sent_bytes: int = 0
    """Before compression by the web server."""
    dropped_ticks: int = 0
    """Skipped because it lagged too far behind."""
    lag_rows: int = 0
    """Ticks that are stored and not sent yet."""
    waiting_orders: int = 0
    calls: int = 0
    refused: int = 0
    """Messages of it that were not understood or too many."""
    closed_because: str = ""
    """Empty while it is attached, and where it left by itself."""
    until_ns: int | None = None
    """When it ended; None while it is attached."""


class ClientRegistry:
    """All connections of the stream endpoint, and the holders behind them."""

    def __init__(
        self, manager: WebSocketManager, wall_clock: Clock, grace_s: Callable[[], float] = lambda: GRACE_S
    ) -> None:
        self._manager = manager
        self._clock = wall_clock
        self._grace_s = grace_s
        self._attached: dict[str, ClientRecord] = {}
        self._graces: dict[str, asyncio.TimerHandle] = {}
        self._last_close: dict[str, str] = {}
        self._holders: dict[str, set[str]] = {}
        self._releases: set[asyncio.Task[None]] = set()
        self._ended_totals: Counter[str] = Counter()
        self.gone: deque[ClientRecord] = deque(maxlen=MOST_GONE_SHOWN)
        """The newest that have ended, oldest first."""
        self.attach_count = 0
        self.closes: Counter[str] = Counter()
        """How often we closed a connection, by reason."""

    def attach(self, client_id: str, streams: list[str], form: str) -> ClientRecord:
        """A client has connected; what it held before a lost link is still its own."""
        self.attach_count += 1
        if (grace := self._graces.pop(client_id, None)) is not None:
            grace.cancel()
        record = ClientRecord(
            name=client_id[:_SHOWN_CHARACTERS], streams=streams, form=form, since_ns=self._clock.now_ns()
        )
        self._attached[client_id] = record
        return record

    def holder(self, client_id: str, part: str) -> str:
        """The name under which a part of a client holds; it ends with the client."""
        name = holder_of(client_id, part)
        self._holders.setdefault(client_id, set()).add(name)
        return name

    def last_close(self, client_id: str) -> str:
        """Why its last connection was closed from here, told once; empty if it was not."""
        return self._last_close.pop(client_id, "")

    def detach(
        self, client_id: str, record: ClientRecord, *, said_goodbye: bool, may_return: bool = True
    ) -> None:
        """A connection has ended.

        Parameters
        ----------
        said_goodbye
            It left on purpose.
        may_return
            False: it gave itself no name to come back by, as the page, which starts over.
        """
        record.until_ns = self._clock.now_ns()
        record.lag_rows = record.waiting_orders = 0
        self.gone.append(record)
        for name in ("sent_messages", "sent_bytes", "dropped_ticks", "refused"):
            self._ended_totals[name] += getattr(record, name)
        if record.closed_because:
            self.closes[record.closed_because] += 1
            logger.warning("client %s was closed: %s", record.name, record.closed_because)
        if self._attached.get(client_id) is not record:
            return  # it has reconnected meanwhile
        del self._attached[client_id]
        if said_goodbye or not (may_return or self._holders.get(client_id)):
            self._release(client_id)
            return
        if record.closed_because:
            self._last_close[client_id] = record.closed_because
        loop = asyncio.get_running_loop()
        self._graces[client_id] = loop.call_later(self._grace_s(), self._release, client_id)

    def _release(self, client_id: str) -> None:
        self._graces.pop(client_id, None)
        self._last_close.pop(client_id, None)
        for name in self._holders.pop(client_id, ()):
            task = asyncio.ensure_future(self._manager.release(name))
            self._releases.add(task)
            task.add_done_callback(self._releases.discard)

    # Read by the API, the page and the metrics

    def attached(self) -> list[ClientRecord]:
        """Those that are connected now, in order of arrival."""
        return list(self._attached.values())

    def waiting_to_return(self) -> int:
        """Clients that have lost their link, and whose subscriptions are held for a while yet."""
        return len(self._graces)

    def totals(self) -> dict[str, int]:
        """Of all connections since the start: sent_messages, sent_bytes, dropped_ticks, refused."""
        totals = Counter(self._ended_totals)
        for record in self._attached.values():
            for name in ("sent_messages", "sent_bytes", "dropped_ticks", "refused"):
                totals[name] += getattr(record, name)
        return {name: totals[name] for name in ("sent_messages", "sent_bytes", "dropped_ticks", "refused")}

    def summary(self) -> dict[str, Any]:
        """For the page: how many are ``attached`` and ``expected_back``, ``dropped_ticks``, ``closes``."""
        return {
            "attached": len(self._attached),
            "expected_back": len(self._graces),
            "dropped_ticks": self.totals()["dropped_ticks"],
            "closes": dict(self.closes),
        }

    def rows(self) -> list[dict[str, Any]]:
        """A plain row per connection, the attached ones first; times are UTC ns."""
        return [msgspec.structs.asdict(record) for record in [*self.attached(), *reversed(self.gone)]]
