"""Which broker is the primary, when another one takes its place, and why."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping

from dualbroker.manager.standing import Standing
from dualbroker.roles import choose_source
from dualbroker.stores.health import BrokerHealth, BrokerState

__all__ = ["SourceChoice"]

logger = logging.getLogger("dualbroker")

NIGHT_GRACE_S = 60.0


class SourceChoice:
    """Keeps to a primary for as long as there is no reason to change it.

    Parameters
    ----------
    on_new_primary
        Called when another broker has become the primary.
    is_market_open
        Whether any wanted instrument can tick now: while none can, a source may take its time to come back.
    preferred
        To whom quotes return; None leaves it to what is measured.
    """

    def __init__(
        self,
        health: Mapping[str, BrokerHealth],
        standing: Standing,
        *,
        on_new_primary: Callable[[], None],
        is_market_open: Callable[[], bool],
        preferred: str | None,
    ) -> None:
        self._health = health
        self._standing = standing
        self._on_new_primary = on_new_primary
        self._is_market_open = is_market_open
        self.preferred = preferred
        self.primary: str | None = None
        self.has_begun = False
        """The start is over: a source that is not there by now is replaced."""
        self.is_held = False
        """Connections come and go on purpose, and nothing is moved for that."""
        self._down_since_s: dict[str, float] = {}
        self._reason = ""
        """Why the primary of now was chosen, where it was no failover."""

    def came_up(self, name: str) -> None:
        """A broker's socket is up."""
        self._down_since_s.pop(name, None)

    def went_down(self, name: str) -> None:
        """A broker's socket is of no use any more."""
        self._down_since_s.setdefault(name, _now_s())

    def is_left_alone(self) -> bool:
        """Whether nothing is moved now."""
        return self.primary is None or self.is_held or self._waits_for(self.primary)

    def choose(self) -> bool:
        """Whether another broker shall carry the quotes from now on."""
        if not self.has_begun or self.is_left_alone():
            return False
        choice = choose_source(self._standing.measurements(), self.primary, preferred=self.preferred)
        if choice.primary is None or choice.primary == self.primary:
            return False
        logger.info("%s carries quotes: %s", choice.primary, choice.reason)
        old, self.primary = self.primary, choice.primary
        if old is not None and not self._standing.serves(old):
            self._standing.lost_quotes(old)
        else:
            self._reason = choice.reason
        self._on_new_primary()
        return True

    def prefer(self, name: str) -> None:
        """Make it the primary, because a person has asked for that, and the one that others return to."""
        self.preferred = name
        if self.primary != name:
            self._reason = "asked for by a person"
            self.primary = name
            self._on_new_primary()

    def why_moved(self, old: str, new: str, planned: bool) -> str:
        """Why quotes move, in words; why the primary was chosen is said once."""
        if not self._standing.serves(old):
            return f"{old}: {self._standing.why_not(old)}"
        if not planned:
            return f"{old} does not stream them"
        why, self._reason = self._reason, ""
        return why or f"{new} can stream them again"

    def _waits_for(self, name: str) -> bool:
        """Whether a source that has just gone is given time to come back: while nothing can tick, as in
        the night when brokers end all sessions at once, quotes would only be moved to and fro."""
        since_s = self._down_since_s.get(name)
        return (
            since_s is not None
            and _now_s() - since_s < NIGHT_GRACE_S
            and self._health[name].state is not BrokerState.PARKED
            and not self._is_market_open()
        )


def _now_s() -> float:
    return asyncio.get_running_loop().time()
