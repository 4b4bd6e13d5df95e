"""One connection of the stream endpoint: what its client says, what it is sent, and when it is too slow.

Nothing is queued for a client: each stream knows how far it has got, and the stores keep the rest up to
their bounds. A client that reads slowly gets fewer and newer messages; one that stops reading is closed.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections import deque
from collections.abc import Callable
from typing import Any

import msgspec
from starlette.websockets import WebSocket, WebSocketDisconnect

import dualbroker
from dualbroker.config.schema import Config
from dualbroker.errors import DualBrokerError, RateLimitedError, RequestRefusedError
from dualbroker.figures import number
from dualbroker.remote.failures import record_of
from dualbroker.remote.messages import (
    PROTOCOL,
    Answer,
    ClientMessage,
    ErrorRecord,
    Hello,
)
from dualbroker.service.streams.calls import CallMaker
from dualbroker.service.streams.hub import StreamHub
from dualbroker.service.streams.streams import (
    BandwidthStream,
    BrokersStream,
    DeskStream,
    IncidentsStream,
    OrdersStream,
    Stream,
    SubscriptionsStream,
    TicksStream,
)
from dualbroker.service.streams.views import LatestStream, ViewStream
from dualbroker.stores.order_fills import plain_fills
from dualbroker.view.rows import iso_time

__all__ = ["MOST_ORDERS_WAITING", "STALLED_S", "Closed", "StreamClient"]

logger = logging.getLogger("dualbroker")

STALLED_S = 20.0
"""A client that takes nothing for so long is closed."""
MOST_ORDERS_WAITING = 5_000
"""Order events that wait for a client that takes nothing; then it is closed, and may come back for them."""
HEARTBEAT_S = 1.0
"""After which the time is sent although nothing else is to be said."""
MOST_CALLS_AT_ONCE = 16
CALLS_PER_S = 50.0
MOST_CALLS_SAVED = 200.0
MOST_REFUSED = 20
"""Messages that make no sense, before the client is closed."""


class Closed(Exception):
    """The connection has to be closed, and why; a client may come back."""

    def __init__(self, reason: str, code: int = 1008) -> None:
        super().__init__(reason)
        self.reason = reason
        self.code = code


class StreamClient:
    """Serves one client after its first message.

    Parameters
    ----------
    hub
        What all clients share.
    websocket
        Accepted.
    compact
        MessagePack, else JSON.
    first
        The message that chooses the streams.

    Raises
    ------
    Closed
        From :meth:`serve`, when the client has to go.
    """

    def __init__(self, hub: StreamHub, websocket: WebSocket, first: ClientMessage, *, compact: bool) -> None:
        assert first.streams is not None
        self._hub = hub
        self._websocket = websocket
        self._compact = compact
        self._encode: Callable[[Any], bytes] = (
            msgspec.msgpack.Encoder(enc_hook=plain_fills).encode
            if compact
            else msgspec.json.Encoder(enc_hook=plain_fills).encode
        )
        self._decoder = _DECODERS[compact]
        self._id = first.client or secrets.token_hex(16)
        self._has_name = bool(first.client)
        same_run = first.run == hub.run
        wish = first.streams
        self.ticks = self._or_none(wish.ticks, TicksStream, same_run=same_run)
        self.orders = self._or_none(wish.orders, OrdersStream, same_run=same_run)
        self._bandwidth = self._or_none(wish.bandwidth, BandwidthStream)
        self._streams: list[Stream] = []
        if wish.subscriptions is not None:
            self._streams.append(SubscriptionsStream(hub, compact=compact))
        if self.orders is not None:
            self._streams.append(self.orders)
        if wish.brokers is not None:
            self._streams.append(BrokersStream(hub, compact=compact))
        if self._bandwidth is not None:
            self._streams.append(self._bandwidth)
        if wish.desk is not None:
            self._streams.append(DeskStream(hub, wish.desk, compact=compact, same_run=same_run))
        if wish.incidents is not None:
            self._streams.append(IncidentsStream(hub, wish.incidents, compact=compact, same_run=same_run))
        if self.ticks is not None:
            self._streams.append(self.ticks)
        if wish.latest is not None:
            self._streams.append(LatestStream(hub, wish.latest))
        if wish.view is not None:
            self._streams.append(ViewStream(hub, wish.view))
        self._tells_time = wish.names != ["view"]
        self._is_ready = False
        self._said_goodbye = False
        self._calls = CallMaker(hub, self._id, compact=compact)
        self._running: set[asyncio.Task[None]] = set()
        self._answers: deque[tuple[int, Answer | ErrorRecord]] = deque()
        self._credit, self._credit_s = MOST_CALLS_SAVED, _now_s()
        self._awake = asyncio.Event()
        self._sending_since_s: float | None = None
        self._sent_s = 0.0
        self._serving: asyncio.Task[None] | None = None
        self._close: Closed | None = None
        self.record = hub.registry.attach(self._id, wish.names, "msgpack" if compact else "json")

    def _or_none(self, wish: Any, kind: Any, **more: Any) -> Any:
        return None if wish is None else kind(self._hub, wish, compact=self._compact, **more)

    # From beginning to end

    async def serve(self) -> None:
        """Until the client leaves.

        Raises
        ------
        Closed
            It has to go.
        """
        self._hub.join(self)
        sender = self._serving = asyncio.create_task(self._send_all())
        reader = asyncio.create_task(self._read_all())
        try:
            await asyncio.wait([sender, reader], return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._hub.leave(self)
            tasks = [sender, reader, *self._running]
            for task in tasks:
                task.cancel()
            results = await asyncio.gather(*tasks, return_exceptions=True)
            problems = [each for each in results if isinstance(each, Exception)]
            self._close = self._close or next((each for each in problems if isinstance(each, Closed)), None)
            if self._close is not None:
                self.record.closed_because = self._close.reason
            self._hub.registry.detach(
                self._id, self.record, said_goodbye=self._said_goodbye, may_return=self._has_name
            )
        for problem in problems:
            if not isinstance(problem, Closed | WebSocketDisconnect | OSError):
                raise problem
        if self._close is not None:
            raise self._close

    def beat(self, now_s: float) -> None:
        """Once every moment: wake the sender, or close a client that takes nothing."""
        if self.ticks is not None:
            self.record.lag_rows = self.ticks.behind
        if self.orders is not None:
            self.record.waiting_orders = self.orders.waiting
        since_s = self._sending_since_s
        if since_s is None:
            self._awake.set()
            return
        if now_s - since_s > STALLED_S:
            self._end(Closed(f"it has read nothing for {STALLED_S:.0f} s"))
        elif self.orders is not None and self._is_ready and self.orders.waiting > MOST_ORDERS_WAITING:
            self._end(Closed(f"more than {number(MOST_ORDERS_WAITING)} order updates wait for it"))

    def _end(self, why: Closed) -> None:
        self._close = self._close or why
        if self._serving is not None:
            self._serving.cancel()

    def wake(self) -> None:
        """Something must not wait for the next beat."""
        self._awake.set()

    # What it is sent

    async def _send_all(self) -> None:
        await self._send({"hello": self._hello()})
        while True:
            self._awake.clear()
            if await self._send_news():
                # Sending waits only for a full buffer, and a whole day must not hold up the feed.
                await asyncio.sleep(0)
            else:
                await self._awake.wait()

    def _hello(self) -> Hello:
        manager, ticks, orders = self._hub.manager, self.ticks, self.orders
        config: Config = manager.config
        counts = (0, 0) if ticks is None else ticks.counts_before()
        return Hello(
            protocol=PROTOCOL,
            version=dualbroker.__version__,
            run=self._hub.run,
            client=self._id,
            simulated=manager.is_simulated,
            replays=config.is_simulated and config.simulator.market == "replay",
            streaming=manager.streaming_brokers(),
            market_hours=(
                None if manager.market_hours.never_closes else config.market_hours.model_dump(mode="json")
            ),
            identity=manager.orders.identity,
            last_close=self._hub.registry.last_close(self._id),
            max_rows=manager.quotes.max_rows,
            max_events=config.order_events.max_rows,
            first_row=0 if ticks is None else ticks.next_row,
            tick_count=counts[0],
            snapshot_count=counts[1],
            first_event=0 if orders is None else orders.known + 1,
        )

    async def _send_news(self) -> bool:
        """Send one message of what there is; whether there may be more at once."""
        now_s = _now_s()
        now_ns = self._hub.manager.clock.now_ns()
        fields: dict[str, Any] = {}
        for stream in self._streams:
            fields.update(stream.take(now_s))
        if self.ticks is not None:
            self.record.dropped_ticks = self.ticks.dropped
        ticks_left = self.ticks is not None and self.ticks.next_row < self._hub.row_limit
        orders_left = self.orders is not None and self.orders.waiting > 0
        if not ticks_left and not orders_left:
            if not self._is_ready and self._is_filled():
                self._is_ready = fields["ready"] = True
            if self._tells_time and (fields or now_s - self._sent_s >= HEARTBEAT_S):
                fields["time"] = now_ns if self._compact else iso_time(now_ns)
        if fields:
            await self._send(fields)
        sent_answers = 0
        while self._answers and (self.ticks is None or self._answers[0][0] <= self.ticks.next_row):
            _, answer = self._answers.popleft()
            kind = "answer" if isinstance(answer, Answer) else "error"
            await self._send({kind: answer})
            sent_answers += 1
        return ticks_left or orders_left or sent_answers > 0

    def _is_filled(self) -> bool:
        """Whether the client has all that there was when it came, and the service has come up itself."""
        is_there = self.ticks is None or self.ticks.next_row >= self.ticks.filled_at
        return is_there and self._hub.manager.has_started

    async def _send(self, fields: dict[str, Any]) -> None:
        data = self._encode(fields)
        self._sending_since_s = self._sent_s = _now_s()
        try:
            if self._compact:
                await self._websocket.send_bytes(data)
            else:
                await self._websocket.send_text(data.decode("utf-8"))
        finally:
            self._sending_since_s = None
        self.record.sent_messages += 1
        self.record.sent_bytes += len(data)

    # What it says

    async def _read_all(self) -> None:
        while True:
            received = await self._websocket.receive()
            if received["type"] == "websocket.disconnect":
                return
            self._take(received.get("bytes") or received.get("text") or b"")
            if self._said_goodbye:
                return

    def _take(self, data: bytes | str) -> None:
        self.record.calls += 1
        try:
            self._spend()
            message = decode(self._decoder, data)
            if message.goodbye:
                self._said_goodbye = True
                return
            if message.call is None or message.id is None:
                raise RequestRefusedError("expected a call with an id; streams are chosen once, at first")
            if len(self._running) >= MOST_CALLS_AT_ONCE:
                self._answer(message.id, None, RateLimitedError("too many calls at once; wait for an answer"))
                return
        except DualBrokerError as error:
            self.record.refused += 1
            if self.record.refused > MOST_REFUSED:
                raise Closed("it has sent too much that can't be understood, or too fast") from None
            self._answers.append((0, record_of(error)))
            self._awake.set()
            return
        task = asyncio.create_task(self._call(message, message.id))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    def _spend(self) -> None:
        now_s = _now_s()
        self._credit = min(MOST_CALLS_SAVED, self._credit + (now_s - self._credit_s) * CALLS_PER_S)
        self._credit_s = now_s
        if self._credit < 1.0:
            raise RateLimitedError(f"more than {CALLS_PER_S:.0f} messages a second; slow down")
        self._credit -= 1.0

    async def _call(self, message: ClientMessage, number: int) -> None:
        try:
            result = await self._calls.make(message)
        except Exception as error:
            if not isinstance(error, DualBrokerError | ValueError | TypeError):
                logger.exception("the call %s of client %s failed", message.call, self.record.name)
            self._answer(number, None, error)
            return
        self._answer(number, result, None)

    def _answer(self, number: int, result: Any, error: Exception | None) -> None:
        self._hub.refresh()
        if error is not None:
            answer = Answer(number, msgspec.Raw(self._encode(None)), record_of(error))
        else:
            answer = Answer(number, msgspec.Raw(self._encode(result)))
        # After everything that it brought about.
        self._answers.append((self._hub.row_limit, answer))
        self._awake.set()


_DECODERS: dict[bool, Any] = {
    True: msgspec.msgpack.Decoder(ClientMessage),
    False: msgspec.json.Decoder(ClientMessage),
}


def decode(decoder: Any, data: bytes | str) -> ClientMessage:
    """A client's message.

    Raises
    ------
    RequestRefusedError
        It is none.
    """
    try:
        message: ClientMessage = decoder.decode(data)
    except (msgspec.DecodeError, msgspec.ValidationError, UnicodeError, RecursionError) as error:
        raise RequestRefusedError(f"the message can't be understood: {error}") from None
    return message


def first_message(data: bytes | str) -> tuple[ClientMessage, bool]:
    """The message that chooses the streams, and whether its form is the compact one.

    Raises
    ------
    RequestRefusedError
        It chooses none.
    """
    compact = isinstance(data, bytes)
    message = decode(_DECODERS[compact], data)
    if message.streams is None or not message.streams.names:
        raise RequestRefusedError('expected a first message that chooses streams: {"streams": {"view": {}}}')
    return message, compact


def _now_s() -> float:
    return asyncio.get_running_loop().time()
