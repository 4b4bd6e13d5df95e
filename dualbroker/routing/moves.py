"""Where each instrument is streamed, and its way from one broker to another. Pure.

A move begins with a subscription at the new broker and ends with that broker's first full quote of the
instrument: from then on only its messages count, and the old broker has to stop.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import msgspec

from dualbroker.model import FeedType, Instrument, InstrumentKey
from dualbroker.routing.commands import FailoverBegun, Moment
from dualbroker.routing.failovers import Failovers
from dualbroker.routing.holders import Holders
from dualbroker.routing.keys import KeysAtBrokers
from dualbroker.routing.refusals import Refusals
from dualbroker.routing.standing import Standing
from dualbroker.routing.wire import Purpose, Wire
from dualbroker.stores.incidents import Failover
from dualbroker.stores.quotes import Switch
from dualbroker.stores.routes import Routes

__all__ = ["Moves"]


class _Move(msgspec.Struct, gc=False):
    """An instrument on its way to a broker. Times are receive times in UTC ns."""

    to: str
    kind: FeedType
    begun_ns: int
    planned: bool
    base_ns: int = 0
    """Of the last quote that counted, of any instrument of the source before; 0: it never had a source."""
    failover: Failover | None = None
    """What tells of it."""
    after: Failover | None = None
    """What told of it last, before its target refused it: of this try it is told once it succeeds."""


class _Lost(msgspec.Struct, gc=False):
    """What was streamed, and is by nobody: its source failed, and so did the broker that was to take over."""

    failover: Failover
    """What told of it last."""
    base_ns: int


class _Begun(msgspec.Struct, frozen=True):
    """Moves that begin together and are one failover."""

    old: str
    new: str
    planned: bool


_Beginnings = dict[_Begun, list[InstrumentKey]]


@dataclass
class Moves:
    """Begins every move that is needed, ends it, and knows who streams what meanwhile.

    It writes the quote store's ``routes`` and claims on the ``wire`` what each broker has to stream.
    """

    routes: Routes
    wire: Wire
    keys: KeysAtBrokers
    holders: Holders
    standing: Standing
    refusals: Refusals
    failovers: Failovers
    _instruments: dict[InstrumentKey, tuple[int, Instrument]] = field(default_factory=dict)
    """What anybody ever held, and its index in the quote store."""
    _streams: dict[InstrumentKey, str] = field(default_factory=dict)
    """Who was asked to stream an instrument; not those on their way."""
    _streamed: dict[str, dict[InstrumentKey, None]] = field(default_factory=dict)
    """The same by broker, without those that stream nothing: asked for every moment."""
    _exchanges: dict[str, Counter[str]] = field(default_factory=dict)
    """Of these, how many on each exchange."""
    _moves: dict[InstrumentKey, _Move] = field(default_factory=dict)
    _lost: dict[InstrumentKey, _Lost] = field(default_factory=dict)
    revision: int = 0
    """Counted up whenever the target of an instrument may have changed."""

    # What is known

    @property
    def sources(self) -> list[str]:
        """Brokers that stream anything."""
        return list(self._streamed)

    def streamed_by(self, broker: str) -> list[InstrumentKey]:
        """Instruments that a broker streams, without those on their way to it."""
        return list(self._streamed.get(broker, ()))

    def exchanges_of(self, broker: str) -> Collection[str]:
        """On which exchanges the instruments are that a broker streams."""
        return self._exchanges.get(broker, ())

    def is_served(self, key: InstrumentKey) -> bool:
        """Whether a broker that serves streams an instrument now."""
        at = self._streams.get(key)
        return at is not None and self.standing.serves(at)

    def source_of(self, key: InstrumentKey) -> str | None:
        """Who was asked to stream an instrument; not who is about to."""
        return self._streams.get(key)

    def target_of(self, key: InstrumentKey) -> str | None:
        """Who streams an instrument, or is about to."""
        move = self._moves.get(key)
        return self._streams.get(key) if move is None else move.to

    def instrument(self, key: InstrumentKey) -> Instrument:
        """What anybody ever held under this key."""
        return self._instruments[key][1]

    def known(self) -> list[Instrument]:
        """All that anybody ever held."""
        return [instrument for _, instrument in self._instruments.values()]

    def name(self, key: InstrumentKey) -> str:
        """The instrument's qualified name."""
        return self._instruments[key][1].qualified_name

    # What is done

    def register(self, index: int, instrument: Instrument) -> None:
        """Let an instrument be known, and under which index the quote store keeps it."""
        self._instruments[instrument.key] = index, instrument

    def end_unwanted(self) -> None:
        """Have nobody stream what nobody holds any more."""
        for key in dict.fromkeys((*self._streams, *self._moves, *self._lost)):
            if key not in self.holders.wanted:
                self.end(key)

    def arrange(
        self, targets: Mapping[InstrumentKey, str | None], now: Moment, why_planned: str = ""
    ) -> list[FailoverBegun]:
        """Begin every move that leads from who streams what to who should.

        Parameters
        ----------
        targets
            Who should stream each wanted instrument; None: nobody can, and where it is streamed it stays. Of
            what moves at once the first is asked for first.
        why_planned
            Why what is streamed well moves, in words; empty where the choice of the primary says it.
        """
        wanted = self.holders.wanted
        anybody_serves = any(map(self.standing.serves, self.standing.brokers))
        begun: _Beginnings = {}
        for key, target in targets.items():
            move = self._moves.get(key)
            if move is not None and not anybody_serves:
                # Whom it goes to when the first one is back is open: it may be the one it was on its way to.
                target = move.to
            self._place(key, wanted[key], target, begun, now)
        return [
            self._begin_failover(kind, {key: self._moves[key] for key in keys}, why_planned)
            for kind, keys in begun.items()
        ]

    def end(self, key: InstrumentKey) -> None:
        """Have an instrument streamed by nobody any more."""
        self.revision += 1
        move = self._moves.pop(key, None)
        self._lost.pop(key, None)
        if move is not None:
            self.wire.release(move.to, key, Purpose.HAND_OVER)
            self.failovers.settled(move.failover, key)
        self._leave_source(key)
        self.routes.remove(self._instruments[key][0])

    def switched(self, switch: Switch) -> list[FailoverBegun]:
        """A broker that was to take an instrument over has brought its first full quote of it."""
        key = switch.key
        move = self._moves.pop(key, None)
        if move is None:
            return []
        self._end_stream(key)
        self.wire.promote(switch.broker, key)
        self.revision += 1
        self._streams[key] = switch.broker
        self._streamed.setdefault(switch.broker, {})[key] = None
        self._exchanges.setdefault(switch.broker, Counter())[key[0]] += 1
        base_ns = switch.last_ns if move.planned else move.base_ns
        begun = [] if move.after is None else [self._begin_late(key, move, move.after)]
        if move.failover is not None and base_ns:
            gap_s = max(0, switch.receive_ns - base_ns) / 1e9
            self.failovers.covered(move.failover, key, self.name(key), gap_s)
        self.failovers.settled(move.failover, key)
        return begun

    def _leave_source(self, key: InstrumentKey) -> None:
        self._end_stream(key)
        self.revision += 1
        self._streams.pop(key, None)

    def _end_stream(self, key: InstrumentKey) -> None:
        at = self._streams.get(key)
        if at is not None:
            self.wire.release(at, key, Purpose.SOURCE)
            del self._streamed[at][key]
            self._exchanges[at][key[0]] -= 1
            if not self._exchanges[at][key[0]]:
                del self._exchanges[at][key[0]]
            if not self._streamed[at]:
                del self._streamed[at]

    def _place(
        self, key: InstrumentKey, kind: FeedType, target: str | None, begun: _Beginnings, now: Moment
    ) -> None:
        move = self._moves.get(key)
        at = self._streams.get(key)
        if move is not None:
            if move.to == target:
                if move.kind is not kind:
                    move.kind = kind
                    self._claim(target, key, Purpose.HAND_OVER, kind)
                if self.refusals.has(target, key):
                    # Nobody else would have it: it stays there, should it begin to tick.
                    self.failovers.uncovered(move.failover, key, self.name(key))
                return
            self._give_up(move, key)
        if at is not None and (target is None or at == target):
            self._claim(at, key, Purpose.SOURCE, kind)
            return
        if target is None:
            return
        planned = at is not None and self.standing.serves(at) and not self.refusals.has(at, key)
        self.revision += 1
        move = self._moves[key] = _Move(target, kind, now.ns, planned)
        lost = self._lost.pop(key, None)
        if at is not None:
            move.base_ns = self.standing.last_quote_ns(at) or 0
            begun.setdefault(_Begun(at, target, planned), []).append(key)
            if not planned:
                self._leave_source(key)
                self.routes.remove(self._instruments[key][0])
        elif lost is not None:
            self._go_on(lost, key, move, begun)
        self.routes.expect(self._instruments[key][0], target, self.keys.at(target, key) or key)
        self._claim(target, key, Purpose.HAND_OVER, kind)

    def _claim(self, broker: str, key: InstrumentKey, purpose: Purpose, kind: FeedType) -> None:
        self.wire.claim(broker, key, self.keys.at(broker, key) or key, purpose, kind)

    def _go_on(self, lost: _Lost, key: InstrumentKey, move: _Move, begun: _Beginnings) -> None:
        """The broker that was to take it over failed too: its gap goes on, and so does what is told of it."""
        move.base_ns = lost.base_ns
        before = lost.failover.to_broker
        if move.to == before:
            move.failover = lost.failover
        elif self.standing.serves(before):
            # Refused there. What every broker refuses, as an option that has expired, goes round for long.
            move.after = lost.failover
        else:
            begun.setdefault(_Begun(before, move.to, False), []).append(key)

    def _give_up(self, move: _Move, key: InstrumentKey) -> None:
        self.revision += 1
        del self._moves[key]
        self.routes.expect_no_longer(self._instruments[key][0])
        self.wire.release(move.to, key, Purpose.HAND_OVER)
        if key not in self._streams or self.refusals.has(move.to, key):
            self.failovers.uncovered(move.failover, key, self.name(key))
        self.failovers.settled(move.failover, key)
        last_told = move.failover or move.after
        if key not in self._streams and last_told is not None:
            self._lost[key] = _Lost(last_told, move.base_ns)

    def _begin_failover(
        self, kind: _Begun, moves: Mapping[InstrumentKey, _Move], why_planned: str = ""
    ) -> FailoverBegun:
        last_ns = self.standing.last_quote_ns(kind.old)
        if last_ns is not None and last_ns < max(move.base_ns for move in moves.values()):
            # It was to take over and brought nothing: its last quote is of an earlier time.
            last_ns = None
        lacking = self.keys.lacks(kind.new)
        time_ns = min(move.begun_ns for move in moves.values())
        failover = Failover(
            number=self.failovers.count + 1,
            time_ns=time_ns,
            from_broker=kind.old,
            to_broker=kind.new,
            why=(kind.planned and why_planned)
            or self.standing.why_moved(kind.old, kind.new, planned=kind.planned),
            planned=kind.planned,
            detected_after_s=None if kind.planned or last_ns is None else max(0, time_ns - last_ns) / 1e9,
            instruments=len(moves),
            uncovered=tuple(self.name(key) for key in self.holders.wanted if key in lacking),
        )
        self.failovers.begin(failover, moves)
        for move in moves.values():
            move.failover = failover
        return FailoverBegun(failover)

    def _begin_late(self, key: InstrumentKey, move: _Move, after: Failover) -> FailoverBegun:
        """A broker streams what another one had refused: of this move nothing was told yet."""
        alike = {key: move}
        alike |= {k: each for k, each in self._moves.items() if each.after is after and each.to == move.to}
        begun = self._begin_failover(_Begun(after.to_broker, move.to, False), alike)
        for each in alike.values():
            each.after = None
        return begun
