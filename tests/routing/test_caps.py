"""What a broker streams at most: told or learned, kept to, and said."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dualbroker.errors import SubscriptionLimitError
from dualbroker.manager import WebSocketManager
from dualbroker.routing.caps import FEWEST_REFUSED, LEARNED_FOR_S, Cap, Caps, cap_shown
from tests.simulated import World, eventually, run_world

KEYS = [("NSE", str(number)) for number in range(40)]
NAMES = [
    f"NSE:{name}"
    for name in ("RELIANCE", "TCS", "HDFCBANK", "INFY", "ICICIBANK", "SBIN", "ITC", "AXISBANK", "LT", "NIFTY")
]


def test_a_limit_shows_where_all_that_was_asked_for_last_is_refused() -> None:
    assert cap_shown(KEYS, set(KEYS[30:])) == 30
    assert cap_shown(KEYS, {KEYS[3], *KEYS[30:]}) == 30, "one that nobody streams hides no limit"


@pytest.mark.parametrize(
    "refused",
    [[], KEYS, KEYS[36:], KEYS[:20], [*KEYS[0:30:2], *KEYS[30:]]],
    ids=["nothing", "everything", "a few", "the first", "by chance"],
)
def test_other_refusals_show_no_limit(refused: list[tuple[str, str]]) -> None:
    assert cap_shown(KEYS, set(refused)) is None


@given(st.sets(st.sampled_from(KEYS)))
def test_a_limit_that_shows_is_followed_by_refusals_alone(refused: set[tuple[str, str]]) -> None:
    most = cap_shown(KEYS, refused)
    if most is not None:
        assert set(KEYS[most:]) <= refused
        assert len(KEYS) - most >= FEWEST_REFUSED
        assert KEYS[most - 1] not in refused


def test_what_was_learned_is_doubted_in_time_and_never_outdoes_what_was_told() -> None:
    caps = Caps()
    caps.tell("a", 50, "set")
    caps.tell("b", None, "family")
    caps.learn("a", 100, now_s=0.0)
    caps.learn("b", 100, now_s=0.0)
    assert caps.of("a") == Cap(50, "set")
    assert caps.of("b") == Cap(100, "learned")
    assert not caps.expire(LEARNED_FOR_S - 1)
    assert caps.expire(LEARNED_FOR_S)
    assert caps.of("b") is None
    caps.learn("b", 100, now_s=LEARNED_FOR_S)
    assert not caps.expire(LEARNED_FOR_S * 2.9), "the second time it is believed for longer"
    caps.learn("a", 10, now_s=0.0)
    assert caps.of("a") == Cap(10, "learned")
    caps.forget("a")
    assert caps.of("a") == Cap(50, "set")


def carried(manager: WebSocketManager) -> dict[str, int]:
    """How many instruments each broker is the source of."""
    counts: dict[str, int] = {}
    for key in manager.wanted():
        index = manager.quotes.index_of(key)
        name = None if index is None else manager.quotes.source(index)
        counts[name or "nobody"] = counts.get(name or "nobody", 0) + 1
    return counts


def has_come_to(manager: WebSocketManager, counts: dict[str, int]) -> bool:
    return carried(manager) == counts


def test_what_is_beyond_the_primarys_limit_goes_to_others_and_what_is_beyond_all_is_refused() -> None:
    async def story(world: World) -> None:
        async with world.manager() as manager:
            await manager.subscribe(NAMES[:6])
            await eventually(partial(has_come_to, manager, {"broker1": 4, "broker2": 2}))
            [incident] = manager.incidents.incidents_snapshot()
            assert incident.broker_name == "broker1"
            assert "as many instruments as it may, 4 (set)" in incident.cause
            assert incident.action == "2 more go to other brokers"
            assert sorted({manager.why_source(key) for key in manager.wanted()}) == [
                "broker1 is full, 4 (set)",
                "it carries the quotes",
            ]
            health = manager.health["broker1"]
            assert (health.max_subscriptions, health.max_known_by) == (4, "set")
            with pytest.raises(
                SubscriptionLimitError, match=r"8 instruments.*7: broker1 4 \(set\), broker2 3"
            ):
                await manager.subscribe(NAMES[:8])
            await manager.subscribe(NAMES[:7])
            await eventually(partial(has_come_to, manager, {"broker1": 4, "broker2": 3}))
            world.drop("broker2")
            await eventually(lambda: not manager.serves("broker2"))
            await eventually(lambda: manager.serves("broker2"))
            await eventually(partial(has_come_to, manager, {"broker1": 4, "broker2": 3}))
            await manager.unsubscribe(NAMES[:3])
            await eventually(partial(has_come_to, manager, {"broker1": 4}))

    limits = {"broker1": {"max_subscriptions": 4}, "broker2": {"max_subscriptions": 3}}
    run_world(story, changes=limits, orders_per_minute=0.0)


@pytest.mark.parametrize("fault", ["most_scrips", "first_scrips_only"])
def test_a_limit_is_learned_from_what_a_broker_refuses_and_doubted_in_time(fault: str) -> None:
    async def story(world: World) -> None:
        world.simulation.set_faults("broker1", **{fault: 4})
        async with world.manager() as manager:
            await manager.subscribe(NAMES)
            await eventually(partial(has_come_to, manager, {"broker1": 4, "broker2": 6}), within_s=120)
            health = manager.health["broker1"]
            assert (health.max_subscriptions, health.max_known_by) == (4, "learned")
            assert any("4 instruments at most (learned)" in i.action for i in manager.incidents.incidents)
            await asyncio.sleep(200)
            assert carried(manager) == {"broker1": 4, "broker2": 6}, "it is not asked again and again"
            world.simulation.clear_faults("broker1")
            await asyncio.sleep(LEARNED_FOR_S - 200)
            if fault == "first_scrips_only":
                # What was acknowledged and stayed silent is asked for on the next connection only.
                world.drop("broker1")
            whole = partial(has_come_to, manager, {"broker1": 10})
            await eventually(whole, within_s=LEARNED_FOR_S, look_every_s=1.0)
            assert manager.health["broker1"].max_subscriptions is None

    liveness = {"instrument_silent_after": 10.0}
    run_world(
        story,
        ticks_per_second=20.0,
        orders_per_minute=0.0,
        step_interval_s=1.0,
        liveness=liveness,
        primary="broker1",
    )
