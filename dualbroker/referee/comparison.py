"""Two brokers' tapes of one instrument compared, and many such comparisons put together. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np

from dualbroker.referee.lag import GUARD_INTERVALS, compare_levels, stalls_of, weighted_quantiles
from dualbroker.referee.price_shift import price_shift
from dualbroker.referee.quiet import quiet_points
from dualbroker.referee.tape import Floats, Rises, Span, Tape

__all__ = ["Compared", "Summary", "compare", "summarise"]

SHORTEST_STALL_S = 10.0
STALL_INTERVALS = 10.0
"""Without a rise for so many usual intervals, while the other broker's volume rose, a broker stalls: less may
be updates that were lost."""
MOST_QUANTILES = 200


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    """One instrument at a broker against the same at the reference. Seconds, units; NaN is unknown."""

    seconds: float
    """How long both were there."""
    updates: int
    has_volume: bool
    lag: float = np.nan
    lag_error: float = np.nan
    """Standard error."""
    points: float = 0.0
    """Independent points that the lag comes from."""
    lag_quantiles: tuple[float, ...] = ()
    """Of single levels, evenly spaced from 0 to 1."""
    first_share: float = np.nan
    shown: int = 0
    """Distinct levels of volume that this broker showed."""
    shown_by_any: int = 0
    newest: int = 0
    """Quiet points at which it had the newest price and volume."""
    quiet: int = 0
    stalls: tuple[Span, ...] = ()
    offset: float = 0.0
    """Units of volume that it shows more, at each quiet point the same."""
    contradictions: int = 0
    """The last quiet points in a row at which it can't have shown the same instrument in the same unit."""
    contradiction: str = ""
    """What it showed at the last of these, in words."""


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """A broker against the reference over all instruments and stretches. Seconds; NaN is unknown."""

    instruments: int
    seconds: float
    """Of all instruments together."""
    updates_per_s: float
    """Of one instrument, on average."""
    lag: float
    lag_error: float
    points: float
    lag_p50: float
    lag_p99: float
    first_share: float
    resolution: float
    coverage: float
    quiet: int
    stalls: int
    stalled: float
    """Seconds within stalls."""
    offsets: int
    """Instruments whose volume differs by a constant."""
    index_lag: float
    index_lag_error: float


def compare(reference: Tape, own: Tape, until: float) -> Compared:
    """How a broker shows an instrument, against the reference, up to a moment of the tapes' seconds.

    A tape compared with itself gives the reference's own figures.
    """
    if not len(reference) or not len(own):
        return Compared(seconds=0.0, updates=0, has_volume=False)
    begin = float(max(reference.times[0], own.times[0]))
    # The first message answers the subscription, and is no update.
    updates = int(np.count_nonzero((own.times > begin) & (own.times <= until)))
    has_volume = reference.has_volume and own.has_volume
    common = Compared(seconds=max(0.0, until - begin), updates=updates, has_volume=has_volume)
    if not has_volume:
        shift, error = price_shift(reference, own, until)
        return msgspec.structs.replace(common, lag=shift, lag_error=error)
    quiet = quiet_points(reference, own, until)
    offset = quiet.offset
    a, b = reference.rises(), own.rises(offset)
    stalls_a, stalls_b = (
        stalls_of(x, y, until, _stall_bound(x, reference, own)) for x, y in ((a, b), (b, a))
    )
    slowest = max((each.interval for each in (reference, own) if len(each) > 1), default=0.0)
    guard = min(GUARD_INTERVALS * slowest, common.seconds / 4)
    lags = compare_levels(a, b, until, guard, (stalls_a, stalls_b))
    shown, shown_by_any = _levels_shown(a, b, begin, until - guard)
    newest, of_quiet = quiet.coverage()
    agree = np.flatnonzero(~quiet.contradictions())
    in_a_row = len(quiet) - (int(agree[-1]) + 1 if len(agree) else 0)
    return msgspec.structs.replace(
        common,
        lag=lags.mean,
        lag_error=lags.standard_error,
        points=lags.points,
        lag_quantiles=lags.quantiles(*np.linspace(0, 1, MOST_QUANTILES).tolist()),
        first_share=lags.first_share,
        shown=shown,
        shown_by_any=shown_by_any,
        newest=newest,
        quiet=of_quiet,
        stalls=tuple(stalls_b),
        offset=offset,
        contradictions=in_a_row,
        contradiction=quiet.words() if in_a_row else "",
    )


def summarise(compared: Sequence[Compared], instruments: int) -> Summary:
    """Many comparisons of one broker with the reference as one row of figures.

    Lags count by the independent points they come from. Stalls at the same time are one.
    """
    with_volume = [each for each in compared if each.has_volume]
    lagged = [each for each in with_volume if np.isfinite(each.lag)]
    points = np.array([each.points for each in lagged])
    indices = [each for each in compared if not each.has_volume and np.isfinite(each.lag)]
    seconds = sum(each.seconds for each in compared)
    stalls = _merged([span for each in compared for span in each.stalls])
    lag, error = _pooled(np.array([[each.lag, each.lag_error] for each in lagged]), points)
    index_lag, index_error = _pooled(
        np.array([[each.lag, each.lag_error] for each in indices]),
        np.array([each.seconds for each in indices]),
    )
    p50 = p99 = first_share = np.nan
    if lagged:
        values = np.concatenate([each.lag_quantiles for each in lagged])
        p50, p99 = weighted_quantiles(values, np.repeat(points, MOST_QUANTILES), (0.5, 0.99))
        first_share = float(np.average([each.first_share for each in lagged], weights=points))
    return Summary(
        instruments=instruments,
        seconds=seconds,
        updates_per_s=_share(sum(each.updates for each in compared), seconds),
        lag=lag,
        lag_error=error,
        points=float(points.sum()),
        lag_p50=p50,
        lag_p99=p99,
        first_share=first_share,
        resolution=_share(sum(e.shown for e in with_volume), sum(e.shown_by_any for e in with_volume)),
        coverage=_share(sum(e.newest for e in with_volume), sum(e.quiet for e in with_volume)),
        quiet=sum(each.quiet for each in with_volume),
        stalls=len(stalls),
        stalled=sum(span.end - span.begin for span in stalls),
        offsets=sum(each.offset != 0 for each in compared),
        index_lag=index_lag,
        index_lag_error=index_error,
    )


def _stall_bound(rises: Rises, *tapes: Tape) -> float:
    # The usual interval is the median, which a stall does not lengthen.
    usual = float(np.median(np.diff(rises.times))) if len(rises) > 1 else 0.0
    return max(SHORTEST_STALL_S, STALL_INTERVALS * max(usual, min(tape.interval for tape in tapes)))


def _levels_shown(a: Rises, b: Rises, begin: float, end: float) -> tuple[int, int]:
    """Distinct levels that ``b`` showed, and either did, of those that were reached between two moments."""
    low = max(a.level_at(begin), b.level_at(begin))
    high = max(a.level_at(end), b.level_at(end))
    either = np.union1d(a.levels, b.levels)
    within = either[(either > low) & (either <= high)]
    return int(np.isin(within, b.levels).sum()), len(within)


def _pooled(rows: Floats, weights: Floats) -> tuple[float, float]:
    if not len(rows):
        return np.nan, np.nan
    mean = float(np.average(rows[:, 0], weights=weights))
    return mean, float(np.sqrt(((weights * rows[:, 1]) ** 2).sum()) / weights.sum())


def _share(part: float, whole: float) -> float:
    return part / whole if whole else np.nan


def _merged(spans: list[Span]) -> list[Span]:
    """The stretches that any of the spans cover."""
    merged: list[Span] = []
    for span in sorted(spans):
        if merged and span.begin <= merged[-1].end:
            merged[-1] = Span(merged[-1].begin, max(merged[-1].end, span.end))
        else:
            merged.append(span)
    return merged
