"""Who carries what. Pure decisions from what is known; the manager carries them out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum

import msgspec

__all__ = ["LoginOutcome", "PrimaryChoice", "choose_primary"]


class LoginOutcome(StrEnum):
    WAITING = "waiting"
    IN = "in"
    FAILED = "failed"


class PrimaryChoice(msgspec.Struct, frozen=True):
    """The broker that shall carry quotes, or None, and why, in words."""

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
