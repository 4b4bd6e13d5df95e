"""When a market is open. Knows no clock: the time is passed in, as UTC nanoseconds since the epoch.

What the calendar knows, and what not, stands in ``market_calendar``; ``Corrections`` come from the
section ``market_hours`` of config.yaml.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, time, timedelta
from enum import StrEnum

from dualbroker.clock import NS_PER_S
from dualbroker.market_calendar import Spans, calendar_end, regular_spans, timetable

__all__ = ["Corrections", "MarketHours", "Phase", "Spans"]

_HOUR_NS = 3_600 * NS_PER_S
_DAY_NS = 24 * _HOUR_NS
_IST_OFFSET_NS = (5 * 3600 + 1800) * NS_PER_S
"""India has had no summer time since 1945."""

_EPOCH = date(1970, 1, 1).toordinal()
_LOOK_BACK_DAYS = 60
"""No exchange was ever closed for longer; before the calendar there is nothing to find."""

Session = tuple[int, int]
"""Open and close, UTC ns; open at the first, closed at the second."""


class Phase(StrEnum):
    """What an exchange does at a moment. The word a person reads is the value."""

    CLOSED = "closed"
    PRE_OPEN = "pre-open session"
    """Orders are collected, prices are indicative, quotes come without volume."""
    OPENING = "opening auction"
    """They are matched in one auction, and nothing else happens until trading begins."""
    CONTINUOUS = "open"
    AUCTION = "closing auction"
    """Shares with derivatives and indices; other shares trade on until 15:30."""
    POST_CLOSE = "post-close session"
    """Trades at the closing price."""


@dataclass(frozen=True)
class Corrections:
    """What is known better than the calendar knows it."""

    closed: frozenset[date] = frozenset()
    open: Mapping[date, Spans] = field(default_factory=dict)
    """The sessions of that day, in place of all others."""
    hours: Spans | None = None
    """Of a usual day; the exchange's own by default."""


class MarketHours:
    """Sessions by exchange and day.

    Parameters
    ----------
    corrections
        Of all exchanges.
    by_exchange
        Of single exchanges; what is said here goes before what is said of all.
    """

    def __init__(
        self,
        corrections: Corrections | None = None,
        by_exchange: Mapping[str, Corrections] | None = None,
    ) -> None:
        self._corrections = corrections or Corrections()
        self._by_exchange = dict(by_exchange or {})
        self._always = False
        self._calendar_end_ns: int | None = None
        self._holds: dict[str, tuple[int, int, bool]] = {}
        """Of each exchange: from when to when the newest answer holds, and the answer."""
        self._phases: dict[tuple[str, bool], tuple[int, int, Phase]] = {}
        """The same of its phase, for what has a closing auction and for what has none."""

    @classmethod
    def always(cls) -> MarketHours:
        """A market that never closes: the simulated one, and a replay."""
        hours = cls()
        hours._always = True
        return hours

    @property
    def never_closes(self) -> bool:
        return self._always

    def load(self) -> None:
        """Read the calendar now (about 0.1 s, once a process) rather than at the first question."""
        if not self._always:
            regular_spans("NSE", date(2025, 1, 1))

    def is_open(self, exchange: str, now_ns: int) -> bool:
        """Whether an exchange trades at a moment; costs well under a microsecond within a session."""
        if self._always:
            return True
        hold = self._holds.get(exchange)
        if hold is not None and hold[0] <= now_ns < hold[1]:
            return hold[2]
        return self._look_up(exchange, now_ns)[2]

    def phase(self, exchange: str, now_ns: int, *, has_auction: bool = True) -> Phase:
        """What an exchange does at a moment; as cheap as ``is_open``.

        Only in the continuous phase does silence say anything of a source. Where the config says other
        hours than the exchange's own, all of them count as continuous.

        Parameters
        ----------
        has_auction
            False: with a share that has no derivatives and so no closing auction.
        """
        if self._always:
            return Phase.CONTINUOUS
        hold = self._phases.get((exchange, has_auction))
        if hold is None or not hold[0] <= now_ns < hold[1]:
            hold = self._phases[exchange, has_auction] = self._phase_hold(exchange, now_ns, has_auction)
        return hold[2]

    def auctions(self, exchange: str, day: date) -> tuple[Session, ...]:
        """The sessions of a day in which prices may be indicative (UTC ns)."""
        return tuple(
            (opens_ns, closes_ns)
            for opens_ns, closes_ns, phase in self._phases_of(exchange, day)
            if phase in (Phase.PRE_OPEN, Phase.OPENING, Phase.AUCTION)
        )

    def any_open(self, exchanges: Iterable[str], now_ns: int) -> bool:
        """Whether one of them trades; False for none at all."""
        return any(self.is_open(exchange, now_ns) for exchange in exchanges)

    def sessions(self, exchange: str, day: date) -> tuple[Session, ...]:
        """All sessions of a day in India, in order; rarely more than one."""
        if self._always:
            midnight_ns = _midnight_ns(day)
            return ((midnight_ns, midnight_ns + _DAY_NS),)
        midnight_ns = _midnight_ns(day)
        return tuple(
            (midnight_ns + _into_day_ns(opens), midnight_ns + _into_day_ns(closes))
            for opens, closes in self._spans(exchange, day)
        )

    def session(self, exchange: str, day: date) -> Session | None:
        """A day's first opening and its last close (UTC ns); None when it is closed all day."""
        sessions = self.sessions(exchange, day)
        return (sessions[0][0], sessions[-1][1]) if sessions else None

    def last_close_ns(self, exchange: str, now_ns: int) -> int | None:
        """When it last closed, at or before that moment (UTC ns); None when it never did."""
        if self._always:
            return None
        today = _day(now_ns)
        for back in range(_LOOK_BACK_DAYS):
            for _, closes_ns in reversed(self.sessions(exchange, today - timedelta(days=back))):
                if closes_ns <= now_ns:
                    return closes_ns
        return None

    def time_left_ns(self, exchange: str, expiry: date, now_ns: int) -> int:
        """How long what expires on a day can still be traded (ns): until the close, below 0 after it.

        In a market that never closes, until its exchange's usual close and always an hour at least: a
        simulated one has no moment at which anything expires, and a recorded day was a usual one.
        """
        session = None if self._always else self.session(exchange, expiry)
        usual_ns = _midnight_ns(expiry) + _into_day_ns(timetable(exchange, expiry).trading[1])
        left_ns = (session[1] if session else usual_ns) - now_ns
        return max(left_ns, _HOUR_NS) if self._always else left_ns

    def next_open_ns(self, exchange: str, now_ns: int) -> int:
        """When it opens next, after that moment (UTC ns); that moment itself when it never closes."""
        if self._always:
            return now_ns
        return next(opens_ns for opens_ns, _ in self._sessions_from(exchange, now_ns) if opens_ns > now_ns)

    def beyond_calendar(self, now_ns: int) -> bool:
        """True when that day's holidays are not known, and every weekday counts as a trading day.

        A newer version of ``exchange_calendars`` knows more; ``market_hours`` in config.yaml does, too.
        """
        if self._always:
            return False
        if self._calendar_end_ns is None:
            self._calendar_end_ns = _midnight_ns(calendar_end()) + _DAY_NS
        return now_ns >= self._calendar_end_ns

    def _spans(self, exchange: str, day: date) -> Spans:
        own = self._by_exchange.get(exchange)
        for corrections in (own, self._corrections):
            if corrections is None:
                continue
            if day in corrections.open:
                return corrections.open[day]
            if day in corrections.closed:
                return ()
        return regular_spans(exchange, day, own.hours if own is not None else None)

    def _sessions_from(self, exchange: str, now_ns: int) -> Iterator[Session]:
        """Sessions of that day and all later ones; endless, for past the calendar weekdays go on."""
        day = _day(now_ns)
        while True:
            yield from self.sessions(exchange, day)
            day += timedelta(days=1)

    def _look_up(self, exchange: str, now_ns: int) -> tuple[int, int, bool]:
        hold = self._holds[exchange] = self._hold(exchange, now_ns)
        return hold

    def _phases_of(self, exchange: str, day: date, has_auction: bool = True) -> list[tuple[int, int, Phase]]:
        """When each phase of a day begins and ends (UTC ns), in order; between them it is closed."""
        sessions = self.sessions(exchange, day)
        usual = timetable(exchange, day)
        midnight_ns = _midnight_ns(day)
        if self._always or self._spans(exchange, day) != (usual.trading,):
            return [(*session, Phase.CONTINUOUS) for session in sessions]
        auction = usual.auction if has_auction else None
        spans = (
            (usual.pre_open, Phase.PRE_OPEN),
            (usual.opening, Phase.OPENING),
            ((usual.trading[0], auction[0] if auction else usual.trading[1]), Phase.CONTINUOUS),
            (auction, Phase.AUCTION),
            (usual.post_close, Phase.POST_CLOSE),
        )
        return [
            (midnight_ns + _into_day_ns(span[0]), midnight_ns + _into_day_ns(span[1]), phase)
            for span, phase in spans
            if span is not None
        ]

    def _phase_hold(self, exchange: str, now_ns: int, has_auction: bool) -> tuple[int, int, Phase]:
        day = _day(now_ns)
        from_ns = _midnight_ns(day)
        for opens_ns, closes_ns, phase in self._phases_of(exchange, day, has_auction):
            if now_ns < opens_ns:
                return from_ns, opens_ns, Phase.CLOSED
            if now_ns < closes_ns:
                return opens_ns, closes_ns, phase
            from_ns = closes_ns
        return from_ns, _midnight_ns(day) + _DAY_NS, Phase.CLOSED

    def _hold(self, exchange: str, now_ns: int) -> tuple[int, int, bool]:
        day = _day(now_ns)
        from_ns = _midnight_ns(day)
        for opens_ns, closes_ns in self.sessions(exchange, day):
            if now_ns < opens_ns:
                return from_ns, opens_ns, False
            if now_ns < closes_ns:
                return opens_ns, closes_ns, True
            from_ns = closes_ns
        return from_ns, _midnight_ns(day) + _DAY_NS, False


def _day(now_ns: int) -> date:
    return date.fromordinal(_EPOCH + (now_ns + _IST_OFFSET_NS) // _DAY_NS)


def _midnight_ns(day: date) -> int:
    return (day.toordinal() - _EPOCH) * _DAY_NS - _IST_OFFSET_NS


def _into_day_ns(moment: time) -> int:
    return (moment.hour * 3600 + moment.minute * 60 + moment.second) * NS_PER_S
