"""The merge is written at import, out of the fields of a quote."""

from __future__ import annotations

import inspect
import traceback
from array import array
from typing import Any

from dualbroker.model import QUOTE_FIELDS, QUOTE_UNITS, Quote, QuoteBatch, Unit
from dualbroker.noren.quotes import DepthSnapshot
from dualbroker.stores.merging import in_units, merge_read
from dualbroker.stores.quotes import QuoteStore
from dualbroker.stores.tick_blocks import ROW_FIELDS, TICK_DTYPE


def test_the_fields_of_a_quote_are_said_once_in_the_order_of_its_rows() -> None:
    fields = Quote.__struct_fields__
    assert fields[fields.index("ltp") :] == QUOTE_FIELDS
    assert TICK_DTYPE.names == ROW_FIELDS == ("receive_time", "feed_time", *QUOTE_FIELDS)


def test_the_merge_says_every_field_and_can_be_read() -> None:
    source = inspect.getsource(merge_read)
    assert all(f"update.{name})" in source for name in ("feed_time", *QUOTE_FIELDS))


def test_a_traceback_shows_the_line_of_the_merge_that_failed() -> None:
    class Broken:
        exchange = token = "1"
        is_snapshot = has_depth = False
        feed_time = None

    broken: Any = Broken()
    block = QuoteStore(10).blocks()[0]
    try:
        tokens_of = {"1": {"1": 0}}.get
        merge_read(None, QuoteBatch("a", 1, [broken]), 0, tokens_of, [array("d")], [-1], block, [])  # type: ignore[arg-type]
    except Exception:
        shown = traceback.format_exc()
    assert "row[0] = receive_time" in shown


def test_lots_become_units_at_every_level_and_prices_stay() -> None:
    said: dict[str, Any] = dict.fromkeys(QUOTE_FIELDS, 2.0)
    said |= {f"{side}_quantity{level}": float(level) for side in ("bid", "ask") for level in range(2, 6)}
    lots = DepthSnapshot(exchange="MCX", token="1", **said)
    scaled = in_units(lots, 100)
    assert isinstance(scaled, DepthSnapshot)
    expected = {name: 200.0 if unit is Unit.UNITS else 2.0 for name, unit in QUOTE_UNITS.items()}
    assert {name: getattr(scaled, name) for name in QUOTE_FIELDS} == expected
    assert [level.quantity for level in scaled.levels()[1]] == [200.0, 200.0, 300.0, 400.0, 500.0]
    assert lots.bid_quantity == 2.0
