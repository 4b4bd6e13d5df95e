"""Who streams what: what happens goes in, and what has to be done comes out. Pure.

Each method that takes a ``Moment`` is an event; it returns commands, to be carried out in their order.
Nothing here waits, and no clock is asked: the same events yield the same commands.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from dualbroker.market_hours import MarketHours
from dualbroker.model import FeedType, Instrument, InstrumentKey, Role
from dualbroker.routing.balance import Carrier
from dualbroker.routing.caps import Caps, cap_shown
from dualbroker.routing.choice import Assignment, assign
from dualbroker.routing.commands import AskAgain, Command, Moment, Note, Reconnect, WireCommand
from dualbroker.routing.failovers import Failovers
from dualbroker.routing.holders import Holders
from dualbroker.routing.keys import KeysAtBrokers
from dualbroker.routing.moves import Moves
from dualbroker.routing.probes import Probes
from dualbroker.routing.refusals import Refusals
from dualbroker.routing.sharing import Sharing
from dualbroker.routing.standing import BrokerStanding, Standing
from dualbroker.routing.wire import Wire
from dualbroker.stores.health import BrokerHealth, BrokerState
from dualbroker.stores.quotes import Switch
from dualbroker.stores.routes import Routes

__all__ = ["RoutingMachine", "names_shown"]

RECONNECTS = "it reconnects by itself"
COMES_BACK = {
    BrokerState.PARKED: "it is parked until a person does something",
    BrokerState.POLLING: "the login is left to the program that took it, and orders are read by REST",
}
"""What becomes of a broker that does not reconnect by itself."""
NAMES_SHOWN = 5
BRINGS_QUOTES_NS = 7_000_000_000
"""A broker whose last quote is older may be silent altogether: its missing answers show no limit."""
MOST_ROUNDS = 5
"""Of one arrangement: what one round takes away from a broker may make room for the next."""
NO_LONGER_FULL = 0.9
"""Share of its limit below which a broker has been relieved: that it is full again is said again."""


class RoutingMachine:
    """Gives every wanted instrument exactly one broker that streams it, as far as there is one.

    Parameters
    ----------
    health
        By broker's name: when its last quote came and how long it takes to answer are read from it.
    market_hours
        When which exchange is open.
    routes
        Read by the quote store, written here.
    preferred
        To whom quotes return; None leaves it to what is measured.
    is_balanced
        Share the quotes out over all brokers, instead of having one carry them.
    last_price
        Of an instrument; None where there is none yet.
    at_stake
        Instruments with open orders or fills of today: in a failover they come first.
    """

    def __init__(
        self,
        health: Mapping[str, BrokerHealth],
        market_hours: MarketHours,
        routes: Routes,
        preferred: str | None,
        *,
        is_balanced: bool = False,
        last_price: Callable[[InstrumentKey], float | None] = lambda key: None,
        at_stake: Callable[[], Collection[InstrumentKey]] = frozenset,
    ) -> None:
        self.holders = Holders()
        self.keys = KeysAtBrokers()
        self.refusals = Refusals()
        self.caps = Caps()
        self.wire = Wire()
        self.standing = Standing(health, self.refusals, self.holders, market_hours, preferred)
        self._failovers = Failovers()
        self.moves = Moves(
            routes=routes,
            wire=self.wire,
            keys=self.keys,
            holders=self.holders,
            standing=self.standing,
            refusals=self.refusals,
            failovers=self._failovers,
        )
        self.sharing = Sharing(self.moves.instrument, self.moves.known, last_price) if is_balanced else None
        """None where one broker carries the quotes."""
        self._at_stake = at_stake
        self.probes = Probes(
            wire=self.wire,
            keys=self.keys,
            holders=self.holders,
            standing=self.standing,
            refusals=self.refusals,
            moves=self.moves,
            caps=self.caps,
        )
        self._told_full: dict[str, bool] = {}
        """Brokers of which it was said that they are full, and whether also that something is left over."""
        self._is_short_of_room = False

    # What is known

    def why_there(self, key: InstrumentKey) -> str:
        """Why an instrument is with the broker that streams it, or with none, in words."""
        target, primary = self.moves.target_of(key), self.standing.primary
        if target is None:
            return "no broker that serves takes it and has room"
        if self.sharing is not None:
            return self.sharing.reasons.get(key, "")
        if primary is None or target == primary:
            return "it carries the quotes"
        if not self.standing.serves(primary):
            return f"{primary} does not serve: {self.standing.why_not(primary)}"
        if self.keys.at(primary, key) is None:
            return f"{primary} does not have it"
        if self.refusals.has(primary, key):
            return f"{primary} has refused it, or brings nothing of it"
        cap = self.caps.of(primary)
        return f"it waits for {primary}" if cap is None else f"{primary} is full, {cap.words}"

    @property
    def arrangement(self) -> tuple[int, int]:
        """Another one whenever what is wanted, or who streams it, may have changed."""
        return self.holders.revision, self.moves.revision

    def uncovered(self) -> list[str]:
        """Qualified names of wanted instruments that no broker streams now."""
        return [self.moves.name(key) for key in self.holders.wanted if not self.moves.is_served(key)]

    def lacks_room(self, keys: Iterable[InstrumentKey]) -> str | None:
        """Why no more can be wanted, in words with the figures; None where these can be.

        Only limits that are certain count, of all brokers that may come up.
        """
        wanted = self.holders.wanted.keys() | set(keys)
        caps = {name: self.caps.told(name) for name, each in self.standing.brokers.items() if each.can_stream}
        certain = {name: cap for name, cap in caps.items() if cap is not None}
        most = sum(cap.most for cap in certain.values())
        if len(certain) < len(caps) or len(wanted) <= max(most, len(self.holders.wanted)):
            return None
        each = ", ".join(f"{name} {cap.words}" for name, cap in certain.items())
        return (
            f"{len(wanted):,} instruments would be wanted, and all brokers together may stream {most:,}: "
            f"{each}; release some, or raise max_subscriptions in the config where a broker allows more"
        )

    def role(self, name: str) -> Role:
        """What a broker with a socket is there for."""
        if name == self.standing.primary:
            return Role.PRIMARY
        return Role.SOME_QUOTES if self.wire.carries(name) else Role.SECONDARY

    # What holders want

    def hold(
        self, holder: str, instruments: Mapping[int, Instrument], kind: FeedType, now: Moment
    ) -> list[Command]:
        """A holder wants instruments, given by their index in the quote store."""
        for index, instrument in instruments.items():
            self.moves.register(index, instrument)
        self.holders.add(holder, [instrument.key for instrument in instruments.values()], kind)
        return self._arrange(now)

    def release(self, holder: str, keys: Iterable[InstrumentKey] | None, now: Moment) -> list[Command]:
        """A holder does not want these any more, or nothing at all."""
        self.holders.remove(holder, keys)
        return self._arrange(now)

    def turn_day(
        self,
        gone: Iterable[InstrumentKey],
        moved: Mapping[InstrumentKey, tuple[int, Instrument]],
        now: Moment,
    ) -> list[Command]:
        """Instruments are no more, or have become others: these come with their index in the quote store."""
        heirs = [(self.holders.discard(old), index, new) for old, (index, new) in moved.items()]
        for key in gone:
            self.holders.discard(key)
        for key in (*gone, *moved):
            self.moves.end(key)
        for holders, index, new in heirs:
            self.moves.register(index, new)
            self.holders.inherit(new.key, holders)
        return self._arrange(now)

    def prefer(self, name: str, now: Moment) -> list[Command]:
        """A person wants a broker to carry the quotes, and to have them back after a failover."""
        commands = self.standing.prefer(name)
        self.refusals.forget(name)
        self.caps.forget(name)
        return [*commands, *self._arrange(now)]

    def sample(self, keys: Iterable[InstrumentKey], now: Moment) -> list[Command]:
        """Have these streamed by all brokers that can, to compare them; each keeps its one source."""
        self.probes.choose(keys)
        return self._arrange(now)

    # What becomes of brokers

    def add_broker(self, name: str, *, can_stream: bool, can_probe: bool = False) -> None:
        """There is a broker, not connected yet."""
        if can_stream and can_probe:
            self.probes.able.add(name)
        self.standing.brokers[name] = BrokerStanding(can_stream)
        self.wire.add_broker(name)

    def begin(self, now: Moment) -> list[Command]:
        """The start is over: a source that is not there by now is replaced."""
        had_begun, self.standing.has_begun = self.standing.has_begun, True
        # Nobody looks at it yet: what the first broker took up is shared out at once.
        return self._arrange(now, move_limit=0 if had_begun else None)

    def pause(self) -> None:
        """Connections come and go on purpose from now on, and nothing is moved for that."""
        self.standing.is_held = True

    def go_on(self, now: Moment) -> list[Command]:
        """That is over."""
        self.standing.is_held = False
        return self._arrange(now)

    def broker_up(self, name: str, state: BrokerState, now: Moment) -> list[Command]:
        """A broker's orders flow: on a connection to which nothing was sent yet, or by REST."""
        if self.standing.brokers[name].is_connected:
            return []
        if state is BrokerState.LIVE:
            self.wire.connected(name)
        self.standing.came_up(name, state, now)
        self.refusals.forget(name)
        return self._arrange(now)

    def broker_down(self, name: str, why: str, state: BrokerState, now: Moment) -> list[Command]:
        """A broker's connection is of no use any more, or it is given up until a person does something."""
        self.wire.disconnected(name)
        self.standing.went_down(name, state, now)
        if self.standing.brokers[name].can_stream and not self.standing.is_held:
            was_stale = self.standing.brokers[name].why_stale
            self.standing.note_loss(name, why, now)
            before = self._failovers.count
            commands = self._arrange(now)
            if not was_stale:
                action = self._what_follows(name, before, COMES_BACK.get(state, RECONNECTS))
                return [*commands, Note(name, why, action)]
        else:
            commands = []
        if state is BrokerState.PARKED:
            # Also one that streams nothing: its orders stand still until a person does something.
            commands.append(Note(name, why, COMES_BACK[state]))
        return commands

    def stale(self, name: str, why: str, now: Moment, *, renew_session: bool = False) -> list[Command]:
        """A broker answers and brings no quotes while the market moves: it is treated as failed."""
        if self.standing.brokers[name].why_stale:
            return []
        self.standing.became_stale(name, why, now)
        before = self._failovers.count
        commands = self._arrange(now)
        # Of a session that only a person can open, the broker itself says what to do.
        words = "its session has to be renewed" if renew_session else "it is reconnected"
        action = self._what_follows(name, before, words)
        note = Note(name, why, action, f"{name}: {why}; {action}")
        return [*commands, note, Reconnect(name, why, renew_session)]

    def switched(self, switches: Iterable[Switch], now: Moment) -> list[Command]:
        """Brokers have brought their first full quotes of what they were to take over."""
        commands: list[Command] = []
        for switch in switches:
            commands += self.moves.switched(switch)
        if self._is_short_of_room:
            # What a broker has just left made room there.
            commands += self._arrange(now)
        return [*commands, *self._to_send(), *self._failovers.finish()]

    # What brokers do not stream

    def refused(
        self, name: str, keys: Iterable[InstrumentKey], why: str, now: Moment, *, are_silent: bool = False
    ) -> list[Command]:
        """A broker does not stream these; another one is asked where there is one.

        Silent are those that it has acknowledged and brings no ticks of.
        """
        fresh = [key for key in keys if self.refusals.add(name, key, now.s, is_silent=are_silent)]
        if not fresh:
            return []
        learned = self._learn_cap(name, now, are_others_streamed=are_silent)
        commands = self._arrange(now)
        elsewhere = Counter(self.moves.target_of(key) for key in fresh)
        elsewhere.pop(name, None)
        elsewhere.pop(None, None)
        action = (
            ", ".join(f"{count} go to {other}" for other, count in elsewhere.items())
            or "no other broker can stream them; they are asked for again from time to time"
        )
        if learned is not None:
            action += f"; from now on it counts as streaming {learned:,} instruments at most (learned)"
        cause = f"{why}: {names_shown(map(self.moves.name, fresh))}"
        return [*commands, Note(name, cause, action, f"{name} {cause}; {action}")]

    def _learn_cap(self, name: str, now: Moment, *, are_others_streamed: bool) -> int | None:
        """The limit that a broker's refusals show, if that is news."""
        last_ns = self.standing.last_quote_ns(name)
        if not are_others_streamed and (last_ns is None or now.ns - last_ns > BRINGS_QUOTES_NS):
            return None  # it says nothing at all
        most = cap_shown(self.wire.asked(name), frozenset(self.refusals.of(name)))
        known = self.caps.of(name)
        if most is None or (known is not None and known.most <= most):
            return None
        self.caps.learn(name, most, now.s)
        return most

    def retry_refused(self, now: Moment) -> list[Command]:
        """There is a reason to ask for everything that was refused, whenever that was."""
        refused = {name: self.refusals.of(name) for name in self.standing.brokers}
        for name in refused:
            self.refusals.forget(name)
        commands = self._arrange(now)
        for name, keys in refused.items():
            commands += self._ask_again(name, keys)
        return commands

    def tick(self, late: Mapping[str, Collection[InstrumentKey]], now: Moment) -> list[Command]:
        """A moment has passed.

        Parameters
        ----------
        late
            By broker that serves, and by its own keys: what it has not acknowledged in time.
        """
        commands: list[Command] = []
        for name, there in late.items():
            ours = [
                key
                for key in self.wire.keys_of(name, there)
                if self.moves.target_of(key) == name and not self.refusals.has(name, key)
            ]
            if ours:
                commands += self.refused(name, ours, f"has not acknowledged {len(ours)} instruments", now)
        expired = self._expire_refusals(now)
        may_ask_for_more = self.caps.expire(now.s)
        changed = self.standing.choose(now, self.moves.sources)
        move_limit = self._may_move(now)
        if expired or changed or may_ask_for_more or move_limit or self._is_short_of_room:
            commands += [*changed, *self._arrange(now, move_limit=move_limit)]
        for name, key in expired:
            # What is still its own is asked for once more: the broker may have lost it.
            commands += self._ask_again(name, [key])
        return commands

    def _expire_refusals(self, now: Moment) -> list[tuple[str, InstrumentKey]]:
        """A silent one that another broker has stays there until the next connection of the one that left it
        silent."""
        expired = [
            (name, key)
            for name, key in self.refusals.due(now.s)
            if not self.refusals.is_silent(name, key) or self.moves.target_of(key) in (name, None)
        ]
        for name, key in expired:
            self.refusals.strike_out(name, key)
        return expired

    def _ask_again(self, name: str, keys: Sequence[InstrumentKey]) -> list[AskAgain]:
        ours = [
            there
            for key in keys
            if self.standing.serves(name)
            and self.moves.target_of(key) == name
            and (there := self.wire.key_at(name, key)) is not None
        ]
        return [AskAgain(name, tuple(ours))] if ours else []

    # The arrangement

    def _arrange(self, now: Moment, move_limit: int | None = 0) -> list[Command]:
        """Begin every move that leads to who should stream what, and send what was not sent yet."""
        commands: list[Command] = []
        self.wire.limited = [name for name in self.standing.brokers if self.caps.of(name) is not None]
        if not self.standing.is_left_alone(now):
            commands += self.standing.choose(now, self.moves.sources)
            assert self.standing.primary is not None
            weights = self.standing.weights(now, self.moves.sources)
            serving = list(weights)
            refused = {
                name: keys
                for name in self.standing.brokers
                if (keys := self.keys.lacks(name).union(self.refusals.of(name)))
            }
            self.moves.end_unwanted()
            why = "" if self.sharing is None else "the quotes are shared out more evenly"
            for _ in range(MOST_ROUNDS):
                if self.sharing is None:
                    assignment = self._assign(serving, refused)
                else:
                    assignment = self._share_out(self.sharing, weights, move_limit)
                    move_limit = 0
                self._ask_once_more(assignment.targets)
                targets = self._those_at_stake_first(assignment.targets)
                commands += self.moves.arrange(targets, now, why)
                if not any(self._has_room(name) for name in assignment.passed_on):
                    break
                # What was taken away from a broker that is full has made room there.
            commands += self._failovers.finish()
            commands += self._say_who_is_full(assignment, serving, refused)
        return [*commands, *self._to_send()]

    def _to_send(self) -> list[WireCommand]:
        self.probes.arrange()
        return self.wire.difference()

    def _has_room(self, name: str) -> bool:
        cap = self.caps.of(name)
        return cap is None or len(self.wire.claims_of(name)) < cap.most

    def _assign(self, serving: Sequence[str], refused: Mapping[str, Collection[InstrumentKey]]) -> Assignment:
        caps = {name: cap.most for name in serving if (cap := self.caps.of(name)) is not None}
        claimed = {name: self.wire.claims_of(name) for name in serving} if caps else {}
        return assign(self.holders.wanted, self.standing.primary, serving, refused, caps, claimed)

    def _share_out(
        self, sharing: Sharing, weights: Mapping[str, float], move_limit: int | None
    ) -> Assignment:
        current, carriers = self._current(), self._carriers(weights)
        done = sharing.share_out(self.holders.wanted, current, carriers, move_limit)
        left_over = [key for key, target in done.targets.items() if target is None]
        passed_on = {
            each.name: count
            for each in carriers
            if each.most is not None and (count := sum(key not in each.cannot for key in left_over))
        }
        return Assignment(done.targets, passed_on)

    def _may_move(self, now: Moment) -> int:
        """How many instruments may be moved now though they are streamed well."""
        if self.sharing is None or not self.sharing.is_due(now):
            return 0
        if not self.standing.has_begun or self.standing.is_left_alone(now):
            return 0
        carriers = self._carriers(self.standing.weights(now, self.moves.sources))
        return self.sharing.may_move(self.holders.wanted, self._current(), carriers, now)

    def _current(self) -> dict[InstrumentKey, str]:
        targets = {key: self.moves.target_of(key) for key in self.holders.wanted}
        return {key: name for key, name in targets.items() if name is not None}

    def _carriers(self, weights: Mapping[str, float]) -> list[Carrier]:
        caps = {name: self.caps.of(name) for name in weights}
        return [
            Carrier(
                name=name,
                weight=weight,
                most=None if (cap := caps[name]) is None else cap.most,
                claimed=len(self.wire.claims_of(name)),
                cannot=self.keys.lacks(name).union(self.refusals.of(name)),
            )
            for name, weight in weights.items()
        ]

    def _those_at_stake_first(
        self, targets: dict[InstrumentKey, str | None]
    ) -> dict[InstrumentKey, str | None]:
        """Where something is to be streamed again, what has orders is asked for first."""
        if all(map(self.moves.is_served, targets)):
            return targets
        at_stake = frozenset(self._at_stake())
        first = {key: target for key, target in targets.items() if key in at_stake}
        return {**first, **targets}

    def _ask_once_more(self, targets: dict[InstrumentKey, str | None]) -> None:
        """Let the primary keep, or be asked once more for, what it has refused as all others have, or what is
        beyond a limit that was only learned."""
        primary = self.standing.primary
        if primary is None or not self.standing.serves(primary):
            return
        left = [
            key
            for key, target in targets.items()
            if target is None and not self.moves.is_served(key) and self.keys.at(primary, key) is not None
        ]
        cap = self.caps.told(primary)
        if left and cap is not None:
            here = self.wire.claims_of(primary)
            coming = sum(target == primary and key not in here for key, target in targets.items())
            free = max(0, cap.most - len(here) - coming)
            left = [key for key in left if key in here] + [key for key in left if key not in here][:free]
        targets.update(dict.fromkeys(left, primary))

    def _say_who_is_full(
        self,
        assignment: Assignment,
        serving: Sequence[str],
        refused: Mapping[str, Collection[InstrumentKey]],
    ) -> list[Note]:
        """What goes elsewhere because a broker streams as much as it may, once for as long as it does."""
        nobody = 0
        if assignment.passed_on:
            takers = [refused.get(name, frozenset()) for name in serving]
            nobody = sum(
                target is None
                and not self.moves.is_served(key)
                and any(key not in not_there for not_there in takers)
                for key, target in assignment.targets.items()
            )
        self._is_short_of_room = nobody > 0 or any(
            assignment.targets.get(key) != name
            for name in assignment.passed_on
            for key in self.wire.claims_of(name)
        )
        notes = []
        for name, count in assignment.passed_on.items():
            cap = self.caps.of(name)
            is_news = name not in self._told_full or (nobody > 0) > self._told_full[name]
            if cap is None or not is_news:
                continue
            self._told_full[name] = nobody > 0
            parts = [f"{count - nobody:,} more go to other brokers"] if count > nobody else []
            parts += [f"{nobody:,} are streamed by nobody until there is room"] if nobody else []
            cause = f"streams as many instruments as it may, {cap.words}"
            action = " and ".join(parts)
            notes.append(Note(name, cause, action, f"{name} {cause}; {action}"))
        for name in [each for each in self._told_full if each not in assignment.passed_on]:
            cap = self.caps.of(name)
            if cap is None or len(self.wire.claims_of(name)) < cap.most * NO_LONGER_FULL:
                del self._told_full[name]
        return notes

    def _what_follows(self, name: str, failovers_before: int, else_words: str) -> str:
        if self._failovers.count > failovers_before:
            return f"quotes go to {self.standing.primary}; {else_words}"
        if self.moves.streamed_by(name):
            return f"no other broker can carry the quotes; {else_words}"
        return else_words


def names_shown(names: Iterable[str]) -> str:
    """The first few of many names, for a line that a person reads."""
    known = list(names)
    more = f" and {len(known) - NAMES_SHOWN} more" if len(known) > NAMES_SHOWN else ""
    return ", ".join(known[:NAMES_SHOWN]) + more
