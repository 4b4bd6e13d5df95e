"""Signs of life: when a connection is dead, and when quotes that have stopped mean that it is mute. Pure.

Three clocks. The pong and the broker's own heartbeat say whether anybody is at the other end; each counts
only once it has been answered, for some servers answer none. The third is market data: a socket that
answers both and brings no quote while the market moves is of no use for quotes (seen at real brokers,
protocol: sections 2.1 and 5).
"""

from __future__ import annotations

import msgspec
import numpy as np
from numpy.typing import NDArray

from dualbroker.model import InstrumentKey, QuoteUpdate

__all__ = ["MarketEvidence", "SocketClocks", "silent_among_fellows"]


REMARKABLE_INTERVALS = 20.0
"""On a recorded day of option quotes, silences of over twenty mean intervals came 65 times among 1,528
instruments, at most three in a minute: few enough to ask about each."""


class SocketClocks:
    """The pong and the heartbeat of one connection. Times are seconds of any clock that never runs back.

    Parameters
    ----------
    pong_within_s, heartbeat_within_s
        How long an answer may take, once one has come before.
    """

    def __init__(self, pong_within_s: float, heartbeat_within_s: float) -> None:
        self._limits = {"ping": pong_within_s, "heartbeat": heartbeat_within_s}
        self._asked_s: dict[str, float | None] = {"ping": None, "heartbeat": None}
        self._is_armed = {"ping": False, "heartbeat": False}

    def asked(self, what: str, now_s: float) -> None:
        """A ``ping`` or a ``heartbeat`` was sent; the oldest unanswered one is what counts."""
        if self._asked_s[what] is None:
            self._asked_s[what] = now_s

    def answered(self, what: str) -> None:
        """The answer has come, which arms this clock."""
        self._asked_s[what] = None
        self._is_armed[what] = True

    def heard(self) -> None:
        """A message has come: somebody is there, whatever has not been answered yet."""
        self._asked_s = dict.fromkeys(self._asked_s)

    def verdict(self, now_s: float) -> str | None:
        """Why the connection is dead, in words; None while it is not."""
        for what, limit_s in self._limits.items():
            asked_s = self._asked_s[what]
            if self._is_armed[what] and asked_s is not None and now_s - asked_s >= limit_s:
                return f"nobody answers: no sign of life for {now_s - asked_s:.1f} s after a {what}"
        return None


class _Seen(msgspec.Struct, frozen=True):
    """What an answer said of one instrument."""

    volume: float | None
    prices: tuple[float | None, ...]


class MarketEvidence:
    """Whether the market moved while a stream was silent, from full quotes that were asked for by REST.

    An answer may lag behind the stream by seconds, so a price that merely differs proves nothing: what
    proves a move is more volume than the stream has brought, or two answers of one broker that differ.
    """

    def __init__(self) -> None:
        self._seen: dict[tuple[str, InstrumentKey], _Seen] = {}

    def clear(self) -> None:
        """The silence has ended: what was seen in it counts no longer."""
        self._seen.clear()

    def has_moved(
        self, broker_name: str, key: InstrumentKey, answer: QuoteUpdate, known_volume: float | None
    ) -> bool:
        """Take an answer in; whether it proves that this instrument moved on without the stream.

        Parameters
        ----------
        known_volume
            What the stream has brought, None where it has brought none. A 0 proves nothing: feeds are
            known to send one between two totals.
        """
        now = _Seen(answer.volume, (answer.ltp, answer.bid, answer.ask))
        before = self._seen.get((broker_name, key))
        self._seen[broker_name, key] = now
        if answer.volume is not None and known_volume and answer.volume > known_volume:
            return True
        return before is not None and _differ(before, now)


def _differ(before: _Seen, now: _Seen) -> bool:
    pairs = ((before.volume, now.volume), *zip(before.prices, now.prices, strict=True))
    return any(old is not None and new is not None and old != new for old, new in pairs)


def silent_among_fellows(
    silence_s: NDArray[np.float64], usual_interval_s: NDArray[np.float64], least_s: float
) -> NDArray[np.int64]:
    """Instruments whose silence is out of the ordinary while others of the same source tick.

    Parameters
    ----------
    silence_s
        Of each instrument: seconds since it last ticked, or since it was acknowledged.
    usual_interval_s
        Of each instrument, in the same order; 0 where it has not ticked often enough to have one.
    least_s
        Below it no silence is remarkable.

    Returns
    -------
    array of int64
        Places in the arrays given, the longest silence, measured by what is usual, first; of equal ones the
        last.
    """
    limits_s = np.maximum(least_s, REMARKABLE_INTERVALS * usual_interval_s)
    found = np.flatnonzero(silence_s >= limits_s)
    return found[np.argsort(silence_s[found] / limits_s[found], kind="stable")][::-1]
