"""What is streamed only to be compared: it yields, and it never stands in a failover's way."""

from __future__ import annotations

from collections.abc import Sequence

from dualbroker.model import FeedType
from dualbroker.routing.commands import AskAgain, Command, Subscribe, Unsubscribe
from dualbroker.routing.wire import Purpose, Wire

from .test_machine import INSTRUMENTS, World

KEYS = [each.key for each in INSTRUMENTS]


def sampled_world(brokers: Sequence[str] = ("a", "b")) -> World:
    """``a`` streams all, and all others probe all of it."""
    world = World()
    for name in brokers:
        world.up(name)
        for key in KEYS:
            world.machine.keys.learn(name, key, key)
    world.hold("one", INSTRUMENTS, FeedType.TOUCHLINE)
    world.quotes("a", KEYS, full=True)
    sample(world, KEYS)
    return world


def sample(world: World, keys: Sequence[tuple[str, str]]) -> list[Command]:
    return world.do(world.machine.sample(keys, world.now()))


def test_every_other_broker_streams_the_sample_and_the_source_stays_one() -> None:
    world = sampled_world(("a", "b", "c"))
    assert world.machine.wire.probed("b") == world.machine.wire.probed("c") == set(KEYS)
    assert world.machine.wire.probed("a") == set()
    assert [world.store.source(index) for index in range(4)] == ["a"] * 4
    assert world.machine.role("b").value == "orders only"
    assert sample(world, []) == [Unsubscribe("b", tuple(KEYS)), Unsubscribe("c", tuple(KEYS))]


def test_an_instrument_that_a_brokers_own_master_has_not_shown_is_not_probed_there() -> None:
    world = World()
    world.up("a")
    world.up("b")
    world.hold("one", INSTRUMENTS, FeedType.TOUCHLINE)
    world.quotes("a", KEYS, full=True)
    world.machine.keys.learn("b", KEYS[0], ("NSE", "77"))
    world.machine.keys.learn("b", KEYS[1], None)
    assert sample(world, KEYS) == [Subscribe("b", (("NSE", "77"),), FeedType.TOUCHLINE)]


def test_a_source_that_dies_with_every_instrument_sampled_is_replaced_by_forced_full_quotes() -> None:
    world = sampled_world()
    world.down("a")
    commands = world.do([])
    assert world.machine.wire.probed("b") == set()
    assert [world.machine.moves.target_of(key) for key in KEYS] == ["b"] * 4
    # Ticks of the probe that come before the full quotes are nobody's fault.
    world.quotes("b", KEYS, full=False)
    assert world.store.stray_count == 0
    commands = world.quotes("b", KEYS, full=True)
    assert [world.store.source(index) for index in range(4)] == ["b"] * 4
    assert not any(isinstance(command, Subscribe | Unsubscribe) for command in commands)
    commands = world.up("a")
    assert Subscribe("a", tuple(KEYS), FeedType.TOUCHLINE) in commands, "it is the one that is compared now"
    assert world.machine.wire.probed("a") == set(KEYS)


def test_a_source_claim_on_what_is_probed_asks_for_a_full_quote() -> None:
    world = sampled_world()
    world.streamed.pop("a")
    commands = world.do(world.machine.broker_down("a", "reset", world.health["a"].state, world.now()))
    assert [each for each in commands if isinstance(each, AskAgain | Subscribe)] == [
        AskAgain("b", tuple(KEYS))
    ]


def test_the_end_of_a_hand_over_does_not_end_the_probe_at_the_broker_that_is_left() -> None:
    world = sampled_world()
    commands = world.do(world.machine.prefer("b", world.now()))
    commands += world.quotes("b", KEYS, full=True)
    assert [world.store.source(index) for index in range(4)] == ["b"] * 4
    assert not any(isinstance(command, Unsubscribe) for command in commands)
    assert world.machine.wire.probed("a") == set(KEYS)
    assert set(world.streamed["a"]) == set(KEYS)


def test_probes_make_room_before_a_source_needs_it() -> None:
    world = World()
    world.up("a")
    world.up("b")
    for key in KEYS:
        world.machine.keys.learn("b", key, key)
    world.hold("one", INSTRUMENTS[:3], FeedType.TOUCHLINE)
    world.quotes("a", KEYS[:3], full=True)
    world.machine.caps.tell("b", 2, "set")
    sample(world, KEYS[:3])
    assert world.machine.wire.probed("b") == set(KEYS[:2])
    world.machine.keys.learn("a", KEYS[3], None)
    commands = world.hold("two", INSTRUMENTS[3:], FeedType.TOUCHLINE)
    assert commands == [Unsubscribe("b", (KEYS[1],)), Subscribe("b", (KEYS[3],), FeedType.TOUCHLINE)]


def test_a_broker_that_leaves_a_source_unserved_has_no_probes() -> None:
    world = sampled_world(("a", "b", "c"))
    world.machine.keys.learn("a", KEYS[0], None)
    world.do(world.machine.begin(world.now()))
    assert world.machine.moves.target_of(KEYS[0]) == "b"
    world.do(world.machine.refused("b", [KEYS[0]], "no", world.now()))
    assert world.machine.probes.of("b") == set()
    assert world.machine.probes.of("c") == set(KEYS) - {KEYS[0]}


def test_a_probe_that_is_not_acknowledged_refuses_nothing() -> None:
    world = sampled_world()
    assert world.do(world.machine.tick({"b": set(KEYS)}, world.now())) == []
    assert world.machine.refusals.count("b") == 0


def test_what_is_still_on_its_way_when_a_probe_ends_stays_apart() -> None:
    wire = Wire()
    wire.add_broker("a")
    wire.connected("a")
    key = KEYS[0]
    wire.claim("a", key, key, Purpose.PROBE, FeedType.TOUCHLINE)
    wire.difference()
    wire.release("a", key, Purpose.PROBE)
    assert wire.difference() == [Unsubscribe("a", (key,))]
    assert wire.probed("a") == {key}
    wire.claim("a", key, key, Purpose.SOURCE, FeedType.TOUCHLINE)
    assert wire.probed("a") == set()
    wire.release("a", key, Purpose.SOURCE)
    wire.disconnected("a")
    assert wire.probed("a") == set()
