"""Where each instrument is streamed and where it is on its way to.

A move begins with a subscription at the new broker and ends with that broker's first full quote of the
instrument: from then on only its messages count, and the old broker is told to stop.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping

import msgspec

from dualbroker.clock import Clock
from dualbroker.manager.failover_log import FailoverLog
from dualbroker.manager.refusals import Refusals
from dualbroker.manager.standing import Standing
from dualbroker.manager.telling import Teller, Told
from dualbroker.model import FeedType, InstrumentKey
from dualbroker.stores.health import BrokerHealth
from dualbroker.stores.incidents import Failover
from dualbroker.stores.quotes import QuoteStore

__all__ = ["Placement"]


class _Move(msgspec.Struct, gc=False):
    """An instrument on its way to a broker."""

    to: str
    kind: FeedType
    base_ns: int
    """Receive time of the last quote that the broker before brought of any instrument; 0: there was none."""
    planned: bool
    failover: Failover | None


class _Begun(msgspec.Struct, frozen=True):
    """Moves that begin together and are one failover."""

    old: str
    new: str
    planned: bool


class Placement:
    """Carries out who shall stream what, and knows who does.

    Parameters
    ----------
    why
        Says why quotes move: from whom, to whom, whether on purpose.
    unknown_at
        Names the wanted instruments that a broker does not know.
    on_left
        Called when brokers have streamed their last of some instruments.
    """

    def __init__(
        self,
        health: Mapping[str, BrokerHealth],
        *,
        quotes: QuoteStore,
        clock: Clock,
        teller: Teller,
        failovers: FailoverLog,
        refusals: Refusals,
        standing: Standing,
        why: Callable[[str, str, bool], str],
        unknown_at: Callable[[str], list[str]],
        on_left: Callable[[], None],
    ) -> None:
        self._health = health
        self._quotes = quotes
        self._clock = clock
        self._teller = teller
        self._failovers = failovers
        self._refusals = refusals
        self._standing = standing
        self._why = why
        self._unknown_at = unknown_at
        self._on_left = on_left
        self._streams: dict[InstrumentKey, tuple[str, FeedType]] = {}
        """Who was told to stream an instrument, and as what; not those on their way."""
        self._moves: dict[InstrumentKey, _Move] = {}
        self._left_over = Told()
        quotes.on_switch = self._on_switch

    # What is known

    def streamed_by(self, name: str) -> list[InstrumentKey]:
        """Instruments that a broker streams, without those on their way to it."""
        return [key for key, (at, _) in list(self._streams.items()) if at == name]

    def stream_of(self, key: InstrumentKey) -> str | None:
        """Who streams an instrument now."""
        at = self._streams.get(key)
        return None if at is None else at[0]

    def target_of(self, key: InstrumentKey) -> str | None:
        """Who streams an instrument, or is about to."""
        move = self._moves.get(key)
        return self.stream_of(key) if move is None else move.to

    def headed_to(self, name: str) -> list[InstrumentKey]:
        """Instruments that a broker streams or is about to."""
        keys = dict.fromkeys((*self._streams, *self._moves))
        return [key for key in keys if self.target_of(key) == name]

    @property
    def sources(self) -> list[str]:
        """Brokers that stream anything, each once."""
        return list(dict.fromkeys(at for at, _ in self._streams.values()))

    def carrying(self) -> Counter[str]:
        """How many instruments each broker streams or is about to."""
        counts = Counter(at for at, _ in self._streams.values())
        counts.update(move.to for move in self._moves.values())
        return counts

    def index(self, key: InstrumentKey) -> int:
        index = self._quotes.index_of(key)
        assert index is not None, "an instrument is registered before it is held"
        return index

    def name(self, key: InstrumentKey) -> str:
        """The instrument's qualified name."""
        return self._quotes.instruments[self.index(key)].qualified_name

    # What is done

    def arrange(
        self,
        wanted: Mapping[InstrumentKey, FeedType],
        targets: Mapping[InstrumentKey, str | None],
        last_resort: Callable[[InstrumentKey], str | None],
    ) -> None:
        """Begin every move that leads from who streams what to who shall.

        Parameters
        ----------
        last_resort
            Who keeps an instrument that every serving broker has refused, should it begin to tick.
        """
        told = Told()
        for key in [key for key in (*self._streams, *self._moves) if key not in wanted]:
            self._let_go(key, told)
        begun: dict[_Begun, list[InstrumentKey]] = {}
        for key, target in targets.items():
            if target is None and key not in self._streams:
                target = last_resort(key)
            self._place(key, wanted[key], target, told, begun)
        for kind, keys in begun.items():
            self._note_failover(kind, keys)
        self._failovers.close_finished()
        self._teller.tell(told)

    def _place(
        self,
        key: InstrumentKey,
        kind: FeedType,
        target: str | None,
        told: Told,
        begun: dict[_Begun, list[InstrumentKey]],
    ) -> None:
        move = self._moves.get(key)
        at = self._streams.get(key)
        if move is not None:
            if move.to == target:
                if move.kind is not kind:
                    move.kind = kind
                    told.to_subscribe(move.to, kind, key)
                return
            self._give_up(move, key, told)
        if at is not None and (target is None or at[0] == target):
            if at[1] is not kind:
                self._streams[key] = (at[0], kind)
                told.to_subscribe(at[0], kind, key)
            return
        if target is None:
            return
        planned = at is not None and self._standing.serves(at[0]) and not self._refusals.has(at[0], key)
        base_ns = 0
        if at is not None:
            base_ns = self._health[at[0]].last_quote_ns or 0
            begun.setdefault(_Begun(at[0], target, planned), []).append(key)
            if not planned:
                told.to_unsubscribe(at[0], key)
                del self._streams[key]
                self._quotes.set_source(self.index(key), None)
        self._moves[key] = _Move(target, kind, base_ns, planned, None)
        self._quotes.expect_source(self.index(key), target, self._teller.key_at(target, key))
        told.to_subscribe(target, kind, key)

    def _give_up(self, move: _Move, key: InstrumentKey, told: Told) -> None:
        del self._moves[key]
        self._quotes.expect_no_longer(self.index(key))
        told.to_unsubscribe(move.to, key)
        is_uncovered = key not in self._streams or self._refusals.has(move.to, key)
        self._failovers.settled(move.failover, key, uncovered=self.name(key) if is_uncovered else None)

    def _let_go(self, key: InstrumentKey, told: Told) -> None:
        move = self._moves.pop(key, None)
        at = self._streams.pop(key, None)
        names = [move.to] if move is not None else []
        names += [at[0]] if at is not None else []
        for name in dict.fromkeys(names):
            told.to_unsubscribe(name, key)
        self._quotes.set_source(self.index(key), None)
        if move is not None:
            self._failovers.settled(move.failover, key)

    def _note_failover(self, kind: _Begun, keys: list[InstrumentKey]) -> None:
        failover = self._failovers.begin(
            keys,
            time_ns=self._clock.now_ns(),
            from_broker=kind.old,
            to_broker=kind.new,
            why=self._why(kind.old, kind.new, kind.planned),
            planned=kind.planned,
            last_quote_ns=self._health[kind.old].last_quote_ns,
            unknown=self._unknown_at(kind.new),
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
        told, self._left_over = self._left_over, Told()
        self._teller.tell(told)
        self._on_left()
        self._failovers.close_finished()
