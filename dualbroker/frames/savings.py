"""What the one-source plan saved, each figure with how it was obtained."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec

from dualbroker.model import MessageKind
from dualbroker.stores.bandwidth import BandwidthStore, Traffic
from dualbroker.tables import SAVINGS

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["SavingsEstimate", "estimate_savings", "savings_frame"]


class SavingsEstimate(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes carried (measured), and what they say about a plan in which every broker streams quotes."""

    quote_bytes: int
    order_bytes: int
    control_bytes: int
    probe_bytes: int
    """What was streamed a second time, to compare brokers."""
    naive_quote_bytes: int
    saved_quote_bytes: int
    saved_percent: float | None
    """Saved of naive; None before the first quote."""
    how: str
    """How the naive figure was obtained, in words."""


def estimate_savings(
    totals: Mapping[str, Mapping[MessageKind, Traffic]], streaming_brokers: int
) -> SavingsEstimate:
    """Bytes carried and, as an estimate, bytes saved.

    The estimate assumes that each other broker would have sent the same quotes in the same bytes for
    the whole time. ``dualbroker verify`` measures instead, on simulated brokers.

    Parameters
    ----------
    totals
        As ``BandwidthStore.totals`` gives them.
    streaming_brokers
        How many brokers have a socket; a polled one would stream nothing either way.
    """

    def carried(kind: MessageKind) -> int:
        return sum(kinds[kind].bytes for kinds in totals.values())

    quotes = carried(MessageKind.QUOTES)
    others = max(0, streaming_brokers - 1)
    naive = quotes * (others + 1)
    probes = carried(MessageKind.PROBE)
    # The naive plan compares brokers for nothing.
    saved = quotes * others - probes
    return SavingsEstimate(
        quote_bytes=quotes,
        order_bytes=carried(MessageKind.ORDERS),
        control_bytes=carried(MessageKind.CONTROL),
        probe_bytes=probes,
        naive_quote_bytes=naive,
        saved_quote_bytes=saved,
        saved_percent=100.0 * saved / naive if naive else None,
        how=f"estimated: the measured quote bytes, once for each of {others + 1} brokers with a socket",
    )


def savings_frame(bandwidth: BandwidthStore, streaming_brokers: list[str]) -> pd.DataFrame:
    """The estimate as a frame; columns ``value`` (whole bytes, and a percentage), ``unit``, ``how``.

    Parameters
    ----------
    streaming_brokers
        Brokers with a socket.
    """
    import pandas as pd  # who only estimates makes no frame

    estimate = estimate_savings(bandwidth.totals(), len(streaming_brokers))
    percent = float("nan") if estimate.saved_percent is None else estimate.saved_percent
    measured = "measured at the sockets"
    rows = [
        ("quote_bytes", estimate.quote_bytes, "bytes", measured),
        ("order_bytes", estimate.order_bytes, "bytes", measured),
        ("control_bytes", estimate.control_bytes, "bytes", measured),
        ("probe_bytes", estimate.probe_bytes, "bytes", measured),
        ("naive_quote_bytes", estimate.naive_quote_bytes, "bytes", estimate.how),
        ("saved_quote_bytes", estimate.saved_quote_bytes, "bytes", "estimated: naive less quotes and probes"),
        ("saved_quote_bytes_percent", percent, "%", "estimated: saved of naive"),
    ]
    frame = pd.DataFrame(rows, columns=[column.name for column in SAVINGS.all_columns])
    # Bytes are whole numbers beside a percentage: as floats they would be shown as 1.583468e+06.
    frame["value"] = pd.Series([value for _, value, _, _ in rows], dtype=object)
    frame = frame.set_index("figure")
    frame.attrs["method"] = "estimate"
    return frame
