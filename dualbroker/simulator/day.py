"""When a simulated day opens, closes and turns. Pure: market time comes as an argument."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from enum import Enum

from dualbroker.errors import DualBrokerError
from dualbroker.model import Instrument

__all__ = ["DayCalendar", "Turn", "still_listed"]

_NS_PER_HOUR = 3_600_000_000_000
_DAY_NS = 24 * _NS_PER_HOUR
_IST_OFFSET_NS = 5 * _NS_PER_HOUR + _NS_PER_HOUR // 2
_TOKENS_DIE_NS = 3 * _NS_PER_HOUR
_LAST_SECOND_NS = _DAY_NS - 1_000_000_000
"""Of a day without a session: its orders end within it, not within the next one."""


class Turn(Enum):
    """What happens at a moment of the day."""

    MIDNIGHT = "midnight"
    TOKENS_DIE = "tokens die"
    OPEN = "open"
    CLOSE = "close"


class DayCalendar:
    """The moments of every simulated day, all days being alike.

    Parameters
    ----------
    session
        When the market opens and closes, nanoseconds after midnight IST; None: it never closes.
    trading_days
        Whether days turn at all: at midnight, at 03:00 when tokens die, and at the close when orders do.

    Raises
    ------
    DualBrokerError
        The session does not lie within a day.
    """

    def __init__(self, session: tuple[int, int] | None, *, trading_days: bool) -> None:
        if session is not None and not 0 <= session[0] < session[1] < _DAY_NS:
            raise DualBrokerError(
                "expected a session that opens before it closes, in nanoseconds after midnight IST; "
                f"found {session}"
            )
        self._session = session
        self.trading_days = trading_days
        moments: dict[int, Turn] = {}
        if session is not None:
            moments |= {session[0]: Turn.OPEN, session[1]: Turn.CLOSE}
        if trading_days:
            moments |= {_TOKENS_DIE_NS: Turn.TOKENS_DIE, _DAY_NS: Turn.MIDNIGHT}
            if session is None:
                moments[_LAST_SECOND_NS] = Turn.CLOSE
        self._moments = sorted(moments.items(), key=lambda moment: moment[0])

    @property
    def never_turns(self) -> bool:
        """Whether there is nothing to watch for."""
        return not self._moments

    def is_open(self, now_ns: int) -> bool:
        """Whether the market moves at a time (UTC nanoseconds)."""
        if self._session is None:
            return True
        return self._session[0] <= _since_midnight(now_ns) < self._session[1]

    def next_turn(self, now_ns: int) -> tuple[int, Turn]:
        """The next moment after a time, both UTC nanoseconds; only for a calendar that turns."""
        since_ns = _since_midnight(now_ns)
        midnight_ns = now_ns - since_ns
        for moment_ns, turn in self._moments:
            if moment_ns > since_ns:
                return midnight_ns + moment_ns, turn
        moment_ns, turn = self._moments[0]
        return midnight_ns + _DAY_NS + moment_ns, turn


def still_listed(instruments: Sequence[Instrument], day: date) -> list[Instrument]:
    """Without the derivatives that expired before a day."""
    return [item for item in instruments if item.expiry is None or item.expiry >= day]


def _since_midnight(now_ns: int) -> int:
    return (now_ns + _IST_OFFSET_NS) % _DAY_NS
