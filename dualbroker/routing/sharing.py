"""With ``quotes: balanced``: who should carry what, and when what is carried well may move. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Collection, Hashable, Mapping, Sequence

from dualbroker.model import Instrument, InstrumentKey, InstrumentKind
from dualbroker.routing.balance import Balance, Carrier, balance
from dualbroker.routing.commands import Moment

__all__ = ["Sharing", "group_of", "nearest_to_the_money"]

MOVED_SHARE = 0.05
"""Of all instruments, as many may move within a minute though they are carried well."""
HELD_FOR_S = 60.0
"""A difference has to last so long before it is worth a move."""
MOVE_EVERY_S = 60.0
LOOK_EVERY_S = 5.0


def group_of(instrument: Instrument) -> Hashable:
    """What stays with one broker, so that its legs share one clock: an underlying's expiry, or a share."""
    if instrument.expiry is None:
        return instrument.key
    return instrument.exchange, instrument.name, instrument.expiry


def nearest_to_the_money(
    instruments: Sequence[Instrument], last_price: Callable[[str], float | None]
) -> list[Instrument]:
    """By the strike's distance from the underlying's price, futures first.

    Without that price the middle of the strikes counts as the money, for people subscribe around it.
    """
    strikes = [each.strike for each in instruments if each.strike is not None]
    if not strikes:
        return list(instruments)
    money = last_price(instruments[0].name)
    money = statistics.median(strikes) if money is None else money
    return sorted(instruments, key=lambda each: 0.0 if each.strike is None else abs(each.strike - money))


class Sharing:
    """Shares the quotes out over all brokers that serve.

    Parameters
    ----------
    instrument
        Of a key that anybody ever held.
    last_price
        Of an instrument; None where there is none yet.
    """

    def __init__(
        self,
        instrument: Callable[[InstrumentKey], Instrument],
        known: Callable[[], Sequence[Instrument]],
        last_price: Callable[[InstrumentKey], float | None],
    ) -> None:
        self.reasons: dict[InstrumentKey, str] = {}
        """Why each instrument is where it is, in words; of what was put down or moved so far."""
        self._instrument = instrument
        self._known = known
        self._last_price = last_price
        self._uneven_since_s: float | None = None
        self._next_look_s = 0.0
        self._next_move_s = 0.0

    def share_out(
        self,
        wanted: Collection[InstrumentKey],
        current: Mapping[InstrumentKey, str],
        carriers: Sequence[Carrier],
        move_limit: int | None = 0,
    ) -> Balance:
        """Who should carry what; up to the limit also what is carried well may move."""
        groups: dict[Hashable, list[InstrumentKey]] = {}
        for key in wanted:
            groups.setdefault(group_of(self._instrument(key)), []).append(key)
        done = balance(groups, current, carriers, move_limit=move_limit, nearest_first=self._nearest_first)
        self.reasons = {key: why for key, why in self.reasons.items() if key in done.targets}
        self.reasons.update(done.placed)
        self.reasons.update(done.moved)
        return done

    def is_due(self, now: Moment) -> bool:
        """Whether ``may_move`` would look at all: it is asked at every moment, and looking takes long."""
        return now.s >= self._next_look_s

    def may_move(
        self,
        wanted: Collection[InstrumentKey],
        current: Mapping[InstrumentKey, str],
        carriers: Sequence[Carrier],
        now: Moment,
    ) -> int:
        """How many instruments may be moved now to even the load out; 0 before a difference has held."""
        if not self.is_due(now):
            return 0
        self._next_look_s = now.s + LOOK_EVERY_S
        limit = max(1, int(len(wanted) * MOVED_SHARE))
        reasons = self.reasons
        moved = len(self.share_out(wanted, current, carriers, limit).moved)
        self.reasons = reasons
        if not moved:
            self._uneven_since_s = None
            return 0
        if self._uneven_since_s is None:
            self._uneven_since_s = now.s
        if now.s - self._uneven_since_s < HELD_FOR_S or now.s < self._next_move_s:
            return 0
        # A group above the limit moves alone, and takes the minutes that its size is worth.
        self._next_move_s = now.s + MOVE_EVERY_S * max(1.0, moved / limit)
        return limit

    def _nearest_first(self, keys: Sequence[InstrumentKey]) -> list[InstrumentKey]:
        ordered = nearest_to_the_money([self._instrument(key) for key in keys], self._price_of_underlying)
        return [each.key for each in ordered]

    def _price_of_underlying(self, name: str) -> float | None:
        for each in self._known():
            if each.name == name and each.kind in (InstrumentKind.INDEX, InstrumentKind.EQUITY):
                price = self._last_price(each.key)
                if price is not None:
                    return price
        return None
