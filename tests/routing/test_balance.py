"""Sharing the quotes out: complete, within limits, and nothing moves without a reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from dualbroker.model import InstrumentKey
from dualbroker.routing.balance import Balance, Carrier, balance, fair_shares

Groups = dict[str, list[InstrumentKey]]
NAMES = ("a", "b", "c")


@st.composite
def groups_of_some(draw: st.DrawFn) -> Groups:
    sizes = draw(st.lists(st.integers(1, 9), max_size=12))
    return {f"g{n}": [("NFO", f"{n}.{m}") for m in range(size)] for n, size in enumerate(sizes)}


@st.composite
def carriers_for(draw: st.DrawFn, groups: Groups) -> list[Carrier]:
    keys = [key for members in groups.values() for key in members]
    some = st.frozensets(st.sampled_from(keys), max_size=6) if keys else st.just(frozenset())
    return [
        Carrier(
            name=name,
            weight=draw(st.sampled_from([0.0, 0.25, 0.5, 1.0, 1.0])),
            most=draw(st.none() | st.integers(1, 30)),
            cannot=draw(some),
        )
        for name in draw(st.lists(st.sampled_from(NAMES), unique=True))
    ]


@st.composite
def scenes(draw: st.DrawFn) -> tuple[Groups, dict[InstrumentKey, str], list[Carrier]]:
    groups = draw(groups_of_some())
    keys = [key for members in groups.values() for key in members]
    carried = {key: draw(st.sampled_from([None, *NAMES])) for key in keys}
    current = {key: name for key, name in carried.items() if name is not None}
    return groups, current, draw(carriers_for(groups))


def loads(targets: Mapping[InstrumentKey, str | None]) -> Counter[str]:
    return Counter(name for name in targets.values() if name is not None)


def after(done: Balance) -> dict[InstrumentKey, str]:
    return {key: name for key, name in done.targets.items() if name is not None}


@given(scenes(), st.none() | st.integers(0, 10))
def test_every_instrument_has_one_carrier_that_takes_it_or_none_has_room(
    scene: tuple[Groups, dict[InstrumentKey, str], list[Carrier]], limit: int | None
) -> None:
    groups, current, carriers = scene
    done = balance(groups, current, carriers, move_limit=limit)
    assert list(done.targets) == [key for members in groups.values() for key in members]
    by_name = {carrier.name: carrier for carrier in carriers}
    load = loads(done.targets)
    leaving = Counter(current[key] for key in done.moved)
    for name, carrier in by_name.items():
        # What leaves a broker takes up its room until another one has it.
        assert carrier.most is None or load[name] + leaving[name] <= max(carrier.most, 0)
    for key, target in done.targets.items():
        if target is not None:
            assert key not in by_name[target].cannot
            continue
        for carrier in carriers:
            has_room = carrier.most is None or load[carrier.name] + leaving[carrier.name] < carrier.most
            assert key in carrier.cannot or not has_room


@given(scenes())
def test_what_is_balanced_is_left_alone(
    scene: tuple[Groups, dict[InstrumentKey, str], list[Carrier]],
) -> None:
    groups, current, carriers = scene
    done = balance(groups, current, carriers, move_limit=None)
    for _ in range(5):
        # What was about to leave a broker has left: there may be room for one more move.
        again = balance(groups, after(done), carriers, move_limit=None)
        if not again.moved and not again.placed:
            break
        done = again
    again = balance(groups, after(done), carriers, move_limit=None)
    assert not again.moved
    assert again.targets == done.targets


@given(scenes())
def test_nothing_that_is_carried_well_moves_unless_moves_are_allowed(
    scene: tuple[Groups, dict[InstrumentKey, str], list[Carrier]],
) -> None:
    groups, current, carriers = scene
    done = balance(groups, current, carriers)
    assert not done.moved
    by_name = {carrier.name: carrier for carrier in carriers}
    before = loads(current)
    for key, name in current.items():
        carrier = by_name.get(name)
        fits = carrier is not None and (carrier.most is None or before[name] <= carrier.most)
        if carrier is not None and fits and key not in carrier.cannot:
            assert done.targets[key] == name


@given(scenes(), st.sampled_from(NAMES))
def test_a_dead_broker_moves_only_its_own(
    scene: tuple[Groups, dict[InstrumentKey, str], list[Carrier]], dead: str
) -> None:
    groups, current, carriers = scene
    before = after(balance(groups, current, carriers, move_limit=None))
    alive = [carrier for carrier in carriers if carrier.name != dead]
    done = balance(groups, before, alive)
    for key, name in before.items():
        if name != dead:
            assert done.targets[key] == name


@given(groups_of_some(), st.integers(1, 10))
def test_no_more_move_than_may_and_a_larger_group_moves_alone(groups: Groups, limit: int) -> None:
    current = {key: "a" for members in groups.values() for key in members}
    done = balance(groups, current, [Carrier("a"), Carrier("b"), Carrier("c")], move_limit=limit)
    groups_moved = {group for group, members in groups.items() for key in members if key in done.moved}
    assert len(done.moved) <= limit or len(groups_moved) == 1


@given(groups_of_some(), st.lists(st.sampled_from([0.5, 1.0]), min_size=3, max_size=3))
def test_without_limits_whole_groups_are_shared_out_as_evenly_as_their_sizes_allow(
    groups: Groups, weights: Sequence[float]
) -> None:
    assume(groups)
    carriers = [Carrier(name, weight) for name, weight in zip(NAMES, weights, strict=True)]
    done = balance(groups, {}, carriers, move_limit=None)
    assert not done.split
    load = loads(done.targets)
    largest = max(map(len, groups.values()))
    for name, share in fair_shares(sum(load.values()), carriers).items():
        assert load[name] <= share + 2 * largest
    for members in groups.values():
        assert len({done.targets[key] for key in members}) == 1


def test_a_group_above_every_limit_is_split_and_the_nearest_to_the_money_stay_together() -> None:
    strikes = [("NFO", str(strike)) for strike in range(100, 110)]

    def nearest(keys: Sequence[InstrumentKey]) -> list[InstrumentKey]:
        return sorted(keys, key=lambda key: abs(int(key[1]) - 105))

    done = balance(
        {"NIFTY": strikes}, {}, [Carrier("a", most=4), Carrier("b", most=7)], nearest_first=nearest
    )
    assert loads(done.targets) == {"a": 3, "b": 7}
    assert {int(key[1]) for key, name in done.targets.items() if name == "b"} == set(range(102, 109))
    assert done.split == {"NIFTY": "no broker takes all 10 of its group; 7 of them fit here"}
    joined = balance({"NIFTY": strikes}, after(done), [Carrier("a", most=4), Carrier("b")], move_limit=5)
    assert set(joined.targets.values()) == {"b"}
    assert set(joined.moved.values()) == {"joins the 10 of its group, which fit there by now"}


def test_a_broker_of_low_standing_keeps_what_it_has_and_is_given_nothing_more() -> None:
    groups = {"g": [("NSE", "1")], "h": [("NSE", "2")]}
    done = balance(groups, {("NSE", "1"): "a"}, [Carrier("a", weight=0.0), Carrier("b")], move_limit=None)
    assert done.targets == {("NSE", "1"): "a", ("NSE", "2"): "b"}
    alone = balance(groups, {}, [Carrier("a", weight=0.0)])
    assert loads(alone.targets) == {"a": 2}, "nobody else takes it"


def test_the_share_of_a_full_broker_is_spread_over_the_others() -> None:
    carriers = [Carrier("a", most=10), Carrier("b", weight=2.0), Carrier("c"), Carrier("d", weight=0.0)]
    assert fair_shares(100, carriers) == {"a": 10.0, "b": 60.0, "c": 30.0, "d": 0.0}
    assert fair_shares(8, [Carrier("a", most=3), Carrier("b", most=4)]) == {"a": 3.0, "b": 4.0}


@settings(max_examples=20)
@given(st.integers(1, 3))
def test_all_at_one_broker_is_shared_out_in_the_end(limit: int) -> None:
    groups = {f"g{n}": [("NSE", str(n))] for n in range(12)}
    current = {key: "a" for members in groups.values() for key in members}
    carriers = [Carrier(name) for name in NAMES]
    for _ in range(12):
        current = after(balance(groups, current, carriers, move_limit=limit))
    assert loads(current) == {"a": 4, "b": 4, "c": 4}
