"""Who streams each instrument, carried out: subscriptions, failover, planned hand-overs, what is left over.

``arrange`` compares who should stream what (``roles``) with who does, and begins the moves between the
two; it is called whenever either may have changed. A move ends with the new broker's first full quote of
the instrument, from which on only that broker's messages count.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import msgspec

from dualbroker.brokers.base import Broker, QuoteCallback
from dualbroker.clock import Clock
from dualbroker.manager.failover_log import FailoverLog, names_shown
from dualbroker.manager.mapping import InstrumentMapping
from dualbroker.manager.refusals import Refusals
from dualbroker.manager.standing import Standing
from dualbroker.manager.subscriptions import SubscriptionBook
from dualbroker.model import FeedType, InstrumentKey, Role
from dualbroker.roles import assign, choose_source
from dualbroker.stores.health import BrokerHealth, BrokerState
from dualbroker.stores.incidents import Failover, IncidentStore
from dualbroker.stores.quotes import QuoteStore

__all__ = ["QuoteCarrier"]

logger = logging.getLogger("dualbroker")

ACKNOWLEDGE_WITHIN_S = 5.0
"""After a subscription was asked for; then another broker is asked where there is one."""
HAND_OVER_WITHIN_S = 60.0
NIGHT_GRACE_S = 60.0


class _Move(msgspec.Struct, gc=False):
    """An instrument on its way to a broker."""

    to: str
    kind: FeedType
    base_ns: int
    """Receive time of the last quote that the broker before brought of any instrument; 0: there was none."""
    planned: bool
    failover: Failover | None


class _Told:
    """What brokers are to be told after an arrangement."""

    def __init__(self) -> None:
        self.subscribe: dict[str, dict[FeedType, list[InstrumentKey]]] = {}
        self.unsubscribe: dict[str, list[InstrumentKey]] = {}

    def to_subscribe(self, name: str, kind: FeedType, key: InstrumentKey) -> None:
        self.subscribe.setdefault(name, {}).setdefault(kind, []).append(key)

    def to_unsubscribe(self, name: str, key: InstrumentKey) -> None:
        self.unsubscribe.setdefault(name, []).append(key)


class QuoteCarrier:
    """Gives every wanted instrument exactly one broker that streams it, as far as there is one.

    Parameters
    ----------
    brokers, health
        By name, in file order; filled while the feed starts.
    quotes, book, incidents
        What is remembered.
    clock
        Receive times.
    on_quotes
        Where brokers that carry quotes bring them.
    spawn
        Runs what has to be told to a broker.
    on_new_primary
        Called when another broker has become the primary.
    is_market_open
        Whether any wanted instrument can tick now: while none can, a source may take its time to come back.
    """

    def __init__(
        self,
        brokers: Mapping[str, Broker],
        health: Mapping[str, BrokerHealth],
        *,
        quotes: QuoteStore,
        book: SubscriptionBook,
        incidents: IncidentStore,
        mapping: InstrumentMapping,
        clock: Clock,
        on_quotes: QuoteCallback,
        spawn: Callable[[Coroutine[Any, Any, None]], object],
        on_new_primary: Callable[[], None],
        is_market_open: Callable[[], bool],
        preferred: str | None,
    ) -> None:
        self._brokers = brokers
        self._health = health
        self._quotes = quotes
        self._book = book
        self._incidents = incidents
        self._mapping = mapping
        self._clock = clock
        self._on_quotes = on_quotes
        self._spawn = spawn
        self._on_new_primary = on_new_primary
        self._is_market_open = is_market_open
        self.preferred = preferred
        """To whom quotes return; None leaves it to what is measured."""
        self.primary: str | None = None
        self.refusals = Refusals()
        self._streams: dict[InstrumentKey, tuple[str, FeedType]] = {}
        """Who was told to stream an instrument, and as what; not those on their way."""
        self._moves: dict[InstrumentKey, _Move] = {}
        self._failovers = FailoverLog(incidents)
        self.standing = Standing(
            brokers, health, unacknowledged=self.refusals.count, tick_age_s=self._tick_age_s
        )
        self._has_begun = False
        self._is_held = False
        self._down_since_s: dict[str, float] = {}
        self._reason = ""
        """Why the primary of now was chosen, where it was no failover."""
        self._left_over = _Told()
        quotes.on_switch = self._on_switch

    # What is known

    def serves(self, name: str) -> bool:
        """Whether a broker's socket is up and of use for quotes."""
        return self.standing.serves(name)

    def streamed_by(self, name: str) -> list[InstrumentKey]:
        """Instruments that a broker streams, without those on their way to it."""
        return [key for key, (at, _) in list(self._streams.items()) if at == name]

    def target_of(self, key: InstrumentKey) -> str | None:
        """Who streams an instrument, or is about to."""
        move = self._moves.get(key)
        if move is not None:
            return move.to
        at = self._streams.get(key)
        return None if at is None else at[0]

    @property
    def sources(self) -> list[str]:
        """Brokers that stream anything."""
        return list(dict.fromkeys(at for at, _ in self._streams.values()))

    def uncovered(self) -> list[str]:
        """Qualified names of wanted instruments that no broker streams now."""
        return [
            self._name(key)
            for key in self._book.wanted()
            if key not in self._streams or not self.serves(self._streams[key][0])
        ]

    # What happens

    def begin(self) -> None:
        """The start is over: a source that is not there by now is replaced."""
        self._has_begun = True
        self.arrange()

    def on_connected(self, name: str) -> None:
        """A broker's socket is up."""
        self.standing.came_up(name)
        self._down_since_s.pop(name, None)
        self.refusals.forget(name)
        self.arrange()

    def on_down(self, name: str, why: str) -> None:
        """A broker's socket is of no use any more."""
        if not self.standing.can_stream(name):
            return
        self._down_since_s.setdefault(name, _now_s())
        if self._is_held:
            return
        was_stale = self.standing.is_stale(name)
        self.standing.went_down(name, why)
        before = self._incidents.failover_count
        self.arrange()
        if was_stale:
            return
        action = self._what_follows(name, before, "it reconnects by itself")
        if self._health[name].state is BrokerState.PARKED:
            action += "; it is parked until a person does something"
        self._incidents.note(self._clock.now_ns(), name, why, action)

    def mark_stale(self, name: str, why: str, *, renew_session: bool = False) -> None:
        """A broker answers and brings no quotes while the market moves: it is treated as failed."""
        if self.standing.is_stale(name):
            return
        self.standing.became_stale(name, why)
        before = self._incidents.failover_count
        self.arrange()
        action = self._what_follows(name, before, "it is connected anew")
        self._incidents.note(self._clock.now_ns(), name, why, action)
        logger.warning("%s: %s; %s", name, why, action)
        broker = self._brokers[name]
        if renew_session:
            broker.renew_session(why)
        else:
            broker.reconnect(why)

    def _what_follows(self, name: str, failovers_before: int, else_words: str) -> str:
        if self._incidents.failover_count > failovers_before:
            return f"quotes go to {self.primary}; {else_words}"
        if self.streamed_by(name):
            return f"no other broker can carry the quotes; {else_words}"
        return else_words

    def refuse(self, name: str, keys: Iterable[InstrumentKey], why: str) -> None:
        """A broker does not stream these; another one is asked where there is one."""
        fresh = [key for key in keys if self.refusals.add(name, key, _now_s())]
        if not fresh:
            return
        self.arrange()
        elsewhere = Counter(self.target_of(key) for key in fresh)
        elsewhere.pop(name, None)
        elsewhere.pop(None, None)
        names = names_shown(map(self._name, fresh))
        action = (
            ", ".join(f"{count} go to {other}" for other, count in elsewhere.items())
            or "no other broker can stream them; they are asked for again from time to time"
        )
        self._incidents.note(self._clock.now_ns(), name, f"{why}: {names}", action)
        logger.warning("%s %s: %s; %s", name, why, names, action)

    def check(self) -> None:
        """To be called every moment: what was not acknowledged in time, what may be asked for again."""
        for name in list(self._brokers):
            late = set(self._brokers[name].unacknowledged(ACKNOWLEDGE_WITHIN_S)) if self.serves(name) else ()
            if late:
                ours = [
                    key
                    for key in (*self._streams, *self._moves)
                    if self.target_of(key) == name and self._key_at(name, key) in late
                ]
                self.refuse(name, dict.fromkeys(ours), f"has not acknowledged {len(ours)} instruments")
        told = _Told()
        expired = self.refusals.expire(_now_s())
        for name, key in expired:
            move = self._moves.get(key)
            if move is not None and move.to == name:
                told.to_subscribe(name, move.kind, key)
        self._tell(told)
        if expired or self._choose():
            self.arrange()

    async def wait_acknowledged(self, keys: Iterable[InstrumentKey], timeout_s: float) -> set[InstrumentKey]:
        """Those of the keys that their brokers have acknowledged, waiting no longer than the time given."""
        by_broker: dict[str, list[InstrumentKey]] = {}
        for key in keys:
            name = self.target_of(key)
            if name is not None:
                by_broker.setdefault(name, []).append(key)
        acknowledged: set[InstrumentKey] = set()
        for name, ours in by_broker.items():
            there = {self._key_at(name, key): key for key in ours}
            known = [key for key in there if key is not None]
            for key in await self._brokers[name].wait_acknowledged(known, timeout_s):
                acknowledged.add(there[key])
        return acknowledged

    async def move_to(self, name: str) -> Failover | None:
        """Make a broker the primary that others return to, and hand everything over to it."""
        self.preferred = name
        before = self._incidents.failover_count
        if self.primary != name:
            self._reason = "asked for by a person"
            self.primary = name
            self._on_new_primary()
        self.refusals.forget(name)
        self.arrange()
        begun = [each for each in self._incidents.failovers if each.number > before]
        for failover in begun:
            await self._failovers.until_finished(failover, HAND_OVER_WITHIN_S)
        return begun[0] if begun else None

    @contextmanager
    def held(self) -> Iterator[None]:
        """Within it connections may come and go on purpose, and nothing is moved for that."""
        self._is_held = True
        try:
            yield
        finally:
            self._is_held = False
            self.arrange()

    async def refresh(self) -> None:
        """Ask for a new full quote of everything that is streamed."""
        for name in self.sources:
            if self.serves(name):
                await self._brokers[name].refresh()

    def _tick_age_s(self, name: str) -> float | None:
        last_ns = self._health[name].last_quote_ns
        if last_ns is None or name not in self.sources or not self._is_market_open():
            return None
        return max(0, self._clock.now_ns() - last_ns) / 1e9

    # The arrangement

    def arrange(self) -> None:
        """Begin every move that leads to who should stream what."""
        if self.primary is None or self._is_held or self._waits_for(self.primary):
            return
        self._choose()
        wanted = self._book.wanted()
        told = _Told()
        for key in [key for key in (*self._streams, *self._moves) if key not in wanted]:
            self._let_go(key, told)
        begun: dict[tuple[str, str, bool], list[InstrumentKey]] = {}
        for key, target in assign(
            wanted, self.primary, self.standing.serving(), self._refused(wanted)
        ).items():
            self._place(key, wanted[key], target, told, begun)
        for (old, new, planned), keys in begun.items():
            self._note_failover(old, new, planned, keys)
        self._failovers.close_finished()
        self._tell(told)
        self._give_roles()

    def _place(
        self,
        key: InstrumentKey,
        kind: FeedType,
        target: str | None,
        told: _Told,
        begun: dict[tuple[str, str, bool], list[InstrumentKey]],
    ) -> None:
        index = self._index(key)
        move = self._moves.get(key)
        at = self._streams.get(key)
        if target is None and at is None:
            target = self._last_resort(key)
        if move is not None:
            if move.to == target:
                if move.kind is not kind:
                    move.kind = kind
                    told.to_subscribe(move.to, kind, key)
                return
            del self._moves[key]
            self._quotes.expect_no_longer(index)
            told.to_unsubscribe(move.to, key)
            self._leave_uncovered(move, key)
        if at is not None and (target is None or at[0] == target):
            if at[1] is not kind:
                self._streams[key] = (at[0], kind)
                told.to_subscribe(at[0], kind, key)
            return
        if target is None:
            return
        planned = at is not None and self.serves(at[0]) and not self.refusals.has(at[0], key)
        base_ns = 0
        if at is not None:
            base_ns = self._health[at[0]].last_quote_ns or 0
            if not planned:
                told.to_unsubscribe(at[0], key)
                del self._streams[key]
                self._quotes.set_source(index, None)
            begun.setdefault((at[0], target, planned), []).append(key)
        self._moves[key] = _Move(target, kind, base_ns, planned, None)
        self._quotes.expect_source(index, target, self._key_at(target, key))
        told.to_subscribe(target, kind, key)

    def _waits_for(self, name: str) -> bool:
        """Whether a source that has just gone is given time to come back: while nothing can tick, as in
        the night when brokers end all sessions at once, quotes would only be moved to and fro."""
        since_s = self._down_since_s.get(name)
        return (
            since_s is not None
            and _now_s() - since_s < NIGHT_GRACE_S
            and self._health[name].state is not BrokerState.PARKED
            and not self._is_market_open()
        )

    def _last_resort(self, key: InstrumentKey) -> str | None:
        """Every broker that serves has refused it: the primary keeps it, should it begin to tick."""
        if self.primary is None or not self.serves(self.primary) or self._key_at(self.primary, key) is None:
            return None
        return self.primary

    def _let_go(self, key: InstrumentKey, told: _Told) -> None:
        move = self._moves.pop(key, None)
        at = self._streams.pop(key, None)
        for name in dict.fromkeys((*([move.to] if move else ()), *([at[0]] if at else ()))):
            told.to_unsubscribe(name, key)
        self._quotes.set_source(self._index(key), None)
        if move is not None:
            self._failovers.settled(move.failover, key)

    def _choose(self) -> bool:
        """Whether another broker shall carry the quotes from now on."""
        if not self._has_begun or self.primary is None or self._is_held or self._waits_for(self.primary):
            return False
        choice = choose_source(self.standing.measurements(), self.primary, preferred=self.preferred)
        if choice.primary is None or choice.primary == self.primary:
            return False
        logger.info("%s carries quotes: %s", choice.primary, choice.reason)
        old, self.primary = self.primary, choice.primary
        if old is not None and not self.serves(old):
            self.standing.lost_quotes(old)
        else:
            self._reason = choice.reason
        self._on_new_primary()
        return True

    def _refused(self, wanted: Iterable[InstrumentKey]) -> dict[str, set[InstrumentKey]]:
        keys = list(wanted)
        return {
            name: refused
            for name, broker in self._brokers.items()
            if (refused := self.refusals.of(name) | set(self._mapping.unknown_at(broker, keys)))
        }

    # Failovers, written down

    def _note_failover(self, old: str, new: str, planned: bool, keys: list[InstrumentKey]) -> None:
        if self.serves(old):
            why = self._reason if planned else f"{old} does not stream them"
            why = why or f"{new} can stream them again"
        else:
            why = f"{old}: {self.standing.why_not(old)}"
        failover = self._failovers.begin(
            keys,
            time_ns=self._clock.now_ns(),
            from_broker=old,
            to_broker=new,
            why=why,
            planned=planned,
            last_quote_ns=self._health[old].last_quote_ns,
            unknown=[
                self._name(key) for key in self._mapping.unknown_at(self._brokers[new], self._book.wanted())
            ],
        )
        for key in keys:
            self._moves[key].failover = failover

    def _on_switch(self, index: int, name: str, receive_ns: int, last_ns: int) -> None:
        """A new source has brought its first full quote of an instrument."""
        key = self._quotes.instruments[index].key
        move = self._moves.pop(key, None)
        if move is None:
            return
        old = self._streams.get(key)
        self._streams[key] = (name, move.kind)
        if old is not None:
            if not self._left_over.unsubscribe:
                asyncio.get_running_loop().call_soon(self._flush)
            self._left_over.to_unsubscribe(old[0], key)
        base_ns = last_ns if move.planned else move.base_ns
        gap_s = max(0, receive_ns - base_ns) / 1e9 if base_ns else None
        if self._failovers.settled(move.failover, key, gap_s=gap_s):
            # Not left to the next arrangement, which may be long in coming while the old broker is gone.
            asyncio.get_running_loop().call_soon(self._failovers.close_finished)

    def _flush(self) -> None:
        told, self._left_over = self._left_over, _Told()
        self._tell(told)
        self._give_roles()
        self._failovers.close_finished()

    def _leave_uncovered(self, move: _Move, key: InstrumentKey) -> None:
        is_uncovered = key not in self._streams or self.refusals.has(move.to, key)
        self._failovers.settled(move.failover, key, uncovered=self._name(key) if is_uncovered else None)

    # Telling brokers

    def _tell(self, told: _Told) -> None:
        for name in dict.fromkeys((*told.subscribe, *told.unsubscribe)):
            broker = self._brokers[name]
            if name in told.subscribe:
                broker.set_quote_callback(self._on_quotes)
            self._spawn(self._tell_one(broker, told.subscribe.get(name, {}), told.unsubscribe.get(name, [])))

    async def _tell_one(
        self, broker: Broker, subscribe: dict[FeedType, list[InstrumentKey]], unsubscribe: list[InstrumentKey]
    ) -> None:
        # What is to be streamed first: a broker that takes quotes over must not wait for what it loses.
        for kind, keys in subscribe.items():
            await broker.subscribe(self._keys_at(broker.name, keys), kind)
        if unsubscribe:
            await broker.unsubscribe(self._keys_at(broker.name, unsubscribe))

    def _give_roles(self) -> None:
        carrying = Counter(at for at, _ in self._streams.values())
        carrying.update(move.to for move in self._moves.values())
        for name, broker in self._brokers.items():
            health = self._health[name]
            if health.role is Role.NONE or broker.config.orders != "stream":
                continue
            if name == self.primary:
                health.role = Role.PRIMARY
            elif carrying[name]:
                health.role = Role.SOME_QUOTES
            else:
                if health.role is not Role.SECONDARY:
                    broker.set_quote_callback(None)
                health.role = Role.SECONDARY

    # Names and numbers

    def _key_at(self, name: str, key: InstrumentKey) -> InstrumentKey | None:
        return self._mapping.key_at(self._brokers[name], key)

    def _keys_at(self, name: str, keys: Iterable[InstrumentKey]) -> list[InstrumentKey]:
        return [there for key in keys if (there := self._key_at(name, key)) is not None]

    def _index(self, key: InstrumentKey) -> int:
        index = self._quotes.index_of(key)
        assert index is not None, "an instrument is registered before it is held"
        return index

    def _name(self, key: InstrumentKey) -> str:
        return self._quotes.instruments[self._index(key)].qualified_name


def _now_s() -> float:
    return asyncio.get_running_loop().time()
