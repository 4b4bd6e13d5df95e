"""From tables of changes to ticks: the one place where dicts are made, once per tick."""

from __future__ import annotations

from itertools import islice

import numpy as np
from numpy.typing import NDArray

from dualbroker.model import QUOTE_FIELDS
from dualbroker.simulator.market.market import MarketTick
from dualbroker.simulator.market.pricing import Floats, Integers

__all__ = ["FIELDS", "FIELD_ROW", "make_ticks"]

FIELDS = (*QUOTE_FIELDS, "feed_time")
"""Order of the columns of the tables of this package."""
FIELD_ROW = {name: position for position, name in enumerate(FIELDS)}
_NAMES = np.array(FIELDS, dtype=object)


def make_ticks(indices: Integers, values: Floats, changed: NDArray[np.bool_]) -> list[MarketTick]:
    """One tick per row, of its changed fields.

    Parameters
    ----------
    indices
        Instrument of each row.
    values, changed
        Shape (rows, ``len(FIELDS)``): new values, and which of them to tell.
    """
    _, columns = np.nonzero(changed)
    pairs = zip(_NAMES[columns].tolist(), values[changed].tolist(), strict=True)
    counts = changed.sum(axis=1).tolist()
    return [
        MarketTick(index, dict(islice(pairs, count)))
        for index, count in zip(indices.tolist(), counts, strict=True)
    ]
