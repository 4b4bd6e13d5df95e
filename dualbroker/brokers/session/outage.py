"""What follows the end of a connection: when to try again, with which session, and who is told. Pure."""

from __future__ import annotations

import math
from enum import Enum

import msgspec

from dualbroker.brokers.backoff import Backoff, Chance

__all__ = ["End", "Evicted", "Retries", "Retry", "Tell"]

STEADY_AFTER_S = 60.0
"""A connection that lived this long resets the backoff."""
FRESH_FOR_S = 30.0
"""After its login a session is; a connection and its hello take less."""
REFUSED_AGAIN_S = 30.0
"""Before the socket is tried again after a fresh session was refused on it; grows to a quarter of an hour."""


class End(Enum):
    """Why a session's run is over."""

    CLOSED = "closed by us"
    REFUSED = "a login was refused, which is not tried again"
    NEEDS_PERSON = "only a person's login helps"


class Evicted(msgspec.Struct, frozen=True):
    """The same: another program took this login's one socket."""

    code: int | None
    """With which the broker closed it."""


class Tell(Enum):
    """How the reason of an outage is told."""

    DOWN = "as the outage"
    NOTE = "as something more about it"


class Retry(msgspec.Struct, frozen=True):
    """Another try is due."""

    problem: str
    pause_s: float


class Retries:
    """Decides over one login's connections. Times are seconds of any clock that never runs back."""

    def __init__(self, rng: Chance) -> None:
        self._random = rng
        self.needs_session = False
        """The next connection takes a new session."""
        self._renewed_s = -math.inf
        """When the login was made to which no hello was answered with yes so far."""
        self._is_refused_fresh = False
        """Whether the present session was refused at once: another login would not help."""
        self.begin()

    def begin(self) -> None:
        """A run begins: pauses are short, and nobody has been told of an outage."""
        self._pauses = Backoff(self._random)
        self._refused_pauses = Backoff(self._random, first_s=REFUSED_AGAIN_S, cap_s=900.0)
        self._is_told_down = self._is_told_refused = False

    def opened(self, now_s: float) -> None:
        """A session is there. Once renewed, it is kept until it is refused: no login for a lost network."""
        if self.needs_session:
            self.needs_session, self._is_refused_fresh = False, False
            self._renewed_s = now_s

    def accepted(self) -> None:
        """The broker has accepted the session on the socket."""
        self._renewed_s, self._is_refused_fresh = -math.inf, False

    def live(self) -> None:
        """The stream is up, and the outage over."""
        self._is_told_down = self._is_told_refused = False

    def after(self, problem: str, *, is_refusal: bool, began_s: float, now_s: float) -> Retry:
        """What follows a connection that began then and ended now, refused or lost."""
        pause_s: float | None = None
        if is_refusal:
            if self._is_refused_fresh or now_s - self._renewed_s < FRESH_FOR_S:
                # Another login would change nothing, and many of them may block the account.
                self._is_refused_fresh = True
                problem = f"a fresh session was refused too: {problem}"
                pause_s = self._refused_pauses.next_s()
            else:
                # Also one that was renewed: while no socket could be opened it may have ended again.
                self.needs_session, pause_s = True, 0.0
        if now_s - began_s > STEADY_AFTER_S:
            self._pauses.reset()
            if not self._is_refused_fresh:
                self._refused_pauses.reset()
        return Retry(problem, self._pauses.next_s() if pause_s is None else pause_s)

    def tell(self) -> Tell | None:
        """How to tell of the outage: once as such, and once that a fresh session is refused in it."""
        told: Tell | None = None
        if not self._is_told_down:
            self._is_told_down, told = True, Tell.DOWN
        elif self._is_refused_fresh and not self._is_told_refused:
            told = Tell.NOTE
        self._is_told_refused |= self._is_refused_fresh
        return told
