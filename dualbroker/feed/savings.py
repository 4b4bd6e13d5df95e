"""What the one-source plan saved, each figure with how it was obtained."""

from __future__ import annotations

import pandas as pd

from dualbroker.model import MessageKind
from dualbroker.stores.bandwidth import BandwidthStore

__all__ = ["savings_frame"]


def savings_frame(bandwidth: BandwidthStore, streaming_brokers: list[str]) -> pd.DataFrame:
    """Bytes carried and, as an estimate, bytes saved; columns ``value``, ``unit``, ``how``.

    The estimate assumes that each other broker would have sent the same quotes in the same bytes for
    the whole time. ``dualbroker verify`` measures instead, on simulated brokers.

    Parameters
    ----------
    streaming_brokers
        Brokers with a socket; a polled one would stream nothing either way.
    """
    totals = bandwidth.totals()

    def carried(kind: MessageKind) -> int:
        return sum(kinds[kind].bytes for kinds in totals.values())

    quotes = carried(MessageKind.QUOTES)
    others = max(0, len(streaming_brokers) - 1)
    naive = quotes * (others + 1)
    saved = quotes * others
    percent = 100.0 * saved / naive if naive else float("nan")
    measured = "measured at the sockets"
    estimated = f"estimated: the measured quote bytes, once for each of {others + 1} brokers with a socket"
    rows = [
        ("quote_bytes", quotes, "bytes", measured),
        ("order_bytes", carried(MessageKind.ORDERS), "bytes", measured),
        ("control_bytes", carried(MessageKind.CONTROL), "bytes", measured),
        ("naive_quote_bytes", naive, "bytes", estimated),
        ("saved_quote_bytes", saved, "bytes", "estimated: naive less carried"),
        ("saved_quote_bytes_percent", percent, "%", "estimated: saved of naive"),
    ]
    frame = pd.DataFrame(rows, columns=["figure", "value", "unit", "how"]).set_index("figure")
    frame["value"] = frame["value"].astype(float)
    frame.attrs["method"] = "estimate"
    return frame
