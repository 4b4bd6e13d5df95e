"""Deliberate breakages of the client, one for each promise: what the schedules have to catch.

Each is a context manager that breaks the real code while it is entered. ``HARMLESS`` changes break no
promise and have to survive.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, NamedTuple
from unittest.mock import patch

import msgspec

import dualbroker.brokers.noren.wire as noren_wire
import dualbroker.brokers.session.outage as outage
import dualbroker.brokers.session.reader as reader
import dualbroker.brokers.session.stream as stream
import dualbroker.routing.machine as routing_machine
import dualbroker.stores.order_state as order_state
import dualbroker.stores.orders as ledger_module
from dualbroker.brokers.limiter import RateLimiter
from dualbroker.brokers.noren.broker import NorenBroker
from dualbroker.brokers.noren.rest import NorenRest
from dualbroker.brokers.session.login import SessionLogin
from dualbroker.errors import DualBrokerError, LoginRefusedError, RetryableBrokerError
from dualbroker.liveness import SocketClocks
from dualbroker.manager.manager import WebSocketManager
from dualbroker.manager.reconcile.reconcile import Reconciler, ReconcileResult
from dualbroker.manager.watch import QuoteWatch
from dualbroker.model import InstrumentKey, OrderUpdate, QuoteBatch
from dualbroker.noren import frames
from dualbroker.noren.orders import to_order_update
from dualbroker.noren.requests import Endpoint
from dualbroker.routing.balance import Balance
from dualbroker.routing.caps import Caps
from dualbroker.routing.choice import Assignment
from dualbroker.routing.holders import Holders
from dualbroker.routing.moves import Moves
from dualbroker.routing.sharing import Sharing
from dualbroker.routing.standing import Standing as RoutingStanding
from dualbroker.routing.wire import Purpose, Wire
from dualbroker.simulator.drivers.memory_websocket import MemoryWebSocket
from dualbroker.stores.order_state import Standing
from dualbroker.stores.quotes import QuoteStore
from dualbroker.stores.routes import Routes
from dualbroker.transport.base import Response

__all__ = ["HARMLESS", "MUTATIONS", "Mutation"]


class Mutation(NamedTuple):
    """One breakage, and the rules of which at least one has to notice it."""

    breakage: Callable[[], AbstractContextManager[object]]
    rules: frozenset[str]
    first_seed: int = 0
    """From which on it is caught within few schedules, to save the tests' time."""


def drop_the_reconcile() -> AbstractContextManager[object]:
    async def not_now(self: Reconciler) -> ReconcileResult:
        await asyncio.sleep(1.0)
        return ReconcileResult(broker_name=self._broker.name, time_ns=0, read=True)

    return patch.object(Reconciler, "_reconcile", not_now)


def reuse_a_dead_token() -> AbstractContextManager[object]:
    async def forget_nothing(self: SessionLogin) -> None:
        pass

    return patch.object(SessionLogin, "_forget", forget_nothing)


def forget_to_subscribe_after_a_reconnect() -> AbstractContextManager[object]:
    """What was sent on one connection is taken for sent on the next."""
    return _both(
        patch.object(Wire, "connected", lambda self, broker: self._sent.setdefault(broker, {})),
        patch.object(Wire, "disconnected", lambda self, broker: None),
    )


def forget_the_failover() -> AbstractContextManager[object]:
    """Everything stays with the broker that once was chosen, whether it serves or not."""

    def stay(wanted: Iterable[InstrumentKey], primary: str, *_: object) -> Assignment:
        return Assignment(dict.fromkeys(wanted, primary), {})

    real = RoutingStanding.choose
    return _both(
        patch.object(routing_machine, "assign", stay),
        patch.object(
            RoutingStanding, "choose", lambda self, *now: [] if self.primary is not None else real(self, *now)
        ),
    )


def leave_the_old_source_subscribed() -> AbstractContextManager[object]:
    real = Wire.release

    def keep(self: Wire, broker: str, key: InstrumentKey, purpose: Purpose) -> None:
        is_handed_over = any(key in self.claimed(other) for other in self._claims if other != broker)
        if purpose is not Purpose.SOURCE or not is_handed_over:
            real(self, broker, key, purpose)

    return patch.object(Wire, "release", keep)


def tell_nothing_of_the_second_failover() -> AbstractContextManager[object]:
    """When the broker that was to take over fails as well, the next one takes over without a word."""
    return patch.object(Moves, "_go_on", lambda self, *_: None)


def swap_the_tag_of_a_tick() -> AbstractContextManager[object]:
    count = itertools.count(1)

    def wrongly_tagged(name: str, now: int, updates: Sequence[Any]) -> QuoteBatch:
        return QuoteBatch(_another(name) if next(count) % 25 == 0 else name, now, updates)

    return patch.object(reader, "QuoteBatch", wrongly_tagged)


def swap_the_tag_of_an_order() -> AbstractContextManager[object]:
    count = itertools.count(1)
    real = to_order_update

    def wrongly_tagged(message: Any, *, broker_name: str, receive_time_ns: int) -> OrderUpdate:
        name = _another(broker_name) if next(count) % 25 == 0 else broker_name
        return real(message, broker_name=name, receive_time_ns=receive_time_ns)

    return patch.object(noren_wire, "to_order_update", wrongly_tagged)


def count_a_repeated_fill_twice() -> AbstractContextManager[object]:
    real = to_order_update

    def as_if_new(message: Any, *, broker_name: str, receive_time_ns: int) -> OrderUpdate:
        update = real(message, broker_name=broker_name, receive_time_ns=receive_time_ns)
        if update.fill_id is None:
            return update
        return msgspec.structs.replace(update, fill_id=f"{update.fill_id}/{receive_time_ns}")

    return patch.object(noren_wire, "to_order_update", as_if_new)


@contextmanager
def let_a_late_update_go_back() -> Iterator[None]:
    real = order_state._merge_status

    def always_newest(state: Any, update: Any, standing: Standing, book_second: int | None) -> bool:
        if update.status is None or update.status == state.status:
            return real(state, update, standing, book_second)
        state.status, state.raw_status = update.status, update.raw_status
        return True

    with patch.object(order_state, "_merge_status", always_newest):
        yield


def retry_a_refused_login() -> AbstractContextManager[object]:
    real = SessionLogin._new_session

    async def stubborn(self: SessionLogin) -> Any:
        try:
            return await real(self)
        except LoginRefusedError as error:
            raise RetryableBrokerError(str(error)) from error

    return patch.object(SessionLogin, "_new_session", stubborn)


def take_a_failed_book_for_an_empty_one() -> AbstractContextManager[object]:
    real = NorenBroker.order_book

    async def hopeful(self: NorenBroker) -> list[OrderUpdate]:
        try:
            return await real(self)
        except DualBrokerError:
            return []

    return patch.object(NorenBroker, "order_book", hopeful)


@contextmanager
def ignore_the_mute_socket() -> Iterator[None]:
    async def look_away(self: QuoteWatch, name: str, keys: object, silence: object) -> None:
        return None

    with (
        patch.object(SocketClocks, "verdict", lambda self, now_s: None),
        patch.object(QuoteWatch, "_probe", look_away),
    ):
        yield


def unsubscribe_the_other_holder_too() -> AbstractContextManager[object]:
    real = Holders.remove

    def rude(self: Holders, holder: str, keys: Iterable[InstrumentKey] | None = None) -> None:
        touched = self.held_by(holder) if keys is None else list(keys)
        for key in touched:
            for other in self.of(key):
                real(self, other, [key])

    return patch.object(Holders, "remove", rude)


def drop_a_snapshot() -> AbstractContextManager[object]:
    """Every third full quote is acknowledged and not stored."""
    count = itertools.count(1)
    real = QuoteStore.apply

    def lossy(self: QuoteStore, batch: QuoteBatch) -> Any:
        kept = [each for each in batch.updates if not each.is_snapshot or next(count) % 3]
        return real(self, QuoteBatch(batch.broker_name, batch.receive_time_ns, kept))

    return patch.object(QuoteStore, "apply", lossy)


def key_by_token_alone() -> AbstractContextManager[object]:
    real = Routes.set_source

    def by_token(self: Routes, index: int, broker: str, key: InstrumentKey) -> None:
        real(self, index, broker, key)
        for exchange in ("NSE", "NFO", "BSE", "BFO"):
            self.counted[broker].setdefault(exchange, {})[key[1]] = index

    return patch.object(Routes, "set_source", by_token)


def ignore_what_a_broker_may_stream() -> AbstractContextManager[object]:
    return _both(
        patch.object(Caps, "of", lambda self, broker: None),
        patch.object(Caps, "told", lambda self, broker: None),
    )


def leave_the_share_of_a_dead_broker() -> AbstractContextManager[object]:
    """Where the quotes are shared, each instrument stays where it was put, whoever serves."""
    real = Sharing.share_out

    def stay(self: Sharing, wanted: Any, current: Mapping[InstrumentKey, str], *rest: Any) -> Balance:
        done = real(self, wanted, current, *rest)
        done.targets.update(current)
        return done

    return patch.object(Sharing, "share_out", stay)


def fight_over_an_evicted_login() -> AbstractContextManager[object]:
    return patch.object(noren_wire, "EVICTION_CODE", -1)


def forget_the_orders_stream() -> AbstractContextManager[object]:
    """Orders come from the minute's reconcile alone."""
    return patch.object(frames, "subscribe_orders", lambda account_id: frames.heartbeat())


def leave_the_old_connection_open() -> AbstractContextManager[object]:
    async def keep_open(self: MemoryWebSocket, code: int = 1000, reason: str = "") -> None:
        return None

    return _both(
        patch.object(MemoryWebSocket, "close", keep_open),
        patch.object(MemoryWebSocket, "abort", lambda self: None),
    )


def call_as_often_as_wanted() -> AbstractContextManager[object]:
    """No limiter, and each question asked a dozen times."""
    real = NorenRest._post

    async def at_once(self: RateLimiter, share: float = 1.0) -> None:
        await asyncio.sleep(0)

    async def again_and_again(self: NorenRest, endpoint: Endpoint, values: Mapping[str, Any]) -> Response:
        answers = await asyncio.gather(*(real(self, endpoint, values) for _ in range(12)))
        return answers[-1]

    return _both(
        patch.object(RateLimiter, "wait", at_once), patch.object(NorenRest, "_post", again_and_again)
    )


def leave_a_task_behind_each_connection() -> AbstractContextManager[object]:
    real = WebSocketManager._on_connected

    def leaky(self: WebSocketManager, name: str) -> None:
        real(self, name)
        for _ in range(30):
            self._background.spawn(asyncio.sleep(1e6))

    return patch.object(WebSocketManager, "_on_connected", leaky)


def stumble_over_an_order() -> AbstractContextManager[object]:
    """An exception in the path that every order update takes."""
    count = itertools.count(1)
    real = ledger_module.Ledger.apply

    def stumbling(self: ledger_module.Ledger, update: OrderUpdate) -> Any:
        if next(count) % 40 == 0:
            raise KeyError(update.order_id)
        return real(self, update)

    return patch.object(ledger_module.Ledger, "apply", stumbling)


@contextmanager
def _both(*breakages: AbstractContextManager[object]) -> Iterator[None]:
    first, second = breakages
    with first, second:
        yield


def _another(broker: str) -> str:
    return "broker2" if broker == "broker1" else "broker1"


_TAKE_LONGER = {
    "forget_to_subscribe_after_a_reconnect": 10,
    "forget_the_failover": 30,
    "ignore_what_a_broker_may_stream": 36,
    "retry_a_refused_login": 10,
    "take_a_failed_book_for_an_empty_one": 160,
}
"""From which seed on those are tried that no early one catches."""


def _mutations(*entries: tuple[Callable[[], AbstractContextManager[object]], str]) -> Mapping[str, Mutation]:
    return {
        breakage.__name__: Mutation(
            breakage, frozenset(rules.split(", ")), _TAKE_LONGER.get(breakage.__name__, 0)
        )
        for breakage, rules in entries
    }


MUTATIONS: Mapping[str, Mutation] = _mutations(
    (drop_the_reconcile, "ledger"),
    (reuse_a_dead_token, "dead tokens"),
    (forget_to_subscribe_after_a_reconnect, "one source, newest price"),
    (forget_the_failover, "prices keep coming"),
    (ignore_what_a_broker_may_stream, "limits"),
    (leave_the_share_of_a_dead_broker, "one source, newest price"),
    (leave_the_old_source_subscribed, "one source"),
    (tell_nothing_of_the_second_failover, "told"),
    (swap_the_tag_of_a_tick, "tags, one source, newest price"),
    (swap_the_tag_of_an_order, "owners, events"),
    (count_a_repeated_fill_twice, "ledger"),
    (let_a_late_update_go_back, "events"),
    (retry_a_refused_login, "logins"),
    (take_a_failed_book_for_an_empty_one, "a failed read is no book"),
    (ignore_the_mute_socket, "prices keep coming"),
    (unsubscribe_the_other_holder_too, "holders"),
    (drop_a_snapshot, "newest price, one source"),
    (key_by_token_alone, "values, tags"),
    (fight_over_an_evicted_login, "evicted"),
    (forget_the_orders_stream, "ledger"),
    (leave_the_old_connection_open, "back"),
    (call_as_often_as_wanted, "rest rate"),
    (leave_a_task_behind_each_connection, "nothing grows"),
    (stumble_over_an_order, "nothing unforeseen"),
)


def ping_a_little_more_often() -> AbstractContextManager[object]:
    return patch.object(stream, "CHECKS_PER_LIMIT", 9)


def come_back_a_little_sooner() -> AbstractContextManager[object]:
    return patch.object(outage, "STEADY_AFTER_S", 50.0)


HARMLESS: Mapping[str, Mutation] = {
    change.__name__: Mutation(change, frozenset())
    for change in (ping_a_little_more_often, come_back_a_little_sooner)
}
