"""How soon after the faults' end a rule must hold: made of the product's own settings, and of the pauses that
it takes on purpose. Seconds."""

from __future__ import annotations

from dualbroker.chaos.schedule import Schedule
from dualbroker.chaos.troubles import Troubles

__all__ = ["ANSWER_S", "SESSION_TROUBLES", "at_once", "connected_s", "reconciled_s", "streamed_s"]

LONGEST_PAUSE_S = 30.0
"""Between two tries to connect, after many that failed."""
ANSWER_S = 10.0
"""The longest that a connection, a hello or a REST call is waited for."""
LOGIN_PAUSE_S = 60.0
"""Two logins a minute, failed ones among them, and no more."""
REFUSED_PAUSE_S = 120.0
"""A fresh session that is refused is tried again after half a minute, then after one, then two."""
REFUSED_INSTRUMENT_S = 240.0
"""What was not acknowledged is asked for again after a minute, then after two, then four."""
ACKNOWLEDGED_S = 5.0
_REFUSING = frozenset({"unacknowledged", "first_scrips_only", "mute", "heartbeats_only"})
SESSION_TROUBLES = frozenset({"expire_tokens", "refuse_hello", "expired_tokens_accepted", "close"})


def connected_s(schedule: Schedule) -> float:
    """Until every broker that may is connected."""
    troubles = Troubles(schedule)
    bound_s = LONGEST_PAUSE_S + 2 * ANSWER_S
    if (
        any(troubles.had(name, SESSION_TROUBLES) for name in troubles.names)
        or schedule.moment == "tokens die"
    ):
        bound_s += LOGIN_PAUSE_S
    if any(troubles.had(name, {"refuse_hello"}) for name in troubles.names):
        bound_s += REFUSED_PAUSE_S
    return bound_s


def reconciled_s(schedule: Schedule) -> float:
    """Until every broker's books were read after that."""
    # A read that hung when the faults ended, the next one, and its two books.
    return connected_s(schedule) + float(schedule.settings["orders"]["reconcile_every"]) + 2 * ANSWER_S


def streamed_s(schedule: Schedule) -> float:
    """Until every held instrument is streamed by somebody who brings it."""
    liveness = schedule.settings["liveness"]
    bound_s = float(liveness["instrument_silent_after"] + 2 * liveness["probe_every"])
    troubles = Troubles(schedule)
    has_limit = any("most_scrips" in limits for limits in schedule.limits.values())
    if has_limit or any(troubles.had(name, _REFUSING) for name in troubles.names):
        bound_s += REFUSED_INSTRUMENT_S
    return bound_s + connected_s(schedule) + 2 * ACKNOWLEDGED_S + ANSWER_S


def at_once(schedule: Schedule) -> float:
    """At any time."""
    return 0.0
