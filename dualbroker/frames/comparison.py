"""What comparing brokers has shown, as a frame and in words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from dualbroker import tables
from dualbroker.figures import duration
from dualbroker.frames.columns import frame
from dualbroker.manager.referee import ComparedBroker
from dualbroker.referee.verdict import ERRORS_THAT_COUNT, LAG_THAT_COUNTS_S

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["comparison_frame", "comparison_words"]

SHORTEST_TOLD_S = 0.001


def comparison_frame(results: Sequence[ComparedBroker]) -> pd.DataFrame:
    """One row per broker, the reference first, indexed by its name; columns: ``COMPARISON``."""

    def figures(name: str, factor: float = 1) -> list[Any]:
        return [getattr(each.figures, name) * factor for each in results]

    table = frame(
        tables.COMPARISON,
        {
            "broker_name": [each.broker_name for each in results],
            "lag_ms": figures("lag", 1000),
            "lag_error_ms": figures("lag_error", 1000),
            "lag_p50_ms": figures("lag_p50", 1000),
            "lag_p99_ms": figures("lag_p99", 1000),
            "first_share": figures("first_share"),
            "resolution": figures("resolution"),
            "coverage": figures("coverage"),
            "updates_per_second": figures("updates_per_s"),
            "stalls": figures("stalls"),
            "stalled": figures("stalled"),
            "index_lag_ms": figures("index_lag", 1000),
            "index_lag_error_ms": figures("index_lag_error", 1000),
            "instruments": figures("instruments"),
            "points": figures("points"),
            "quiet_points": figures("quiet"),
            "volume_offsets": figures("offsets"),
            "read_blur_ms": [each.read_blur_s * 1000 for each in results],
            "reference": [each.reference for each in results],
            "begun": [each.begun_ns for each in results],
            "until": [each.until_ns for each in results],
        },
    )
    table.attrs["words"] = comparison_words(results)
    return table


def comparison_words(results: Sequence[ComparedBroker]) -> str:
    """A line for each broker but the reference."""
    lines = [_line(each) for each in results if each.broker_name != each.reference]
    return "\n".join(lines) or "nothing was comparable: no instrument was shown by two brokers"


def _line(one: ComparedBroker) -> str:
    name, found = one.broker_name, one.figures
    if math.isnan(found.lag):
        lag = f"{name}: too few trades were seen to tell whether it is later than {one.reference}"
    elif abs(found.lag) < max(ERRORS_THAT_COUNT * found.lag_error, SHORTEST_TOLD_S):
        lag = f"{name} shows trades no measurably later or sooner than {one.reference}"
        lag += f" ({_signed(found.lag)}, give or take {duration(found.lag_error)})"
    else:
        order = "later" if found.lag > 0 else "sooner"
        lag = (
            f"{name} shows trades {duration(abs(found.lag))} {order} than {one.reference} on average "
            f"(give or take {duration(found.lag_error)})"
        )
        if abs(found.lag) < LAG_THAT_COUNTS_S:
            lag += ", too little to choose a broker by"
    parts = [lag]
    if not math.isnan(found.resolution):
        parts.append(f"it shows {found.resolution:.0%} of all changes of volume")
    if not math.isnan(found.coverage) and found.coverage < 1:
        parts.append(f"where nothing moves it has the newest price in {found.coverage:.0%} of all cases")
    if found.stalls:
        times = "once" if found.stalls == 1 else f"{found.stalls} times"
        parts.append(f"it stood still {times}, for {duration(found.stalled)} in all")
    return "; ".join(parts)


def _signed(seconds: float) -> str:
    return f"{'-' if seconds < 0 else '+'}{duration(abs(seconds))}"
