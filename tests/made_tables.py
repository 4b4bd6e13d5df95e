"""Tables of tests' own, and empty frames of those that are shipped."""

from __future__ import annotations

import pandas as pd

from dualbroker.frames.columns import frame
from dualbroker.tables import Column, Kind, Table

__all__ = ["empty_frame", "table_of"]


def table_of(**kinds: Kind) -> Table:
    """A table with these columns."""
    return Table("", "", tuple(Column(name, kind) for name, kind in kinds.items()))


def empty_frame(table: Table) -> pd.DataFrame:
    """A table's columns and index, without a row."""
    return frame(table, {column.name: [] for column in table.all_columns})
