"""Keeps the ledger equal to a broker's own books: the stream replays nothing that was missed."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from dualbroker.brokers.backoff import Backoff
from dualbroker.brokers.base import Broker
from dualbroker.errors import DualBrokerError
from dualbroker.manager.reconcile.comparison import Comparison, ReconcileResult
from dualbroker.model import FillReport, OrderKey, OrderUpdate
from dualbroker.stores.health import BrokerState
from dualbroker.stores.order_fills import fills_of
from dualbroker.stores.orders import Ledger, OrderEvent

__all__ = ["ReconcileResult", "Reconciler"]

logger = logging.getLogger("dualbroker")

RETRY_FIRST_S = 2.0
"""Before a failed read is tried again for the first time."""
STEADY_S = 3.0
"""After a stream's start it may not bring all yet: what changed until then is nobody's fault."""
SOON_S = 1.0
"""After a poll has shown that an order was filled, the trade book is asked what its fills are."""
GRACE_S = 3.0
"""So long may the stream take to say what a book has shown already."""
EXPIRED_AGAIN_S = 60.0
"""Before a session that is called dead is told for the second time; grows to a quarter of an hour."""
FIRST_PAUSE_S = 60.0
LONGEST_PAUSE_S = 900.0
"""Between two connections that are given up because their order streams lost something."""
MOST_NAMED = 5
"""Orders that one incident names; the rest is counted."""

_READABLE = frozenset({BrokerState.LIVE, BrokerState.POLLING, BrokerState.RECONNECTING})

Said = Callable[[str, str], None]


@dataclass
class _Suspicion:
    """An order that a book brought on and the stream has not said."""

    due_s: float
    is_new: bool
    lasting: list[OrderUpdate]


class Reconciler:
    """Reconciles one broker: at once on each connection, every so often after that, and on request.

    Parameters
    ----------
    take
        Told of every order event that a book brings.
    every_s
        Seconds between two reads, at any hour: which exchanges an account trades on is not known here.
    note
        Told what went wrong and what is done about it, in words.
    on_stream_stale, on_session_expired
        Called with the broker's name and the reason: once per connection for a change that the stream should
        have brought and did not; at growing intervals for a session that REST goes on calling dead, as a new
        one may have died, too. What is called reconnects.
    take_trades
        Given each trade book that was read, and when it was asked for (UTC ns).
    """

    def __init__(
        self,
        broker: Broker,
        ledger: Ledger,
        take: Callable[[OrderEvent], None],
        *,
        every_s: float,
        note: Said,
        on_stream_stale: Said,
        on_session_expired: Said,
        take_trades: Callable[[Sequence[FillReport], int], None] = lambda fills, asked_ns: None,
    ) -> None:
        self._broker = broker
        self._ledger = ledger
        self._every_s = every_s
        self._note = note
        self._on_stream_stale = on_stream_stale
        self._on_session_expired = on_session_expired
        self._comparison = Comparison(broker, ledger, take, take_trades)
        self._under_way: asyncio.Future[ReconcileResult | None] | None = None
        self._wake = asyncio.Event()
        self._backoff = Backoff(broker.context.random, first_s=RETRY_FIRST_S, cap_s=every_s)
        self._runs = 0
        self._read_s, self._retry_s = -math.inf, math.inf
        """Loop times of the newest read, and of the one that is to settle what it left."""
        self._connected_s: float | None = None
        """Loop time at which the current connection began; None when there is none."""
        self._steady_read_s: float | None = None
        """Loop time of this connection's newest good read that was asked for once it was steady."""
        self._suspicions: dict[OrderKey, _Suspicion] = {}
        self._told_stale = False
        self._expired_backoff = Backoff(broker.context.random, first_s=EXPIRED_AGAIN_S, cap_s=900.0)
        self._tell_expired_s = -math.inf
        """Loop time before which a dead session is not told again: what hears it logs in again."""
        self._blamed_s, self._pause_s = -math.inf, FIRST_PAUSE_S
        """Loop time at which the stream was blamed last, and how long it is not blamed again."""
        self._last_problem = ""
        self.reads = self.failed_reads = 0
        """Of the books, since the start."""

    async def run(self) -> None:
        """Reconcile for as long as the current connection lasts; a newer run ends an older one."""
        loop = asyncio.get_running_loop()
        self._runs += 1
        number, health = self._runs, self._broker.health
        self._wake.set()
        connected_since = health.connected_since_ns
        self._connected_s, self._steady_read_s = loop.time(), None
        self._suspicions.clear()
        self._told_stale = False
        self._backoff.reset()
        self._read_s, self._retry_s = -math.inf, math.inf
        while (
            number == self._runs
            and health.connected_since_ns == connected_since
            and health.state in _READABLE
        ):
            due_s = self._due_s(self._connected_s)
            if loop.time() >= due_s:
                await self._reconcile_safely()
                continue
            self._judge_suspicions()
            suspicions = [suspicion.due_s for suspicion in self._suspicions.values()]
            await self._sleep_until(min([due_s, *suspicions]))
        if number == self._runs:
            self._connected_s = None
            self._suspicions.clear()

    def note_polled(self, key: OrderKey) -> None:
        """A poll has changed this order: where its fills are not known yet, read the trade book soon."""
        state = self._ledger.states[key]
        if (state.filled_quantity or 0.0) > fills_of(state.fills).quantity:
            self._retry_s = min(self._retry_s, asyncio.get_running_loop().time() + SOON_S)
            self._wake.set()

    def _due_s(self, connected_s: float) -> float:
        """Loop time of the next read."""
        due_s = min(self._retry_s, self._read_s + self._every_s)
        # Once more when the stream is steady, for what crossed its start.
        steady_s = connected_s + STEADY_S
        return min(due_s, steady_s) if self._read_s < steady_s else due_s

    async def _reconcile_safely(self) -> None:
        try:
            await self.reconcile_now()
        except Exception:
            # A listener to orders may fail; the books are read on.
            logger.exception("%s: a reconcile failed in an unforeseen way", self._broker.name)
            self._retry_s = asyncio.get_running_loop().time() + self._backoff.next_s()

    async def _sleep_until(self, moment_s: float) -> None:
        """Sleep, but no longer than until a newer run begins or somebody's reconcile is done."""
        self._wake.clear()
        try:
            async with asyncio.timeout_at(moment_s):
                await self._wake.wait()
        except TimeoutError:
            pass

    async def reconcile_now(self) -> ReconcileResult:
        """Read the books and take them in; anyone who asks while that is under way gets the same answer."""
        while (under_way := self._under_way) is not None:
            result = await asyncio.shield(under_way)
            if result is not None:
                return result
        self._under_way = future = asyncio.get_running_loop().create_future()
        result = None
        try:
            result = await self._reconcile()
            return result
        finally:
            self._under_way = None
            future.set_result(result)

    async def _reconcile(self) -> ReconcileResult:
        broker, health = self._broker, self._broker.health
        loop = asyncio.get_running_loop()
        run, asked_s = self._runs, loop.time()
        self._read_s, self._retry_s = asked_s, math.inf
        if health.state not in _READABLE:
            now_ns = broker.context.clock.now_ns()
            return ReconcileResult(broker_name=broker.name, time_ns=now_ns, read=False, problem=health.words)
        result = await self._comparison.run()
        if self._comparison.is_unsettled:
            self._retry_s = loop.time() + self._backoff.next_s()
        else:
            self._backoff.reset()
        self._wake.set()
        self.reads += result.read
        self.failed_reads += not result.read
        if result.read:
            health.book_problem = ""
            health.last_book_ns = result.time_ns
        else:
            health.book_problem = result.problem
        self._say_problem(result)
        if self._comparison.session_expired:
            now_s = asyncio.get_running_loop().time()
            if now_s >= self._tell_expired_s:
                self._tell_expired_s = now_s + self._expired_backoff.next_s()
                self._ask(self._on_session_expired, self._comparison.session_expired)
        elif result.read:
            self._tell_expired_s = -math.inf
            self._expired_backoff.reset()
        if result.read and run == self._runs:
            self._suspect(asked_s)
        return result

    def _say_problem(self, result: ReconcileResult) -> None:
        """Once for each new problem, for it is tried again every few seconds."""
        problem = result.problem
        if problem == self._last_problem:
            return
        what = "the books disagree" if result.read else "the order book could not be read"
        if problem and not self._last_problem:
            self._note(
                f"{self._broker.name}: {what}: {problem}",
                "nothing that is known was changed; it is read again",
            )
        if problem:
            logger.warning("%s: %s: %s", self._broker.name, what, problem)
        else:
            logger.info("%s: the order book is read again", self._broker.name)
        self._last_problem = problem

    # What the stream should have brought

    def _suspect(self, asked_s: float) -> None:
        """Note what changed since the last good read of this connection and the stream has not said."""
        if self._connected_s is None or self._broker.health.state is not BrokerState.LIVE:
            return
        due_s = asyncio.get_running_loop().time() + GRACE_S
        if self._steady_read_s is not None:
            for key, lasting in self._comparison.changed.items():
                if self._is_unsaid(key, lasting):
                    is_new = key in self._comparison.new_orders
                    self._suspicions.setdefault(key, _Suspicion(due_s, is_new, lasting))
        if asked_s - self._connected_s >= STEADY_S:
            self._steady_read_s = asked_s

    def _is_unsaid(self, key: OrderKey, lasting: list[OrderUpdate]) -> bool:
        return self._ledger.behind_stream(key) or not all(map(self._ledger.stream_has_brought, lasting))

    def _judge_suspicions(self) -> None:
        now_s = asyncio.get_running_loop().time()
        due = {key: s for key, s in self._suspicions.items() if s.due_s <= now_s}
        for key in due:
            del self._suspicions[key]
        missed = {key: s for key, s in due.items() if self._is_unsaid(key, s.lasting)}
        since_s = now_s - self._blamed_s
        if not missed or self._told_stale or since_s < self._pause_s:
            # A stream that goes on losing orders is not helped by a new one each minute, and the books are
            # read all the same.
            return
        self._told_stale = True
        self._blamed_s = now_s
        is_again = since_s < 4 * self._pause_s
        self._pause_s = min(LONGEST_PAUSE_S, 2 * self._pause_s) if is_again else FIRST_PAUSE_S
        name = self._broker.name
        for key, suspicion in list(missed.items())[:MOST_NAMED]:
            said = "the stream never brought it"
            if suspicion.is_new:
                cause = f"{name}: order {key[2]} was found by the order book, {said}"
            else:
                status = self._ledger.states[key].status.value
                cause = f"{name}: order {key[2]} is {status} by the order book, and of what led there {said}"
            self._note(cause, "the order book's word was taken")
        more = f" and {len(missed) - 1} more" if len(missed) > 1 else ""
        words = (
            f"its order stream has not brought what the order book has of order {next(iter(missed))[2]}{more}"
        )
        action = "the order stream counts as stale and is reconnected"
        if is_again:
            action += f", and for that not again for {self._pause_s / 60:.0f} minutes; the books are read on"
        self._note(f"{name}: {words}", action)
        logger.warning("%s: %s", name, words)
        self._ask(self._on_stream_stale, words)

    def _ask(self, whom: Said, words: str) -> None:
        try:
            whom(self._broker.name, words)
        except DualBrokerError as error:
            logger.warning("%s: %s, and %s", self._broker.name, words, error)
