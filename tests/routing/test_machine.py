"""What holds of routing after any history: checked on the machine alone, against brokers made of dicts."""

from __future__ import annotations

from collections.abc import Iterable

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from dualbroker.market_hours import MarketHours
from dualbroker.model import FeedType, Instrument, InstrumentKey, InstrumentKind, QuoteBatch
from dualbroker.noren.quotes import TouchlineDelta, TouchlineSnapshot
from dualbroker.routing.commands import (
    AskAgain,
    Command,
    FailoverBegun,
    FailoverFinished,
    Moment,
    Reconnect,
    Subscribe,
    Unsubscribe,
)
from dualbroker.routing.machine import RoutingMachine
from dualbroker.stores.health import BrokerHealth, BrokerState
from dualbroker.stores.quotes import QuoteStore

BROKERS = ("a", "b", "c")
INSTRUMENTS = tuple(
    Instrument(exchange=exchange, token=token, symbol=f"S{token}", name="S", kind=InstrumentKind.EQUITY)
    for exchange, token in (("NSE", "1"), ("NSE", "2"), ("NFO", "1"), ("NFO", "3"))
)
LATER = Instrument(exchange="NFO", token="9", symbol="S9", name="S", kind=InstrumentKind.EQUITY)
NAMES = st.sampled_from(BROKERS)
WANTED = st.lists(st.sampled_from(INSTRUMENTS), min_size=1, max_size=4, unique=True)
KINDS = st.sampled_from(list(FeedType))
HOLDERS = st.sampled_from(["one", "two"])


class World:
    """The machine, the quote store that reads its routes, and brokers that do what they are sent."""

    def __init__(self, *, is_balanced: bool = False) -> None:
        self.store = QuoteStore()
        self.health = {
            name: BrokerHealth(broker_name=name, broker_type="test", account="", simulated=True)
            for name in BROKERS
        }
        self.machine = RoutingMachine(
            self.health, MarketHours.always(), self.store.routes, None, is_balanced=is_balanced
        )
        for name in BROKERS:
            self.machine.add_broker(name, can_stream=True, can_probe=True)
        self.machine.standing.primary = "a"
        self.machine.standing.has_begun = True
        self.now_s = 1000.0
        self.streamed: dict[str, dict[InstrumentKey, FeedType]] = {}
        """By connected broker, in its own keys."""
        self.open_failovers: set[int] = set()

    def now(self) -> Moment:
        return Moment(self.now_s, round(self.now_s * 1e9), round(self.now_s * 1e9))

    def do(self, commands: Iterable[Command]) -> list[Command]:
        """What brokers come to; nothing is asked twice, and nothing ended that was not asked."""
        done = list(commands)
        for command in done:
            match command:
                case Subscribe(broker, keys, kind):
                    for key in keys:
                        assert self.streamed[broker].get(key) is not kind, "asked for what is streamed"
                        self.streamed[broker][key] = kind
                    cap = self.machine.caps.told(broker)
                    assert cap is None or len(self.streamed[broker]) <= cap.most, "at no moment too much"
                case Unsubscribe(broker, keys):
                    for key in keys:
                        del self.streamed[broker][key]
                case AskAgain(broker, keys):
                    assert set(keys) <= set(self.streamed[broker])
                case FailoverBegun(failover):
                    assert failover.number not in self.open_failovers
                    self.open_failovers.add(failover.number)
                case FailoverFinished(failover):
                    self.open_failovers.remove(failover.number)
        return done

    def hold(self, holder: str, instruments: Iterable[Instrument], kind: FeedType) -> list[Command]:
        registered = {self.store.register(each): each for each in instruments}
        return self.do(self.machine.hold(holder, registered, kind, self.now()))

    def up(self, name: str) -> list[Command]:
        self.streamed.setdefault(name, {})
        return self.do(self.machine.broker_up(name, BrokerState.LIVE, self.now()))

    def poll(self, name: str) -> list[Command]:
        """Another program has its login: its orders are read by REST."""
        self.down(name, BrokerState.POLLING)
        return self.do(self.machine.broker_up(name, BrokerState.POLLING, self.now()))

    def down(self, name: str, state: BrokerState = BrokerState.RECONNECTING) -> list[Command]:
        self.streamed.pop(name, None)
        return self.do(self.machine.broker_down(name, "reset", state, self.now()))

    def quotes(self, name: str, keys: Iterable[InstrumentKey], *, full: bool) -> list[Command]:
        """A broker brings a message of each of these, in its own keys."""
        kind = TouchlineSnapshot if full else TouchlineDelta
        updates = [kind(exchange=exchange, token=token, ltp=1.0) for exchange, token in keys]
        now = self.now()
        self.health[name].last_quote_ns = now.ns
        switches = self.store.apply(QuoteBatch(name, now.ns, updates))
        return [] if switches is None else self.do(self.machine.switched(switches, now))


class AnyHistory(RuleBasedStateMachine):
    """Random histories. The same event once more must change nothing."""

    is_balanced = False

    def __init__(self) -> None:
        super().__init__()
        self.world = World(is_balanced=self.is_balanced)
        self.machine = self.world.machine
        self.held: dict[tuple[str, InstrumentKey], FeedType] = {}
        self.sources: dict[InstrumentKey, str] = {}
        """Before the last event."""
        self.arranged: tuple[tuple[int, int], list[tuple[InstrumentKey, FeedType, str | None]]] = (
            self.machine.arrangement,
            [],
        )

    @initialize(caps=st.dictionaries(NAMES, st.integers(1, 4)))
    def start(self, caps: dict[str, int]) -> None:
        for name, most in caps.items():
            self.machine.caps.tell(name, most, "set")
        for name in BROKERS[:2]:
            self.world.up(name)

    def again(self, commands: Iterable[Command]) -> None:
        assert not self.world.do(commands), "an event that is repeated yields nothing new"

    @rule(holder=HOLDERS, instruments=WANTED, kind=KINDS)
    def hold(self, holder: str, instruments: list[Instrument], kind: FeedType) -> None:
        self.world.hold(holder, instruments, kind)
        self.held.update({(holder, each.key): kind for each in instruments})
        self.again(self.world.hold(holder, instruments, kind))

    @rule(holder=HOLDERS, instruments=WANTED)
    def release(self, holder: str, instruments: list[Instrument]) -> None:
        keys = [each.key for each in instruments]
        self.world.do(self.machine.release(holder, keys, self.world.now()))
        for key in keys:
            self.held.pop((holder, key), None)
        self.again(self.machine.release(holder, keys, self.world.now()))

    @rule(name=NAMES)
    def connect(self, name: str) -> None:
        self.world.up(name)
        self.again(self.world.up(name))

    @rule()
    def be_well(self) -> None:
        """All are up and bring what they were asked for: else two that serve would seldom meet."""
        for name in BROKERS:
            self.world.up(name)
        for name in BROKERS:
            self.world.quotes(name, list(self.world.streamed.get(name, ())), full=True)

    @rule(name=NAMES)
    def evict(self, name: str) -> None:
        self.world.poll(name)
        assert not self.machine.standing.serves(name)
        assert not self.machine.broker_up(name, BrokerState.POLLING, self.world.now())

    @rule(name=NAMES, state=st.sampled_from([BrokerState.RECONNECTING, BrokerState.PARKED]))
    def lose(self, name: str, state: BrokerState) -> None:
        self.world.down(name, state)

    @rule(name=NAMES, renew=st.booleans())
    def go_stale(self, name: str, renew: bool) -> None:
        if self.machine.standing.serves(name):
            commands = self.world.do(self.machine.stale(name, "mute", self.world.now(), renew_session=renew))
            assert commands[-1] == Reconnect(name, "mute", renew)
            self.again(self.machine.stale(name, "mute", self.world.now(), renew_session=renew))

    @rule(name=NAMES, instruments=WANTED, silent=st.booleans())
    def refuse(self, name: str, instruments: list[Instrument], silent: bool) -> None:
        keys = [each.key for each in instruments if self.machine.moves.target_of(each.key) == name]
        if self.machine.standing.serves(name):
            self.world.do(self.machine.refused(name, keys, "no", self.world.now(), are_silent=silent))
            self.again(self.machine.refused(name, keys, "no", self.world.now(), are_silent=silent))

    @rule(name=NAMES)
    def be_late(self, name: str) -> None:
        if self.machine.standing.serves(name):
            late = {name: set(self.world.streamed[name])}
            self.world.do(self.machine.tick(late, self.world.now()))

    @rule(name=NAMES, full=st.booleans(), data=st.data())
    def bring(self, name: str, full: bool, data: st.DataObject) -> None:
        """Also messages that are late: of what a broker was told to stop."""
        keys = data.draw(st.lists(st.sampled_from(INSTRUMENTS), max_size=4))
        there = [key for each in keys if (key := self.machine.keys.at(name, each.key)) is not None]
        self.world.quotes(name, there, full=full)

    @rule(instruments=st.lists(st.sampled_from(INSTRUMENTS), max_size=4, unique=True))
    def sample(self, instruments: list[Instrument]) -> None:
        keys = [each.key for each in instruments]
        self.world.do(self.machine.sample(keys, self.world.now()))
        self.again(self.machine.sample(keys, self.world.now()))

    @rule(name=NAMES)
    def prefer(self, name: str) -> None:
        if self.machine.standing.serves(name):
            commands = self.world.do(self.machine.prefer(name, self.world.now()))
            begun = [command for command in commands if isinstance(command, FailoverBegun)]
            assert all(each.failover.to_broker in BROKERS for each in begun)
            self.again(self.machine.prefer(name, self.world.now()))

    @rule(name=NAMES, instrument=st.sampled_from(INSTRUMENTS), there=st.sampled_from([None, "same", "other"]))
    def learn(self, name: str, instrument: Instrument, there: str | None) -> None:
        exchange, token = instrument.key
        keys = {None: None, "same": instrument.key, "other": (exchange, f"{name}{token}")}
        self.machine.keys.learn(name, instrument.key, keys[there])
        # What a master has shown is acted upon with the next arrangement.
        self.world.do(self.machine.begin(self.world.now()))
        self.again(self.machine.begin(self.world.now()))

    @rule(name=NAMES, most=st.integers(1, 4))
    def show_a_limit(self, name: str, most: int) -> None:
        self.machine.caps.learn(name, most, self.world.now_s)
        self.world.do(self.machine.begin(self.world.now()))
        self.again(self.machine.begin(self.world.now()))

    @rule(seconds=st.sampled_from([1.0, 61.0, 1000.0]))
    def wait(self, seconds: float) -> None:
        self.world.now_s += seconds
        self.world.do(self.machine.tick({}, self.world.now()))
        self.again(self.machine.tick({}, self.world.now()))

    @rule()
    def retry(self) -> None:
        self.world.do(
            command
            for command in self.machine.retry_refused(self.world.now())
            if not isinstance(command, AskAgain)
        )
        self.again(self.machine.retry_refused(self.world.now()))

    @precondition(lambda self: not self.machine.standing.is_held)
    @rule()
    def pause(self) -> None:
        self.machine.pause()

    @precondition(lambda self: self.machine.standing.is_held)
    @rule()
    def go_on(self) -> None:
        self.world.do(self.machine.go_on(self.world.now()))
        self.again(self.machine.go_on(self.world.now()))

    @rule(instrument=st.sampled_from(INSTRUMENTS), moves=st.booleans())
    def turn_day(self, instrument: Instrument, moves: bool) -> None:
        key = instrument.key
        index = self.world.store.index_of(key)
        if key not in self.machine.holders.wanted or index is None:
            return
        self.world.store.retire(index)
        self.sources.pop(key, None)
        moved = {key: (self.world.store.register(LATER), LATER)} if moves else {}
        self.world.do(self.machine.turn_day([] if moves else [key], moved, self.world.now()))
        holders = {holder: kind for (holder, held), kind in self.held.items() if held == key}
        self.held = {entry: kind for entry, kind in self.held.items() if entry[1] != key}
        if moves:
            for holder, kind in holders.items():
                self.held.setdefault((holder, LATER.key), kind)

    def source(self, key: InstrumentKey) -> str | None:
        index = self.world.store.index_of(key)
        return None if index is None else self.world.store.source(index)

    def has_room(self, name: str, key: InstrumentKey) -> bool:
        cap, claims = self.machine.caps.of(name), self.machine.wire.claims_of(name)
        return key in claims or cap is None or len(claims) < cap.most

    # What always holds

    @invariant()
    def no_broker_is_asked_for_more_than_it_may_stream(self) -> None:
        for name in BROKERS:
            cap = self.machine.caps.told(name)
            assert cap is None or len(self.machine.wire.claims_of(name)) <= cap.most

    @invariant()
    def brokers_stream_exactly_what_is_claimed(self) -> None:
        for name, streamed in self.world.streamed.items():
            claimed = {
                self.machine.wire.key_at(name, key): kind
                for key, kind in self.machine.wire.claimed(name).items()
            }
            assert streamed == claimed

    @invariant()
    def an_arrangement_that_has_changed_has_another_mark(self) -> None:
        wanted = dict(self.machine.holders.wanted)
        arranged = [(key, kind, self.machine.moves.target_of(key)) for key, kind in wanted.items()]
        mark = self.machine.arrangement
        before, self.arranged = self.arranged, (mark, arranged)
        assert before[0] != mark or before[1] == arranged

    @invariant()
    def counts_are_those_of_what_is_counted(self) -> None:
        for name in BROKERS:
            streamed = self.machine.moves.streamed_by(name)
            assert set(self.machine.moves.exchanges_of(name)) == {exchange for exchange, _ in streamed}

    @invariant()
    def nothing_is_streamed_that_nobody_holds(self) -> None:
        held = {key for _, key in self.held}
        assert set(self.machine.holders.wanted) == held
        if not self.machine.standing.is_held:
            for name in BROKERS:
                assert set(self.machine.wire.claimed(name)) <= held

    @invariant()
    def every_wanted_instrument_is_with_one_broker_or_uncovered(self) -> None:
        if self.machine.standing.is_held:
            return
        uncovered = set(self.machine.uncovered())
        for instrument in (*INSTRUMENTS, LATER):
            key = instrument.key
            if key not in self.machine.holders.wanted:
                continue
            target, source = self.machine.moves.target_of(key), self.source(key)
            claims = [
                name
                for name in BROKERS
                if key in self.machine.wire.claimed(name) and key not in self.machine.probes.of(name)
            ]
            assert set(claims) == {each for each in (target, source) if each is not None}
            able = [
                name
                for name in BROKERS
                if self.machine.standing.serves(name)
                and self.machine.keys.at(name, key) is not None
                and not self.machine.refusals.has(name, key)
                and self.has_room(name, key)
            ]
            if instrument.qualified_name not in uncovered:
                assert source is None or self.machine.standing.serves(source)
            elif able:
                # On its way: a broker that can bring it was asked, and nothing else counts meanwhile.
                assert target in able
                assert key in self.machine.wire.claimed(target)

    @invariant()
    def probes_yield_to_all_else(self) -> None:
        if self.machine.standing.is_held:
            return
        for name in BROKERS:
            probes = self.machine.probes.of(name)
            assert probes <= set(self.machine.probes.sample) & set(self.machine.wire.claimed(name))
            if probes:
                assert self.machine.standing.serves(name)
                assert not self.machine.refusals.count(name)
            cap = self.machine.caps.of(name)
            if cap is not None:
                assert len(probes) <= max(0, cap.most - len(self.machine.wire.claims_of(name)))

    @invariant()
    def what_is_only_compared_is_kept_apart_and_nothing_else(self) -> None:
        for name in self.world.streamed:
            apart = self.machine.wire.probed(name)
            assert {self.machine.wire.key_at(name, key) for key in self.machine.probes.of(name)} <= apart
            counts = set(self.machine.wire.claimed(name)) - self.machine.probes.of(name)
            assert not {self.machine.wire.key_at(name, key) for key in counts} & apart

    @invariant()
    def a_source_that_can_stream_on_is_left_only_for_one_that_streams(self) -> None:
        """A planned move leaves no gap, whatever comes between."""
        for key, broker in self.sources.items():
            if (
                key in self.machine.holders.wanted
                and self.machine.standing.serves(broker)
                and not self.machine.refusals.has(broker, key)
                and self.machine.keys.at(broker, key) is not None
            ):
                source = self.source(key)
                assert source is not None
                assert self.machine.standing.serves(source)
        sources = {key: self.source(key) for key in self.machine.holders.wanted}
        self.sources = {key: source for key, source in sources.items() if source is not None}

    @invariant()
    def the_store_counts_the_source_and_no_other(self) -> None:
        for key in self.machine.holders.wanted:
            source = self.source(key)
            assert source is None or key in self.machine.wire.claimed(source)


class AnySharedHistory(AnyHistory):
    """The same where all brokers share the quotes."""

    is_balanced = True


TestAnySharedHistory = AnySharedHistory.TestCase
TestAnySharedHistory.settings = settings(max_examples=40, stateful_step_count=40, deadline=None)
TestAnyHistory = AnyHistory.TestCase
TestAnyHistory.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)


def test_all_commands_of_a_history_are_sent_again_on_a_new_connection_and_nothing_else() -> None:
    world = World()
    world.up("a")
    world.hold("one", INSTRUMENTS[:3], FeedType.TOUCHLINE)
    world.hold("two", INSTRUMENTS[1:2], FeedType.DEPTH)
    world.do(world.machine.release("one", [INSTRUMENTS[0].key], world.now()))
    before = dict(world.streamed["a"])
    world.down("a")
    commands = world.up("a")
    assert world.streamed["a"] == before
    assert commands == [
        Subscribe("a", (INSTRUMENTS[2].key,), FeedType.TOUCHLINE),
        Subscribe("a", (INSTRUMENTS[1].key,), FeedType.DEPTH),
    ]


def test_a_token_that_another_instrument_has_from_today_on_brings_a_full_quote_of_it() -> None:
    world = World()
    world.up("a")
    old, heir = INSTRUMENTS[:2]
    world.hold("one", [old], FeedType.TOUCHLINE)
    world.hold("one", [heir], FeedType.TOUCHLINE)
    world.quotes("a", [old.key, heir.key], full=True)
    today = Instrument(
        exchange=old.exchange, token=old.token, symbol=heir.symbol, name="S", kind=InstrumentKind.EQUITY
    )
    world.store.retire(0, 1)
    index = world.store.register(today)
    commands = world.do(world.machine.turn_day([old.key], {heir.key: (index, today)}, world.now()))
    assert commands == [AskAgain("a", (old.key,)), Unsubscribe("a", (heir.key,))]
    assert world.store.source(index) is None
    world.quotes("a", [old.key], full=True)
    assert world.store.source(index) == "a"
    assert world.machine.holders.wanted == {today.key: FeedType.TOUCHLINE}
