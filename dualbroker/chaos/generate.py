"""From a seed to a schedule. Pure: the same seed gives the same schedule anywhere, and nothing runs yet."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from dualbroker.chaos.market import small_universe
from dualbroker.chaos.schedule import ALL_BROKERS, Event, Fault, OneOff, Schedule, UserAction
from dualbroker.model import InstrumentKind

__all__ = ["generate_schedule"]

_DAYS = ("2026-03-10", "2026-03-11", "2026-03-12", "2026-07-14", "2026-07-15", "2026-09-22", "2026-09-24")
"""Trading days all, expiries of NIFTY (Tuesday) and SENSEX (Thursday) among them."""

_MOMENTS: Mapping[str, tuple[str, int]] = {
    # name: time of day, weight
    "session": ("10:00:00", 52),
    "open": ("09:13:30", 14),
    "close": ("15:28:30", 8),
    "midnight": ("23:58:00", 8),
    "tokens die": ("02:58:30", 8),
    "day's turn": ("08:28:30", 10),
}
_SETTLED_S = 6.0
"""Before that nothing goes wrong: a start among faults is a start that fails, which other tests show."""
_START_AMONG_FAULTS = 0.15
_SHORTEST_PHASE_S, _LONGEST_PHASE_S = 50.0, 120.0
_HAS_LIMIT = 0.15
_BALANCED = 0.2
_HOLDERS = ("anna", "ben", "cook")

Dice = random.Random
Switches = Callable[[Dice], dict[str, Any]]

_FAULTS: Mapping[str, tuple[int, Switches]] = {
    "refuse": (6, lambda dice: {"refuse": True}),
    "black_hole": (8, lambda dice: {"black_hole": True}),
    "mute": (8, lambda dice: {"mute": True}),
    "heartbeats_only": (8, lambda dice: {"heartbeats_only": True}),
    "quotes_silent": (8, lambda dice: {"quotes_silent": True}),
    "refuse_hello": (3, lambda dice: {"refuse_hello": True}),
    "delay": (5, lambda dice: {"delay_s": round(dice.uniform(0.05, 3.0), 2)}),
    "burst": (4, lambda dice: {"burst_s": round(dice.uniform(0.2, 2.5), 2)}),
    "duplicate_orders": (4, lambda dice: {"duplicate_orders": _share(dice)}),
    "reorder_orders": (5, lambda dice: {"reorder_orders": _share(dice)}),
    "drop_orders": (6, lambda dice: {"drop_orders": _share(dice)}),
    "muddled_orders": (
        4,
        lambda dice: {
            "duplicate_orders": _share(dice),
            "reorder_orders": _share(dice),
            "drop_orders": _share(dice),
        },
    ),
    "unacknowledged": (4, lambda dice: {"unacknowledged": _share(dice)}),
    "first_scrips_only": (3, lambda dice: {"first_scrips_only": dice.randint(1, 25)}),
    "expired_tokens_accepted": (3, lambda dice: {"expired_tokens_accepted": True}),
    "rest_html_502": (4, lambda dice: {"rest_html_502": True}),
    "rest_hangs": (4, lambda dice: {"rest_hangs": True}),
    "rate_limit": (2, lambda dice: {"rate_limit_per_minute": dice.randint(2, 30)}),
    "wrong_quotes": (3, lambda dice: {"wrong_quotes": _share(dice)}),
    "no_data": (4, lambda dice: {"no_data": True}),
    "clock_skew": (3, lambda dice: {"clock_skew_s": round(dice.choice((-1, 1)) * dice.uniform(1, 90), 1)}),
}

_MILD_FAULTS: Mapping[str, Switches] = {
    # What no client can notice from outside: it must cost nothing but what it takes away.
    "coarse": lambda dice: {
        "conflate_s": round(dice.uniform(0.2, 1.5), 2),
        "conflate_phase": round(dice.random(), 2),
    },
    "skip_quotes": lambda dice: {"skip_quotes": _share(dice) / 2},
    "desk_reads_fail": lambda dice: {"desk_reads_fail": _share(dice)},
    "garbled_positions": lambda dice: {"garbled_positions": _share(dice)},
    "stale_positions": lambda dice: {"stale_positions": True},
}
_HAS_MILD_FAULTS = 0.25

_ONE_OFFS: Mapping[str, tuple[int, Callable[[Dice], dict[str, Any]]]] = {
    "close": (
        12,
        lambda dice: {
            "action": "close",
            "code": dice.choice((1001, 1008, 1011, 1012, 1013, 4001)),
            "reason": "by chance",
        },
    ),
    "reset": (10, lambda dice: {"action": "reset"}),
    "half_frame": (5, lambda dice: {"action": "half_frame"}),
    "garbage": (5, lambda dice: {"action": "garbage"}),
    "oversized": (3, lambda dice: {"action": "oversized"}),
    "evict": (3, lambda dice: {"action": "evict"}),
    "expire_tokens": (6, lambda dice: {"action": "expire_tokens"}),
}


def generate_schedule(seed: int) -> Schedule:
    """The schedule of that seed."""
    dice = random.Random(f"chaos/{seed}")
    brokers = dice.choices((2, 3, 4), weights=(45, 35, 20))[0]
    names = [f"broker{number + 1}" for number in range(brokers)]
    moment = dice.choices(list(_MOMENTS), weights=[weight for _, weight in _MOMENTS.values()])[0]
    start = f"{dice.choice(_DAYS)}T{_MOMENTS[moment][0]}"
    shortest = _SHORTEST_PHASE_S if moment == "session" else _LONGEST_PHASE_S
    faults_end_s = round(dice.uniform(shortest, _LONGEST_PHASE_S + 20), 1)
    pool = _instrument_names(dice, start)
    first_s = 0.0 if dice.random() < _START_AMONG_FAULTS else _SETTLED_S
    events: list[Event] = [
        *_faults(dice, names, first_s, faults_end_s),
        *_one_offs(dice, names, first_s, faults_end_s),
        *_user_actions(dice, names, pool, faults_end_s),
    ]
    events += _mild_faults(random.Random(f"chaos/{seed}/mild"), names, first_s, faults_end_s)
    events.sort(key=lambda event: event.at_s)
    broker_settings, limits = _broker_settings(dice, names, pool)
    _limit_subscriptions(random.Random(f"chaos/{seed}/limits"), names, broker_settings, limits)
    return Schedule(
        seed=seed,
        start=start,
        moment=moment,
        brokers=brokers,
        faults_end_s=faults_end_s,
        events=tuple(events),
        settings=_settings(dice, names, pool, broker_settings)
        | ({"quotes": "balanced"} if random.Random(f"chaos/{seed}/quotes").random() < _BALANCED else {}),
        broker_settings=broker_settings,
        limits=limits,
        tokens_die=dice.choice(("close", "close", "mute")),
        ticks_per_second=float(dice.randint(10, 20)),
        orders_per_minute=float(dice.choice((6, 15, 30))),
        latency_s=round(dice.uniform(0.001, 0.03), 4),
        rest_jitter_s=round(dice.uniform(0.0, 0.4), 3),
    )


def _share(dice: Dice) -> float:
    return round(dice.choice((0.1, 0.3, 0.6, 1.0)), 2)


def _instrument_names(dice: Dice, start: str) -> list[str]:
    """Two or three dozen names, of every kind and exchange."""
    universe = small_universe(datetime.fromisoformat(start).date())
    by_kind: dict[InstrumentKind, list[str]] = {}
    for item in universe.instruments:
        # BSE's symbol master lists no indices.
        if item.exchange != "BSE" or item.kind is not InstrumentKind.INDEX:
            by_kind.setdefault(item.kind, []).append(item.qualified_name)
    counts = {
        InstrumentKind.INDEX: dice.randint(1, 3),
        InstrumentKind.EQUITY: dice.randint(4, 12),
        InstrumentKind.FUTURE: dice.randint(1, 3),
        InstrumentKind.OPTION: dice.randint(6, 20),
    }
    chosen = [name for kind, count in counts.items() for name in dice.sample(by_kind[kind], count)]
    dice.shuffle(chosen)
    return chosen


def _settings(
    dice: Dice, names: Sequence[str], pool: Sequence[str], broker_settings: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    streaming = [name for name in names if broker_settings.get(name, {}).get("orders") != "poll"]
    return {
        "primary": dice.choice(streaming) if dice.random() < 0.3 else "auto",
        "subscribe": list(pool[: dice.randint(2, max(3, len(pool) // 2))]),
        "start_timeout": 5.0,
        "orders": {"reconcile_every": float(dice.choice((10, 15, 20, 30)))},
        "liveness": {
            "ping_every": float(dice.choice((2, 3, 5))),
            "pong_within": float(dice.choice((2, 4))),
            "heartbeat_every": float(dice.choice((3, 5))),
            "heartbeat_within": float(dice.choice((4, 6))),
            "quotes_silent_after": float(dice.choice((3, 5))),
            "instrument_silent_after": float(dice.choice((15, 25))),
            "probe_every": float(dice.choice((2, 3))),
        },
    }


def _broker_settings(
    dice: Dice, names: Sequence[str], pool: Sequence[str]
) -> tuple[dict[str, dict[str, Any]], dict[str, dict[str, Any]]]:
    """What sets one broker apart for good: polled, wrong password, fewer instruments, slower chunks."""
    settings: dict[str, dict[str, Any]] = {name: {} for name in names}
    limits: dict[str, dict[str, Any]] = {}
    spare = list(names)
    dice.shuffle(spare)
    if dice.random() < 0.06:
        settings[spare.pop()] = {"orders": "poll", "poll_every": 3.0}
    elif dice.random() < 0.06:
        settings[spare.pop()] = {"password": "not the right one"}
    if len(spare) > 1 and dice.random() < 0.1:
        symbols = [name.partition(":")[2] for name in dice.sample(list(pool), dice.randint(1, 4))]
        limits[spare[-1]] = {"lacks": sorted(symbols)}
    for name in names:
        if dice.random() < 0.25:
            settings[name] |= {"subscribe_chunk": dice.choice((3, 10)), "chunk_pause": 0.05}
        settings[name] |= {"requests_per_second": 10, "requests_per_minute": 120}
    return settings, limits


def _limit_subscriptions(
    dice: Dice,
    names: Sequence[str],
    broker_settings: Mapping[str, dict[str, Any]],
    limits: dict[str, dict[str, Any]],
) -> None:
    """Now and then one broker streams a few instruments at most: the client knows it, or has to learn it."""
    if dice.random() >= _HAS_LIMIT:
        return
    name, most = dice.choice(list(names)), dice.randint(2, 15)
    is_known = dice.random() < 0.5
    if is_known:
        broker_settings[name]["max_subscriptions"] = most
    if not is_known or dice.random() < 0.5:
        limits.setdefault(name, {})["most_scrips"] = most


def _faults(dice: Dice, names: Sequence[str], first_s: float, end_s: float) -> list[Fault]:
    kinds = list(_FAULTS)
    weights = [weight for weight, _ in _FAULTS.values()]
    found = []
    for _ in range(dice.randint(1, 8)):
        at_s = round(dice.uniform(first_s, end_s - 4.0), 2)
        lasts_s = round(min(dice.choice((3.0, 8.0, 20.0, 45.0)) * dice.uniform(0.5, 1.5), end_s - at_s), 2)
        kind = dice.choices(kinds, weights=weights)[0]
        found.append(
            Fault(at_s=at_s, lasts_s=lasts_s, broker=_whom(dice, names), switches=_FAULTS[kind][1](dice))
        )
    return found


def _mild_faults(dice: Dice, names: Sequence[str], first_s: float, end_s: float) -> list[Fault]:
    if dice.random() >= _HAS_MILD_FAULTS:
        return []
    found = []
    for _ in range(dice.randint(1, 3)):
        at_s = round(dice.uniform(first_s, end_s - 4.0), 2)
        lasts_s = round(min(dice.uniform(5.0, 45.0), end_s - at_s), 2)
        switches = _MILD_FAULTS[dice.choice(list(_MILD_FAULTS))](dice)
        found.append(Fault(at_s=at_s, lasts_s=lasts_s, broker=_whom(dice, names), switches=switches))
    return found


def _one_offs(dice: Dice, names: Sequence[str], first_s: float, end_s: float) -> list[OneOff]:
    kinds = list(_ONE_OFFS)
    weights = [weight for weight, _ in _ONE_OFFS.values()]
    found = []
    for _ in range(dice.randint(0, 6)):
        kind = dice.choices(kinds, weights=weights)[0]
        broker = dice.choice(list(names)) if kind == "evict" else _whom(dice, names)
        at_s = round(dice.uniform(first_s, end_s - 1.0), 2)
        found.append(OneOff(at_s=at_s, broker=broker, **_ONE_OFFS[kind][1](dice)))
    return found


def _whom(dice: Dice, names: Sequence[str]) -> str:
    """The first broker, which carries quotes at the start, more often than the others; now and then all."""
    if dice.random() < 0.08:
        return ALL_BROKERS
    return dice.choices(list(names), weights=[2, *[1] * (len(names) - 1)])[0]


def _user_actions(dice: Dice, names: Sequence[str], pool: Sequence[str], end_s: float) -> list[UserAction]:
    found = [
        UserAction(
            at_s=round(dice.uniform(0.5, 4.0), 2),
            action="subscribe",
            holder=_HOLDERS[0],
            names=tuple(dice.sample(list(pool), max(1, len(pool) // 2))),
        )
    ]
    for _ in range(dice.randint(2, 9)):
        at_s = round(dice.uniform(2.0, end_s - 1.0), 2)
        action = dice.choices(
            ("subscribe", "unsubscribe", "release", "set_quote_source", "reconcile"),
            weights=(8, 6, 1, 4, 2),
        )[0]
        if action == "set_quote_source":
            found.append(UserAction(at_s=at_s, action="set_quote_source", broker=dice.choice(list(names))))
        elif action == "reconcile":
            found.append(UserAction(at_s=at_s, action="reconcile"))
        elif action == "release":
            found.append(UserAction(at_s=at_s, action="release", holder=dice.choice(_HOLDERS)))
        elif action == "subscribe":
            found.append(
                UserAction(
                    at_s=at_s,
                    action="subscribe",
                    holder=dice.choice(_HOLDERS),
                    names=tuple(dice.sample(list(pool), dice.randint(1, 6))),
                    depth=dice.random() < 0.25,
                )
            )
        else:
            found.append(
                UserAction(
                    at_s=at_s,
                    action="unsubscribe",
                    holder=dice.choice(_HOLDERS),
                    names=tuple(dice.sample(list(pool), dice.randint(1, 6))),
                )
            )
    return found
