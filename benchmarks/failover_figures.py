"""What is kept of every failover, and what is said about many of them.

Times are kept in tenths of a millisecond, so that 200 failovers of 2,000 instruments are a small file and
can be pooled afterwards, whichever process measured them.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec

__all__ = [
    "AIM_MS",
    "Histogram",
    "Measured",
    "Quantiles",
    "Series",
    "Summary",
    "histogram",
    "load",
    "save",
    "summarise",
]

AIM_MS = 250.0
"""Without pacing: of the gap where the source was closed or reset, else of what follows the detection."""
TENTHS_PER_SECOND = 10_000

Histogram = dict[int, int]
"""How often each time was found, by tenths of a millisecond."""


class Series(msgspec.Struct, frozen=True):
    """Failovers of one kind."""

    fault: Literal["closed", "reset", "mute", "black_hole"]
    instruments: int
    pacing: Literal["none", "shipped"]
    liveness: Literal["shipped", "shortened"]

    @property
    def words(self) -> str:
        clocks = "" if self.liveness == "shipped" else ", clocks shortened"
        return f"{self.fault}, {self.instruments:,} instruments, pacing {self.pacing}{clocks}"


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """One failover."""

    series: Series
    from_broker: str
    to_broker: str
    why: str
    """The product's own words."""
    detected_after_s: float
    """From the old source's last stored quote, of any instrument, to the decision to move."""
    command_s: float
    """How long the simulator took to answer the command: it strikes somewhere in between."""
    covered: int
    """Instruments that had a quote of another broker in time."""
    gaps: Histogram
    """From the old source's last stored quote, of any instrument, to the first of another, by instrument."""
    outages: Histogram
    """From where the fault was commanded to the same."""
    moves: Histogram
    """From the decision to the same."""
    disagreement_s: float | None
    """The largest difference between the product's figures and these, of gaps and detection; None: it gave
    none."""
    product_gaps: int
    """Instruments of which the product gave a gap."""
    finished: bool
    """The product said within a second of the last instrument's first quote that it was done."""
    further_failovers: int
    """Changes of the source that nobody commanded, until the next one was."""


class Quantiles(NamedTuple):
    """Milliseconds."""

    p50: float
    p99: float
    maximum: float

    @classmethod
    def of(cls, histograms: Iterable[Histogram]) -> Quantiles | None:
        """Of all their times together; None of none."""
        pooled: Counter[int] = Counter()
        for each in histograms:
            pooled.update(each)
        ordered = sorted(pooled.items())
        if not ordered:
            return None
        return cls(_quantile(ordered, 0.5), _quantile(ordered, 0.99), ordered[-1][0] / 10)

    def words(self) -> str:
        return " / ".join(f"{value:,.0f}" for value in self)


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """All failovers of one series. Times in milliseconds."""

    series: Series
    failovers: int
    gap: Quantiles | None
    outage: Quantiles | None
    detected: Quantiles | None
    """From the old source's last quote to the decision, one a failover."""
    command: Quantiles | None
    """How long the simulator took to answer the command, one a failover."""
    move: Quantiles | None
    missing: int
    """Instruments, summed over all failovers, that no other broker had brought in time."""
    without_product_gap: int
    """The same, of those to which the product gave no gap."""
    disagreement: float | None
    unfinished: int
    further_failovers: int
    aim_met: bool | None
    """None where there is no aim (with pacing)."""
    reasons: dict[str, int]
    """How often the product gave which reason, broker names taken out."""


def histogram(seconds: Iterable[float]) -> Histogram:
    """Count times."""
    return dict(Counter(round(each * TENTHS_PER_SECOND) for each in seconds))


def summarise(series: Series, measured: Sequence[Measured]) -> Summary:
    """What there is to say about a series."""
    gap = Quantiles.of(each.gaps for each in measured)
    move = Quantiles.of(each.moves for each in measured)
    judged = gap if series.fault in ("closed", "reset") else move
    disagreements = [each.disagreement_s for each in measured if each.disagreement_s is not None]
    missing = sum(series.instruments - each.covered for each in measured)
    aim_met = None
    if series.pacing == "none" and judged is not None:
        aim_met = judged.p99 < AIM_MS and not missing
    return Summary(
        series=series,
        failovers=len(measured),
        gap=gap,
        outage=Quantiles.of(each.outages for each in measured),
        detected=Quantiles.of([histogram(each.detected_after_s for each in measured)]),
        command=Quantiles.of([histogram(each.command_s for each in measured)]),
        move=move,
        missing=missing,
        without_product_gap=sum(each.covered - each.product_gaps for each in measured),
        disagreement=max(disagreements) * 1000 if disagreements else None,
        unfinished=sum(not each.finished for each in measured),
        further_failovers=sum(each.further_failovers for each in measured),
        aim_met=aim_met,
        reasons=dict(Counter(_without_names(each) for each in measured).most_common(5)),
    )


def save(path: Path, measured: Measured) -> None:
    """Append one failover to a file of lines of JSON."""
    with path.open("ab") as file:
        file.write(msgspec.json.encode(measured) + b"\n")


def load(path: Path) -> list[Measured]:
    """What such a file holds; a last line that was cut off is passed over.

    Raises
    ------
    SystemExit
        It holds something else.
    """
    found: list[Measured] = []
    lines = path.read_bytes().splitlines() if path.exists() else []
    for number, line in enumerate(lines, 1):
        try:
            found.append(msgspec.json.decode(line, type=Measured))
        except msgspec.DecodeError as error:
            if number < len(lines):
                raise SystemExit(
                    f"{path}, line {number}: expected a failover of this benchmark, found {error}; "
                    "name another file, or take this one away"
                ) from None
    return found


def _quantile(ordered: Sequence[tuple[int, int]], share: float) -> float:
    wanted = math.ceil(sum(count for _, count in ordered) * share - 1e-9)
    seen = 0
    for tenths, count in ordered:
        seen += count
        if seen >= wanted:
            return tenths / 10
    raise AssertionError("unreachable: the counts add up to all of them")


def _without_names(measured: Measured) -> str:
    words = measured.why
    for name in (measured.from_broker, measured.to_broker):
        words = words.replace(name, "…")
    return words
