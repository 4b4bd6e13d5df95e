"""One message for each cause: conditions that begin and end, and events that come in swarms. Pure."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping

import msgspec

from dualbroker.stores.alerts import Alert, AlertState

__all__ = ["AlertEngine", "Cause", "Condition"]

Cause = Hashable
"""What it is about: a rule and its broker, or its instrument."""

EVENT_WINDOW_S = 60.0
"""Of events of one cause, the first is told at once and those of the next minute together."""
CALM_S = 5.0
"""A condition is over once it has not held for so long."""
RAISED_AGAIN_AFTER_S = 60.0
"""One that comes and goes is told of at most so often."""


class Condition(msgspec.Struct, frozen=True):
    """What holds now."""

    rule: str
    words: str
    over: str
    """What is said when it holds no longer."""
    broker_name: str | None = None
    symbol: str | None = None
    after_s: float = 0.0
    """It has to hold for so long before anybody is told."""


class _Known(msgspec.Struct):
    """A condition that has been seen."""

    condition: Condition
    since_s: float
    held_s: float
    """When it was last seen to hold."""
    raised: bool = False
    resolved_s: float | None = None


class _Swarm(msgspec.Struct):
    """Events of one cause within the window."""

    began_s: float
    newest: Alert | None = None
    held_back: int = 0


class AlertEngine:
    """Decides what is told and when. Seconds are of any clock that never runs back."""

    def __init__(self) -> None:
        self._known: dict[Cause, _Known] = {}
        self._swarms: dict[Cause, _Swarm] = {}

    @property
    def raised(self) -> list[Condition]:
        """What has been told of and is not over."""
        return [known.condition for known in self._known.values() if known.raised]

    def observe(
        self, now_s: float, holding: Mapping[Cause, Condition], unknown: Collection[Cause] = ()
    ) -> list[Alert]:
        """Take in what holds at this moment.

        Parameters
        ----------
        unknown
            Causes of which nobody can say now whether they hold: they neither begin nor end.
        """
        told = []
        for cause, condition in holding.items():
            known = self._known.get(cause)
            if known is None or (not known.raised and now_s - known.held_s >= CALM_S):
                resolved_s = None if known is None else known.resolved_s
                known = self._known[cause] = _Known(condition, now_s, now_s, resolved_s=resolved_s)
            known.condition, known.held_s = condition, now_s
            waits = known.resolved_s is not None and now_s - known.resolved_s < RAISED_AGAIN_AFTER_S
            if not known.raised and now_s - known.since_s >= condition.after_s and not waits:
                known.raised = True
                told.append(_alert(condition, "raised", condition.words))
        for cause, known in list(self._known.items()):
            if cause in holding:
                continue
            if cause in unknown:
                # What time passes unseen counts for neither side.
                known.held_s = now_s if known.raised else known.held_s
            elif known.raised and now_s - known.held_s >= CALM_S:
                known.raised, known.resolved_s = False, now_s
                told.append(_alert(known.condition, "resolved", known.condition.over))
            elif not known.raised and now_s - known.held_s >= RAISED_AGAIN_AFTER_S:
                del self._known[cause]
        return told

    def happened(self, now_s: float, cause: Cause, alert: Alert) -> list[Alert]:
        """Take in an event: told at once, or held back where one of its cause was told just before."""
        swarm = self._swarms.get(cause)
        if swarm is None:
            self._swarms[cause] = _Swarm(now_s)
            return [alert]
        swarm.newest = alert
        swarm.held_back += 1
        return []

    def due(self, now_s: float) -> list[Alert]:
        """The events that were held back and whose minute is over, one alert for each cause."""
        told = []
        for cause, swarm in list(self._swarms.items()):
            if now_s - swarm.began_s < EVENT_WINDOW_S:
                continue
            if swarm.newest is None:
                del self._swarms[cause]
                continue
            more = swarm.held_back - 1
            words = swarm.newest.words + (f" (and {more} more like it within a minute)" if more else "")
            told.append(msgspec.structs.replace(swarm.newest, words=words))
            self._swarms[cause] = _Swarm(now_s)
        return told


def _alert(condition: Condition, state: AlertState, words: str) -> Alert:
    return Alert(
        state=state,
        rule=condition.rule,
        words=words,
        broker_name=condition.broker_name,
        symbol=condition.symbol,
    )
