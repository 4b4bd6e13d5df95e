"""What was streamed around each failover: who brought which instrument when. The plots draw it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dualbroker.feed import Feed
from dualbroker.figures import duration

__all__ = ["FailoverWindow", "failover_windows"]

INSTRUMENTS_SHOWN = 14
LEAST_MARGIN_S, MOST_MARGIN_S = 0.5, 1.5
COLUMNS = 260
"""Points of one instrument; ticks that would lie on each other are drawn once."""


class FailoverWindow(msgspec.Struct, frozen=True, kw_only=True):
    """The moments around one failover.

    Times are seconds since the old source's last quote; of a planned one, since it was decided.
    """

    number: int
    from_broker: str
    to_broker: str
    why: str
    planned: bool
    start_s: float
    end_s: float
    decided_s: float
    """When the failover was decided; 0 for a planned one."""
    gap_max_s: float
    """Of all instruments; 0 while none is known."""
    symbols: list[str]
    """The liveliest instruments, the liveliest first."""
    ticks_s: dict[str, list[NDArray[np.float64]]]
    """By broker, for each symbol: when it brought ticks."""

    @property
    def title(self) -> str:
        kind = "hand-over" if self.planned else "failover"
        return f"{kind} {self.number}: {self.from_broker} → {self.to_broker}"

    @property
    def silent_s(self) -> float:
        """How long nobody brought quotes: a planned hand-over knows no such time."""
        return 0.0 if self.planned else self.gap_max_s

    @property
    def words(self) -> str:
        """What it cost."""
        if self.planned:
            return (
                f"at most {duration(self.gap_max_s)} from an instrument's last old tick to its first new one"
            )
        return f"noticed after {duration(self.decided_s)}, gap at most {duration(self.gap_max_s)}"


def failover_windows(feed: Feed, numbers: Iterable[int] | None = None) -> list[FailoverWindow]:
    """The moments around some failovers, or around all that are kept, out of the ticks that are kept."""
    failovers = feed.failovers
    wanted = failovers if numbers is None else failovers[failovers["number"].isin(list(numbers))]
    return [_window(feed, row) for _, row in wanted.iterrows()]


def _window(feed: Feed, failover: pd.Series[Any]) -> FailoverWindow:
    decided_s = 0.0 if failover["planned"] else float(np.nan_to_num(failover["detected_after"]))
    gap_s = float(np.nan_to_num(failover["gap_max"]))
    margin_s = min(MOST_MARGIN_S, max(LEAST_MARGIN_S, 0.6 * gap_s))
    start_s, end_s = -margin_s, max(gap_s, decided_s) + margin_s
    zero = failover["time"] - pd.Timedelta(seconds=decided_s)
    gaps = feed.gaps(int(failover["number"]))
    lines = {}
    for symbol, exchange in zip(gaps["symbol"], gaps["exchange"], strict=True):
        ticks = feed.ticks(symbol, exchange)
        ticks_s = (ticks.index - zero) / pd.Timedelta(seconds=1)
        shown = (ticks_s >= start_s) & (ticks_s <= end_s)
        lines[symbol] = (np.asarray(ticks_s[shown]), np.asarray(ticks["broker_name"][shown], dtype=object))
    symbols = sorted(lines, key=lambda symbol: -len(lines[symbol][0]))[:INSTRUMENTS_SHOWN]
    width_s = (end_s - start_s) / COLUMNS
    brokers = (failover["from_broker"], failover["to_broker"])
    return FailoverWindow(
        number=int(failover["number"]),
        from_broker=failover["from_broker"],
        to_broker=failover["to_broker"],
        why=failover["why"],
        planned=bool(failover["planned"]),
        start_s=start_s,
        end_s=end_s,
        decided_s=decided_s,
        gap_max_s=gap_s,
        symbols=symbols,
        ticks_s={
            broker: [_thinned(lines[symbol][0][lines[symbol][1] == broker], width_s) for symbol in symbols]
            for broker in brokers
        },
    )


def _thinned(ticks_s: NDArray[np.float64], width_s: float) -> NDArray[np.float64]:
    """The first tick of each interval; the first and the last of all stay, for the gap lies between two."""
    if not len(ticks_s):
        return ticks_s
    first = np.unique(np.floor(ticks_s / width_s), return_index=True)[1]
    kept: NDArray[np.float64] = ticks_s[np.union1d(first, [len(ticks_s) - 1])]
    return kept
