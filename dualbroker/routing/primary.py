"""Which broker is the primary, when another one takes its place, and why. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from dualbroker.market_hours import MarketHours, Phase
from dualbroker.routing.choice import choose_source
from dualbroker.routing.commands import Moment, PrimaryChanged
from dualbroker.routing.holders import Holders
from dualbroker.routing.refusals import Refusals
from dualbroker.routing.standing import Standing
from dualbroker.stores.stability import Stability

__all__ = ["Primary"]

NIGHT_GRACE_S = 60.0


@dataclass
class Primary:
    """Keeps to a primary for as long as there is no reason to change it.

    Parameters
    ----------
    preferred
        To whom quotes return; None leaves it to what is measured.
    """

    standing: Standing
    refusals: Refusals
    holders: Holders
    market_hours: MarketHours
    preferred: str | None
    name: str | None = None
    """Who carries quotes, but for instruments that it does not stream; None before one has logged in."""
    has_begun: bool = False
    """The start is over: a source that is not there by now is replaced."""
    is_held: bool = False
    """Connections come and go on purpose, and nothing is moved for that."""
    _reason: str = ""
    """Why the primary was chosen, where it was no failover."""

    def is_left_alone(self, now: Moment) -> bool:
        """Whether nothing is moved now: also while a source that has just gone is given time to come back.

        That is only while nothing can tick, as in the night when brokers end all sessions at once: quotes
        would be moved there and back for nothing.
        """
        return (
            self.name is None
            or self.is_held
            or (
                self.standing.brokers[self.name].may_come_back(NIGHT_GRACE_S, now)
                and not self._any_exchange_is(
                    now, Phase.PRE_OPEN, Phase.OPENING, Phase.CONTINUOUS, Phase.AUCTION
                )
            )
        )

    def choose(self, now: Moment, sources: list[str]) -> list[PrimaryChanged]:
        """Another primary, where one shall carry the quotes from now on; ``sources`` stream something."""
        if not self.has_begun or self.is_left_alone(now):
            return []
        choice = choose_source(self._measured(now, sources), self.name, preferred=self.preferred)
        if choice.primary is None or choice.primary == self.name:
            return []
        old, self.name = self.name, choice.primary
        if old is not None and not self.standing.serves(old):
            self.standing.lost_quotes(old, now)
        else:
            self._reason = choice.reason
        return [PrimaryChanged(choice.primary, choice.reason)]

    def serving(self, now: Moment, sources: list[str]) -> list[str]:
        """Who can carry quotes now, the steadiest first."""
        rows = [row for row in self._measured(now, sources) if row.is_serving]
        return [row.name for row in sorted(rows, key=lambda row: row.trouble)]

    def prefer(self, name: str) -> list[PrimaryChanged]:
        """Make it the primary, because a person has asked for that, and the one that others return to."""
        self.preferred = name
        if self.name == name:
            return []
        self._reason = "asked for by a person"
        self.name = name
        return [PrimaryChanged(name, self._reason)]

    def why_moved(self, old: str, new: str, *, planned: bool) -> str:
        """Why quotes move, in words; why the primary was chosen is said once."""
        if not self.standing.serves(old):
            return f"{old}: {self.standing.why_not(old)}"
        if not planned:
            return f"{old} does not stream them"
        why, self._reason = self._reason, ""
        return why or f"{new} can stream them again"

    def _measured(self, now: Moment, sources: list[str]) -> list[Stability]:
        # In an auction the age of the last tick says nothing.
        ticking = sources if self._any_exchange_is(now, Phase.CONTINUOUS) else []
        return self.standing.measurements(now, self.refusals, ticking)

    def _any_exchange_is(self, now: Moment, *phases: Phase) -> bool:
        exchanges = self.holders.exchanges or ("NSE",)
        return any(self.market_hours.phase(exchange, now.wall_ns) in phases for exchange in exchanges)
