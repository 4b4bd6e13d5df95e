"""Who carries what. Pure decisions from what is known; the manager carries them out."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from enum import StrEnum

import msgspec

from dualbroker.model import InstrumentKey
from dualbroker.stores.stability import Stability

__all__ = [
    "Assignment",
    "LoginOutcome",
    "PrimaryChoice",
    "SourceChoice",
    "assign",
    "choose_primary",
    "choose_source",
    "fair_weight",
    "steady_needed_s",
]

CLEARLY_BETTER = 15.0
"""Points of trouble by which another broker must be ahead before healthy quotes are moved to it."""
STEADY_S = 60.0
"""How long a broker has to be without trouble before quotes are moved to it by choice."""
LONGEST_STEADY_S = 1800.0


class LoginOutcome(StrEnum):
    WAITING = "waiting"
    IN = "in"
    FAILED = "failed"


class PrimaryChoice(msgspec.Struct, frozen=True):
    """The broker that should carry quotes, or None, and why, in words."""

    primary: str | None
    reason: str
    final: bool
    """False: ask again when an outcome changes or the time is up."""


def choose_primary(
    candidates: Sequence[str], outcomes: Mapping[str, LoginOutcome], *, time_is_up: bool
) -> PrimaryChoice:
    """The first broker in file order whose login succeeded, giving each before it until the time is up.

    Parameters
    ----------
    candidates
        Brokers that can carry quotes, in file order.
    outcomes
        Where each one's login stands.
    time_is_up
        True once ``start_timeout`` has passed: then nobody is waited for.
    """
    passed_over: list[str] = []
    for name in candidates:
        outcome = outcomes.get(name, LoginOutcome.WAITING)
        if outcome is LoginOutcome.IN:
            reason = "first in the file" if not passed_over else f"{', '.join(passed_over)} did not log in"
            return PrimaryChoice(name, reason, final=True)
        if outcome is LoginOutcome.WAITING and not time_is_up:
            return PrimaryChoice(None, f"waiting for {name}", final=False)
        passed_over.append(name)
    still_waiting = any(
        outcomes.get(name, LoginOutcome.WAITING) is LoginOutcome.WAITING for name in candidates
    )
    if not candidates:
        return PrimaryChoice(None, "no enabled broker has a socket for quotes", final=True)
    return PrimaryChoice(None, "no broker has logged in", final=not still_waiting)


class SourceChoice(msgspec.Struct, frozen=True):
    """Who should carry quotes from now on, or None where nobody can, and why, in words."""

    primary: str | None
    reason: str


def choose_source(
    brokers: Sequence[Stability], current: str | None, *, preferred: str | None = None
) -> SourceChoice:
    """Whether quotes should move, from what was measured in the sliding window.

    A broker that serves is left only for a good reason, so that quotes do not swing: the preferred one has
    been steady again for long enough (twice as long with each failover away from it), or, where none is
    preferred, another one is clearly better and steady.

    Parameters
    ----------
    brokers
        In file order.
    current
        Who carries quotes now.
    preferred
        To whom they return; None leaves the choice to the measurements.
    """
    by_name = {broker.name: broker for broker in brokers}
    serving = [broker for broker in brokers if broker.is_serving]
    now = by_name.get(current or "")
    if now is None or not now.is_serving:
        if not serving:
            return SourceChoice(current, "no other broker can carry them")
        best = min(serving, key=lambda broker: (broker.name != preferred, broker.trouble))
        why = "the first that serves" if now is None else f"{now.name}: {now.why_not}"
        return SourceChoice(best.name, why)
    if preferred is not None:
        wanted = by_name.get(preferred)
        if wanted is None or wanted is now or not wanted.is_serving:
            return SourceChoice(now.name, "it serves")
        needed_s = steady_needed_s(wanted)
        if wanted.steady_s < needed_s:
            words = f"{preferred} has been steady for {wanted.steady_s:.0f} of {needed_s:.0f} s"
            return SourceChoice(now.name, words)
        return SourceChoice(preferred, f"{preferred} is preferred, and steady for {wanted.steady_s:.0f} s")
    others = [
        broker for broker in serving if broker is not now and broker.steady_s >= steady_needed_s(broker)
    ]
    if others:
        best = min(others, key=lambda broker: broker.trouble)
        if best.trouble + CLEARLY_BETTER < now.trouble:
            return SourceChoice(best.name, f"{now.name} {now.words}")
    return SourceChoice(now.name, "it serves")


def steady_needed_s(broker: Stability) -> float:
    """How long a broker has to be steady before quotes return to it, the longer the oftener it failed."""
    return min(LONGEST_STEADY_S, STEADY_S * 2.0 ** max(0, broker.failures - 1))


def fair_weight(broker: Stability) -> float:
    """How much of the load a broker should carry beside others: from 1, without trouble, down to a quarter.

    In quarters, so that a millisecond more or less moves nothing; 0 where it had trouble and has not been
    steady for long enough since.
    """
    had_trouble = broker.disconnects or broker.stales or broker.failures
    if had_trouble and broker.steady_s < steady_needed_s(broker):
        return 0.0
    return max(0.25, round(4.0 / (1.0 + broker.trouble / CLEARLY_BETTER)) / 4.0)


class Assignment(msgspec.Struct):
    """Who should stream what."""

    targets: dict[InstrumentKey, str | None]
    """None: nobody can, or would."""
    passed_on: dict[str, int]
    """By broker that is full: how many instruments it would have, and has no room for."""


def assign(
    wanted: Iterable[InstrumentKey],
    primary: str | None,
    serving: Sequence[str],
    refused: Mapping[str, Collection[InstrumentKey]],
    caps: Mapping[str, int] | None = None,
    claimed: Mapping[str, Collection[InstrumentKey]] | None = None,
) -> Assignment:
    """Who should stream each instrument: the primary, or the first other broker that takes it and has room.

    What a broker with a limit streams stays there; then come those that nobody streams.

    Parameters
    ----------
    primary
        Who carries quotes.
    serving
        Brokers that can, best first.
    refused
        By broker: what it does not know, has not acknowledged, or leaves silent.
    caps
        By broker with a limit: how many instruments it may stream.
    claimed
        By broker: what it streams, is about to, or has not left yet: until it has, that takes up its room.
    """
    caps, claimed = caps or {}, claimed or {}
    order = sorted(serving, key=lambda name: name != primary)
    left = list(wanted)
    targets: dict[InstrumentKey, str | None] = dict.fromkeys(left)
    passed_on: dict[str, int] = {}
    for name in order:
        not_here = refused.get(name)
        takes = left if not not_here else [key for key in left if key not in not_here]
        if name in caps:
            here = claimed.get(name, ())
            staying = [key for key in takes if key in here][: caps[name]]
            coming = [key for key in takes if key not in here]
            free = max(0, caps[name] - len(here))
            if len(coming) > free:
                coming.sort(key=lambda key: any(key in claimed.get(each, ()) for each in order))
            if passed := len(takes) - len(staying) - min(free, len(coming)):
                passed_on[name] = passed
            takes = [*staying, *coming[:free]]
        for key in takes:
            targets[key] = name
        if len(takes) == len(left):
            break
        left = [key for key in left if targets[key] is None]
    return Assignment(targets, passed_on)
