"""Where each instrument is streamed and where it is on its way to.

A move begins with a subscription at the new broker and ends with that broker's first full quote of the
instrument: from then on only its messages count, and the old broker is told to stop.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping

from dualbroker.clock import Clock
from dualbroker.manager.failover_log import FailoverLog
from dualbroker.manager.moves import Begun, Lost, Move
from dualbroker.manager.refusals import Refusals
from dualbroker.manager.standing import Standing
from dualbroker.manager.telling import Teller, Told
from dualbroker.model import FeedType, InstrumentKey
from dualbroker.stores.health import BrokerHealth
from dualbroker.stores.incidents import Failover
from dualbroker.stores.quotes import QuoteStore, Switch

__all__ = ["Placement"]


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
        self._moves: dict[InstrumentKey, Move] = {}
        self._lost: dict[InstrumentKey, Lost] = {}
        self._left_over = Told()

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
            Who keeps, or is asked once more for, an instrument that every serving broker has refused.
        """
        told = Told()
        for key in dict.fromkeys((*self._streams, *self._moves, *self._lost)):
            if key not in wanted:
                self._let_go(key, told)
        somebody_serves = any(map(self._standing.serves, self._health))
        begun: dict[Begun, list[InstrumentKey]] = {}
        for key, target in targets.items():
            if target is None and not self._is_served(key):
                target = last_resort(key)
            move = self._moves.get(key)
            if move is not None and not somebody_serves:
                # Whom it goes to when the first one is back is open: it may be the one it was on its way to.
                target = move.to
            self._place(key, wanted[key], target, told, begun)
        for kind, keys in begun.items():
            self._note_failover(kind, {key: self._moves[key] for key in keys})
        self._failovers.close_finished()
        self._teller.tell(told)

    def _is_served(self, key: InstrumentKey) -> bool:
        at = self.stream_of(key)
        return at is not None and self._standing.serves(at)

    def _place(
        self,
        key: InstrumentKey,
        kind: FeedType,
        target: str | None,
        told: Told,
        begun: dict[Begun, list[InstrumentKey]],
    ) -> None:
        move = self._moves.get(key)
        at = self._streams.get(key)
        if move is not None:
            if move.to == target:
                if move.kind is not kind:
                    move.kind = kind
                    told.to_subscribe(move.to, kind, key)
                if self._refusals.has(move.to, key):
                    # Nobody else would have it: it stays there, should it begin to tick.
                    self._failovers.uncovered(move.failover, key, self.name(key))
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
        move = self._moves[key] = Move(target, kind, 0, self._clock.now_ns(), planned)
        lost = self._lost.pop(key, None)
        if at is not None:
            move.base_ns = self._health[at[0]].last_quote_ns or 0
            begun.setdefault(Begun(at[0], target, planned), []).append(key)
            if not planned:
                told.to_unsubscribe(at[0], key)
                del self._streams[key]
                self._quotes.set_source(self.index(key), None)
        elif lost is not None:
            self._go_on(lost, key, move, begun)
        index = self.index(key)
        in_lots = self._quotes.instruments[index].quote_unit != 1
        there = self._teller.key_at(target, key) or key
        self._quotes.routes.expect(index, target, there, in_lots=in_lots)
        told.to_subscribe(target, kind, key)

    def _go_on(
        self, lost: Lost, key: InstrumentKey, move: Move, begun: dict[Begun, list[InstrumentKey]]
    ) -> None:
        """Whoever was to take it over failed too: its gap goes on, and so does what is told of it."""
        move.base_ns = lost.base_ns
        before = lost.failover.to_broker
        if move.to == before:
            move.failover = lost.failover
        elif self._standing.serves(before):
            # Refused there. What every broker refuses, as an option that has expired, goes round for long.
            move.after = lost.failover
        else:
            begun.setdefault(Begun(before, move.to, False), []).append(key)

    def _give_up(self, move: Move, key: InstrumentKey, told: Told) -> None:
        del self._moves[key]
        self._quotes.routes.expect_no_longer(self.index(key))
        told.to_unsubscribe(move.to, key)
        if key not in self._streams or self._refusals.has(move.to, key):
            self._failovers.uncovered(move.failover, key, self.name(key))
        self._failovers.settled(move.failover, key)
        last_told = move.failover or move.after
        if key not in self._streams and last_told is not None:
            self._lost[key] = Lost(last_told, move.base_ns)

    def _let_go(self, key: InstrumentKey, told: Told) -> None:
        move = self._moves.pop(key, None)
        at = self._streams.pop(key, None)
        self._lost.pop(key, None)
        names = [move.to] if move is not None else []
        names += [at[0]] if at is not None else []
        for name in dict.fromkeys(names):
            told.to_unsubscribe(name, key)
        index = self._quotes.index_of(key)
        if index is not None:  # else it has been retired meanwhile, at the day's turn
            self._quotes.set_source(index, None)
        if move is not None:
            self._failovers.settled(move.failover, key)

    def _note_failover(self, kind: Begun, moves: Mapping[InstrumentKey, Move]) -> None:
        last_ns = self._health[kind.old].last_quote_ns
        if last_ns is not None and last_ns < max(move.base_ns for move in moves.values()):
            # It was to take over and brought nothing: its last quote is of an earlier time.
            last_ns = None
        failover = self._failovers.begin(
            moves,
            time_ns=min(move.begun_ns for move in moves.values()),
            from_broker=kind.old,
            to_broker=kind.new,
            why=self._why(kind.old, kind.new, kind.planned),
            planned=kind.planned,
            last_quote_ns=last_ns,
            unknown=self._unknown_at(kind.new),
        )
        for move in moves.values():
            move.failover = failover

    def _tell_late(self, key: InstrumentKey, move: Move, after: Failover) -> None:
        """A broker streams what another one had refused: of this move nothing was told yet."""
        alike = {
            other: each for other, each in self._moves.items() if each.after is after and each.to == move.to
        }
        self._note_failover(Begun(after.to_broker, move.to, False), {key: move, **alike})
        for each in (move, *alike.values()):
            each.after = None

    def switched(self, switch: Switch) -> None:
        """A new source has brought its first full quote of an instrument."""
        key, name, receive_ns, last_ns = switch
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
        if move.after is not None:
            self._tell_late(key, move, move.after)
        if move.failover is not None and base_ns:
            self._failovers.covered(move.failover, key, self.name(key), max(0, receive_ns - base_ns) / 1e9)
        if self._failovers.settled(move.failover, key):
            # Not left to the next arrangement, which may be long in coming while the old broker is gone.
            asyncio.get_running_loop().call_soon(self._failovers.close_finished)

    def _flush(self) -> None:
        told, self._left_over = self._left_over, Told()
        self._teller.tell(told)
        self._on_left()
        self._failovers.close_finished()
