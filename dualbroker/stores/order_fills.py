"""The fills of one order: those that count, and those of a trade book that wait to be covered. Pure.

An order may have thousands, and each makes a new state, so a state shares its fills with the one before.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from dualbroker.model import FillReport

__all__ = ["Fill", "Fills", "WaitingFills", "fills_of", "plain_fills"]

Fill = tuple[float, float | None]
"""Quantity in units and price in rupees."""


class Fills(Mapping[str, Fill]):
    """Fills by their id, oldest arrival first. What it holds never changes: one more makes another.

    That other one goes on in the same memory, of which each sees as much as was there when it was made;
    so a reader on another thread sees whole fills, and no more of them than go with its state.
    """

    __slots__ = ("_count", "_fills", "_ids", "_places", "_unpriced", "_value", "quantity")

    def __init__(self) -> None:
        self._ids: list[str] = []
        self._fills: list[Fill] = []
        self._places: dict[str, int] = {}
        self._count = 0
        self._value = 0.0
        self._unpriced = 0
        self.quantity = 0.0
        """Sum of all, in units."""

    def __getitem__(self, fill_id: str) -> Fill:
        place = self._places.get(fill_id, self._count)
        if place >= self._count:
            raise KeyError(fill_id)
        return self._fills[place]

    def __iter__(self) -> Iterator[str]:
        return islice(self._ids, self._count)

    def __len__(self) -> int:
        return self._count

    def __repr__(self) -> str:
        return f"Fills({dict(self)!r})"

    @property
    def average_price(self) -> float | None:
        """Rupees; None where a price is unknown."""
        return self._value / self.quantity if self.quantity and not self._unpriced else None

    def and_one(self, fill_id: str, quantity: float, price: float | None) -> Fills:
        """These and one more; these alone where its id is among them."""
        if fill_id in self:
            return self
        more = Fills()
        if len(self._ids) == self._count:
            more._ids, more._fills, more._places = self._ids, self._fills, self._places
        else:  # another one has gone on from here already
            more._ids, more._fills = self._ids[: self._count], self._fills[: self._count]
            more._places = {known: place for place, known in enumerate(more._ids)}
        more._ids.append(fill_id)
        more._fills.append((quantity, price))
        more._places[fill_id] = self._count
        more._count = self._count + 1
        more._value = self._value + quantity * (price or 0.0)
        more._unpriced = self._unpriced + (price is None)
        more.quantity = self.quantity + quantity
        return more

    def and_all(self, fills: Mapping[str, Fill]) -> Fills:
        """These and those among the others that are new."""
        together = self
        for fill_id, (quantity, price) in fills.items():
            together = together.and_one(fill_id, quantity, price)
        return together

    def beyond(self, before: Mapping[str, Fill]) -> dict[str, Fill]:
        """Those of these that are not among the earlier ones."""
        if isinstance(before, Fills) and before._ids is self._ids:
            places = range(before._count, self._count)
            return {self._ids[place]: self._fills[place] for place in places}
        return {fill_id: fill for fill_id, fill in self.items() if fill_id not in before}


def plain_fills(value: Any) -> Any:
    """What an encoder of msgspec writes for fills (its ``enc_hook``)."""
    if isinstance(value, Fills):
        return dict(value)
    raise NotImplementedError


def fills_of(fills: Mapping[str, Fill]) -> Fills:
    """The same fills, to go on from; a state that was read from a wire has a dict."""
    return fills if isinstance(fills, Fills) else Fills().and_all(fills)


class WaitingFills:
    """Fills of a trade book that no cumulative quantity of their order covers yet, oldest first."""

    def __init__(self) -> None:
        self._in_order: list[tuple[int, int, str]] = []
        """Time of each, in ns, its number by arrival, and its id."""
        self._places: dict[str, tuple[int, int, str]] = {}
        self._reports: dict[str, FillReport] = {}
        self._arrivals = 0

    def __len__(self) -> int:
        return len(self._reports)

    def reports(self) -> list[FillReport]:
        """All of them."""
        return list(self._reports.values())

    def add(self, fill_id: str, fill: FillReport) -> None:
        """Have it wait, in place of what was said of it before."""
        if self._reports.get(fill_id) == fill:
            return
        self.discard(fill_id)
        self._arrivals += 1
        self._reports[fill_id] = fill
        self._places[fill_id] = (fill.fill_time_ns or 0, self._arrivals, fill_id)
        insort(self._in_order, self._places[fill_id])

    def discard(self, fill_id: str) -> None:
        """It waits no longer, if it did."""
        if self._reports.pop(fill_id, None) is not None:
            del self._in_order[bisect_left(self._in_order, self._places.pop(fill_id))]

    def take(self, quantity: float) -> dict[str, Fill]:
        """The oldest that together are within this quantity; they wait no longer."""
        taken: dict[str, Fill] = {}
        place = 0
        while quantity > 0 and place < len(self._in_order):
            fill_id = self._in_order[place][-1]
            fill = self._reports[fill_id]
            of_fill = fill.quantity or 0.0
            if of_fill > quantity:
                place += 1
                continue
            taken[fill_id] = (of_fill, fill.price)
            quantity -= of_fill
            self.discard(fill_id)
        return taken
