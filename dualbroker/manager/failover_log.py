"""Writes down each change of the quote source: what moved, why, what it cost, and when it was over."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable

import msgspec

from dualbroker.figures import duration
from dualbroker.model import InstrumentKey
from dualbroker.stores.incidents import Failover, IncidentStore

__all__ = ["FailoverLog", "names_shown"]

logger = logging.getLogger("dualbroker")

NAMES_SHOWN = 5


class _Open(msgspec.Struct):
    failover: Failover
    left: set[InstrumentKey]
    finished: asyncio.Event


class FailoverLog:
    """The failovers under way; the finished ones are in the incident store."""

    def __init__(self, incidents: IncidentStore) -> None:
        self._incidents = incidents
        self._open: dict[int, _Open] = {}

    def begin(
        self,
        keys: Iterable[InstrumentKey],
        *,
        time_ns: int,
        from_broker: str,
        to_broker: str,
        why: str,
        planned: bool,
        last_quote_ns: int | None,
        unknown: Iterable[str],
    ) -> Failover:
        """One begins, with these instruments; ``unknown`` names those that the new broker does not know."""
        left = set(keys)
        failover = self._incidents.begin_failover(
            time_ns=time_ns,
            from_broker=from_broker,
            to_broker=to_broker,
            why=why,
            planned=planned,
            detected_after_s=None
            if planned or last_quote_ns is None
            else max(0, time_ns - last_quote_ns) / 1e9,
            instruments=len(left),
        )
        failover.uncovered = tuple(unknown)
        self._open[failover.number] = _Open(failover, left, asyncio.Event())
        lacking = f"; {to_broker} can't carry {names_shown(unknown)}" if failover.uncovered else ""
        logger.warning(
            "quotes of %d instruments move from %s to %s: %s%s",
            len(left),
            from_broker,
            to_broker,
            why,
            lacking,
        )
        return failover

    def covered(self, failover: Failover, key: InstrumentKey, name: str, gap_s: float) -> None:
        """The new broker has brought an instrument, after a gap; maybe long after the others."""
        failover.gaps_s[key] = gap_s
        if name in failover.uncovered:
            failover.uncovered = tuple(each for each in failover.uncovered if each != name)

    def uncovered(self, failover: Failover | None, key: InstrumentKey, name: str) -> None:
        """The new broker does not bring an instrument: nothing more is waited for."""
        entry = None if failover is None else self._open.get(failover.number)
        if entry is not None and key in entry.left:
            entry.failover.uncovered = tuple(dict.fromkeys((*entry.failover.uncovered, name)))
            entry.left.discard(key)

    def settled(self, failover: Failover | None, key: InstrumentKey) -> bool:
        """An instrument's move has come to its end. Returns whether it was the last one of its failover."""
        entry = None if failover is None else self._open.get(failover.number)
        if entry is None:
            return False
        entry.left.discard(key)
        return not entry.left

    def close_finished(self) -> None:
        """Say of those that are over what they cost."""
        for number in [number for number, entry in self._open.items() if not entry.left]:
            entry = self._open.pop(number)
            failover = entry.failover
            failover.finished = True
            entry.finished.set()
            median, longest = failover.gap_quantile(0.5), failover.gap_quantile(1.0)
            figures = (
                ""
                if median is None or longest is None
                else f", gap {duration(median)} (median), {duration(longest)} at most"
            )
            missing = f"; not carried: {names_shown(failover.uncovered)}" if failover.uncovered else ""
            logger.info(
                "%s carries the quotes of %s%s%s", failover.to_broker, failover.from_broker, figures, missing
            )

    async def until_finished(self, failover: Failover, timeout_s: float) -> None:
        """Return when a failover has come to its end, or the time is up."""
        entry = self._open.get(failover.number)
        if entry is None:
            return
        try:
            async with asyncio.timeout(timeout_s):
                await entry.finished.wait()
        except TimeoutError:
            return


def names_shown(names: Iterable[str]) -> str:
    """The first few of many names, for a line that a person reads."""
    known = list(names)
    more = f" and {len(known) - NAMES_SHOWN} more" if len(known) > NAMES_SHOWN else ""
    return ", ".join(known[:NAMES_SHOWN]) + more
