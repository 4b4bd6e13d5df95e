"""Strikes at a set moment: so long after the start, or at a time of the market's day. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import msgspec

from dualbroker.clock import NS_PER_S
from dualbroker.errors import DualBrokerError
from dualbroker.simulator.faults.faults import Strike

__all__ = ["PlannedStrike", "PlannedStrikes"]

_DAY_NS = 24 * 3600 * NS_PER_S
_IST_OFFSET_NS = (5 * 3600 + 1800) * NS_PER_S


class _Fields(Strike, frozen=True, kw_only=True, forbid_unknown_fields=True):
    after_s: Annotated[float, msgspec.Meta(ge=0)] | None = None
    at_time: Annotated[str, msgspec.Meta(pattern="^([01][0-9]|2[0-3]):[0-5][0-9]$")] | None = None


class PlannedStrike(msgspec.Struct, frozen=True):
    """One strike, and when."""

    broker: str
    """Or ``all``."""
    strike: Strike
    after_ns: int | None = None
    """Running time of the simulation; None where ``time_of_day_ns`` says when."""
    time_of_day_ns: int | None = None
    """Nanoseconds after midnight in India, each day of the market."""

    @classmethod
    def read(cls, broker: str, fields: Mapping[str, Any]) -> PlannedStrike:
        """One out of plain values: a ``Strike``'s, and ``after_s`` (seconds) or ``at_time`` (HH:MM in India).

        Raises
        ------
        DualBrokerError
            They are not of that form.
        """
        try:
            given = msgspec.convert(dict(fields), _Fields)
        except msgspec.ValidationError as error:
            raise DualBrokerError(
                f"expected a strike with action, and after_s in seconds or at_time as HH:MM; found: {error}"
            ) from None
        if (given.after_s is None) == (given.at_time is None):
            raise DualBrokerError("expected either after_s or at_time of a strike, found both or none")
        strike = Strike(action=given.action, code=given.code, reason=given.reason)
        if given.after_s is not None:
            return cls(broker, strike, after_ns=round(given.after_s * NS_PER_S))
        hours, minutes = map(int, str(given.at_time).split(":"))
        return cls(broker, strike, time_of_day_ns=(hours * 3600 + minutes * 60) * NS_PER_S)


class PlannedStrikes:
    """All of a simulation, each dealt once, or once a day."""

    def __init__(self) -> None:
        self._waiting: list[tuple[PlannedStrike, int]] = []
        """With the time at which it is due: of running, or of the market (UTC)."""

    def add(self, planned: PlannedStrike, market_ns: int) -> None:
        """Plan one; a time of day that has been today is tomorrow's."""
        if planned.time_of_day_ns is None:
            self._waiting.append((planned, planned.after_ns or 0))
            return
        since_ns = (market_ns + _IST_OFFSET_NS - planned.time_of_day_ns) % _DAY_NS
        self._waiting.append((planned, market_ns - since_ns + _DAY_NS))

    def due(self, running_ns: int, market_ns: int) -> Iterator[PlannedStrike]:
        """Those whose moment has come, each of them once."""
        for place, (planned, due_ns) in enumerate(list(self._waiting)):
            is_daily = planned.time_of_day_ns is not None
            if (market_ns if is_daily else running_ns) >= due_ns:
                self._waiting[place] = (planned, due_ns + _DAY_NS if is_daily else 2**63)
                yield planned
