"""Which broker should carry which instruments, where several share the quotes. Pure.

An underlying's expiry is a group and stays with one broker, so that its legs share one clock; a share is a
group of one. What fits stays where it is.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import msgspec

from dualbroker.model import InstrumentKey

__all__ = ["Balance", "Carrier", "balance", "fair_shares"]

Group = TypeVar("Group", bound=Hashable)
NOBODY: frozenset[InstrumentKey] = frozenset()


class Carrier(msgspec.Struct, frozen=True):
    """A broker that can carry quotes."""

    name: str
    weight: float = 1.0
    """How much of the load is its fair share, beside the others'. With 0 it keeps what it has, and is given
    more only where nobody else takes it."""
    most: int | None = None
    """Instruments that it may stream; None is no limit."""
    claimed: int = 0
    """Instruments that it streams or was asked for. What of them does not stay takes up its room until
    another broker has it."""
    cannot: Collection[InstrumentKey] = NOBODY
    """What it does not know or has refused."""


class Balance(msgspec.Struct):
    """Who should carry what."""

    targets: dict[InstrumentKey, str | None]
    """None: no broker that takes it has room."""
    moved: dict[InstrumentKey, str]
    """What is carried now and should be carried by another broker, and why, in words."""
    placed: dict[InstrumentKey, str]
    """What was carried by nobody, and why it goes where it goes, in words."""
    split: dict[Hashable, str]
    """Groups that are put down at several brokers, and why, in words."""


def fair_shares(total: int, carriers: Sequence[Carrier]) -> dict[str, float]:
    """How many instruments each would carry if groups could be divided at will: by weight, up to its limit.

    The level rises at all of them alike, as water does; who is full stays behind.
    """
    shares = dict.fromkeys((carrier.name for carrier in carriers), 0.0)
    open_ones = [carrier for carrier in carriers if carrier.weight > 0]
    left = float(total)
    while open_ones and left > 0:
        level = left / sum(carrier.weight for carrier in open_ones)
        full = [c for c in open_ones if c.most is not None and c.most <= level * c.weight]
        for carrier in full or open_ones:
            assert carrier.most is not None or not full
            shares[carrier.name] = float(carrier.most or 0) if full else level * carrier.weight
            left -= shares[carrier.name]
        open_ones = [carrier for carrier in open_ones if carrier not in full] if full else []
    return shares


def balance(
    groups: Mapping[Group, Sequence[InstrumentKey]],
    current: Mapping[InstrumentKey, str],
    carriers: Sequence[Carrier],
    *,
    move_limit: int | None = 0,
    nearest_first: Callable[[Sequence[InstrumentKey]], Sequence[InstrumentKey]] = tuple,
) -> Balance:
    """Put down what nobody carries, then move what one carries too much of.

    Parameters
    ----------
    groups
        All wanted instruments, each in one group.
    current
        Who carries what, or is about to.
    carriers
        Brokers that serve.
    move_limit
        Instruments that may be moved though a broker carries them well; None is no limit. A group that is
        larger moves alone.
    nearest_first
        Orders the members of a group that has to be split: the nearest to the money stay together.
    """
    weighty = any(carrier.weight > 0 for carrier in carriers)
    work = _Work([c if weighty else msgspec.structs.replace(c, weight=1.0) for c in carriers])
    loose = work.take_up(groups, current)
    for group, keys in sorted(loose.items(), key=lambda each: (work.takers(each[1]), -len(each[1]))):
        work.put_down(group, keys, nearest_first)
    if move_limit != 0 and weighty:
        work.level(move_limit)
    return Balance(
        {key: work.at.get(key) for members in groups.values() for key in members},
        {key: why for key, why in work.moved.items() if work.at[key] != current[key]},
        work.placed,
        work.split,
    )


@dataclass
class _Work:
    carriers: list[Carrier]
    at: dict[InstrumentKey, str] = field(default_factory=dict)
    moved: dict[InstrumentKey, str] = field(default_factory=dict)
    placed: dict[InstrumentKey, str] = field(default_factory=dict)
    split: dict[Hashable, str] = field(default_factory=dict)
    parts: dict[Hashable, dict[str, list[InstrumentKey]]] = field(default_factory=dict)
    """Of each group, what each broker carries of it."""

    def __post_init__(self) -> None:
        self.by_name = {carrier.name: carrier for carrier in self.carriers}
        self.load = dict.fromkeys(self.by_name, 0)
        self.leaving = dict.fromkeys(self.by_name, 0)
        """What each streams for the moment, and should be another's."""

    def room(self, carrier: Carrier) -> int | None:
        if carrier.most is None:
            return None
        return max(0, carrier.most - self.load[carrier.name] - self.leaving[carrier.name])

    def fullness(self, carrier: Carrier, more: int = 0) -> float:
        if carrier.weight <= 0:
            return float("inf")
        return (self.load[carrier.name] + more) / carrier.weight

    def take_up(
        self, groups: Mapping[Group, Sequence[InstrumentKey]], current: Mapping[InstrumentKey, str]
    ) -> dict[Group, list[InstrumentKey]]:
        """What fits stays; returns what nobody carries, or nobody may go on carrying."""
        loose: dict[Group, list[InstrumentKey]] = {}
        for group, members in groups.items():
            parts = self.parts[group] = {}
            for key in members:
                name = current.get(key)
                carrier = None if name is None else self.by_name.get(name)
                if carrier is None or key in carrier.cannot or self._is_over(carrier):
                    loose.setdefault(group, []).append(key)
                    continue
                self.at[key] = carrier.name
                self.load[carrier.name] += 1
                parts.setdefault(carrier.name, []).append(key)
        for carrier in self.carriers:
            self.leaving[carrier.name] = max(0, carrier.claimed - self.load[carrier.name])
        return loose

    def _is_over(self, carrier: Carrier) -> bool:
        return carrier.most is not None and self.load[carrier.name] >= carrier.most

    def takers(self, keys: Sequence[InstrumentKey]) -> int:
        """How many brokers could carry all of these: who has little choice chooses first."""
        return sum(all(key not in c.cannot for key in keys) if c.cannot else True for c in self.carriers)

    def put_down(
        self,
        group: Hashable,
        keys: Sequence[InstrumentKey],
        nearest_first: Callable[[Sequence[InstrumentKey]], Sequence[InstrumentKey]],
    ) -> None:
        rest = list(keys)
        while rest:
            best: tuple[tuple[bool, int, int, float], Carrier, list[InstrumentKey]] | None = None
            for carrier in self.carriers:
                takes = [key for key in rest if key not in carrier.cannot] if carrier.cannot else rest
                room = self.room(carrier)
                if not takes or room == 0:
                    continue
                count = len(takes) if room is None else min(room, len(takes))
                siblings = len(self.parts[group].get(carrier.name, ()))
                is_whole = count == len(rest)
                rank = (is_whole, 0 if is_whole else count, siblings, -self.fullness(carrier, count))
                if best is None or rank > best[0]:
                    best = rank, carrier, takes
            if best is None:
                return
            (is_whole, _, siblings, _), carrier, takes = best
            room = self.room(carrier)
            if room is not None and room < len(takes):
                takes = list(nearest_first(takes))[:room]
            why = "its group is there" if siblings else "the least loaded broker that takes it"
            if not is_whole:
                why = self.split[group] = (
                    f"no broker takes all {len(keys)} of its group; {len(takes)} of them fit here"
                )
            for key in takes:
                self.placed[key] = why
                self.at[key] = carrier.name
            self.load[carrier.name] += len(takes)
            self.parts[group].setdefault(carrier.name, []).extend(takes)
            rest = [] if is_whole else [key for key in rest if key not in self.at]

    # What is carried well, and could be carried better

    def level(self, limit: int | None) -> None:
        """Join what was split where there is room by now, then let who carries too much give away."""
        budget = _Budget(limit)
        for group, parts in self.parts.items():
            if len(parts) > 1 and not self._join(group, parts, budget):
                return
        while self._level_once(budget) and not budget.is_spent:
            pass

    def _join(self, group: Hashable, parts: dict[str, list[InstrumentKey]], budget: _Budget) -> bool:
        """Whether the budget allows more."""
        total = sum(map(len, parts.values()))
        whole = max(parts, key=lambda name: len(parts[name]))
        carrier = self.by_name[whole]
        room = self.room(carrier)
        coming = [key for name, keys in parts.items() if name != whole for key in keys]
        if carrier.weight <= 0 or any(key in carrier.cannot for key in coming):
            return True
        if room is not None and room < len(coming):
            return True
        if not budget.allows(len(coming)):
            return False
        for name in [name for name in parts if name != whole]:
            self._move(group, name, carrier, f"joins the {total} of its group, which fit there by now")
        return not budget.is_spent

    def _level_once(self, budget: _Budget) -> bool:
        """One look at each broker, the fullest first; whether anything was moved."""
        shares = fair_shares(sum(self.load.values()), self.carriers)
        has_moved = False
        for source in sorted(self.carriers, key=self.fullness, reverse=True):
            if source.weight <= 0:
                continue
            own = [
                (len(parts[source.name]), group)
                for group, parts in self.parts.items()
                if [*parts] == [source.name]
            ]
            own.sort(key=lambda each: -each[0])
            why = f"{source.name} carried {self.load[source.name]}, its share is {shares[source.name]:.0f}"
            for size, group in own:
                surplus = self.load[source.name] - shares[source.name]
                if surplus < 0.5:
                    break
                if size > surplus + 0.5:
                    continue
                target = self._better(source, group, size)
                if target is None:
                    continue
                if not budget.allows(size):
                    return has_moved
                self._move(group, source.name, target, why)
                has_moved = True
                if budget.is_spent:
                    return True
            if not has_moved and own and self.load[source.name] - shares[source.name] >= 0.5:
                # Each is larger than the surplus; the smallest may still make it better.
                size, group = own[-1]
                target = self._better(source, group, size)
                if target is not None and budget.allows(size):
                    self._move(group, source.name, target, why)
                    has_moved = True
        return has_moved

    def _better(self, source: Carrier, group: Hashable, size: int) -> Carrier | None:
        """The least loaded broker that takes a group, where both are less full than its source is now."""
        keys = self.parts[group][source.name]
        best: Carrier | None = None
        for carrier in self.carriers:
            if carrier is source or carrier.weight <= 0:
                continue
            room = self.room(carrier)
            if room is not None and room < size:
                continue
            if self.fullness(carrier, size) >= self.fullness(source):
                continue
            if best is not None and self.fullness(carrier, size) >= self.fullness(best, size):
                continue
            if not (carrier.cannot and any(key in carrier.cannot for key in keys)):
                best = carrier
        return best

    def _move(self, group: Hashable, source: str, target: Carrier, why: str) -> None:
        keys = self.parts[group].pop(source)
        self.parts[group].setdefault(target.name, []).extend(keys)
        self.load[source] -= len(keys)
        self.load[target.name] += len(keys)
        self.at.update(dict.fromkeys(keys, target.name))
        moved = [key for key in keys if key not in self.placed]
        self.moved.update(dict.fromkeys(moved, why))
        self.leaving[source] += len(moved)


@dataclass
class _Budget:
    limit: int | None
    spent: int = 0
    is_spent: bool = False

    def allows(self, size: int) -> bool:
        """Whether so many more may move; a group above the limit may where it moves alone."""
        if self.limit is not None and self.spent and self.spent + size > self.limit:
            self.is_spent = True
            return False
        self.spent += size
        self.is_spent = self.limit is not None and self.spent >= self.limit
        return True
