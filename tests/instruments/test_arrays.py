from __future__ import annotations

import subprocess
import sys

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from dualbroker.instruments.arrays import SortedTexts, flags_of, numbers_of, to_column, to_flags, to_texts

texts = st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=4), max_size=30)


@given(texts, st.text(st.characters(exclude_categories=["Cs"]), max_size=4))
def test_a_text_is_found_in_its_first_row_or_not_at_all(column: list[str], other: str) -> None:
    found = SortedTexts(to_texts(column))
    for text in [*column, other]:
        assert found.row_of(text) == (column.index(text) if text in column else None)


@given(texts)
def test_texts_are_those_that_pyarrow_makes(column: list[str]) -> None:
    assert to_texts(column).equals(pa.array(column, pa.string()))


@given(st.lists(st.none() | st.integers(-9, 9), max_size=30), st.integers(0, 30))
def test_numbers_are_those_of_pyarrow_from_any_row_on(values: list[int | None], start: int) -> None:
    column = pa.array(values, pa.int64()).slice(start)
    assert numbers_of(column, -10).tolist() == [-10 if each is None else each for each in values[start:]]
    known = np.array([each is not None for each in values], dtype=np.bool_)
    numbers = np.array([each or 0 for each in values], dtype=np.int64)
    assert to_column(numbers, pa.int64(), known).equals(pa.array(values, pa.int64()))


@given(st.lists(st.none() | st.booleans(), max_size=30), st.integers(0, 30))
def test_flags_are_those_of_pyarrow_from_any_row_on(values: list[bool | None], start: int) -> None:
    column = pa.array(values, pa.bool_()).slice(start)
    assert flags_of(column).tolist() == [each is True for each in values[start:]]
    flags = np.array([each is True for each in values], dtype=np.bool_)
    assert to_flags(flags).to_pylist() == flags.tolist()


def test_a_client_without_frames_reads_masters_without_pandas() -> None:
    program = """
import sys
import dualbroker.manager
from dualbroker.instruments import Instruments, parse_master
from datetime import date
from tests.instruments.samples import BFO_HEADER, NFO_HEADER, NSE_HEADER, future_row, master, option_row
found = Instruments()
day = date(2026, 12, 29)
options = [option_row(number, "NIFTY", day, str(100 * number), "CE") for number in range(1, 9)]
found.add(parse_master("NFO", master(NFO_HEADER, [*options, future_row(9, "NIFTY", day)])))
found.add(parse_master("NSE", master(NSE_HEADER, ["NSE,26000,1,Nifty 50,NIFTY INDEX,INDEX,0,"])))
found.add(parse_master("BSE", master(NSE_HEADER, ["BSE,500325,1,RELIANCE,RELIANCE,A,0.05,"])))
sensex = "BFO,7,20,BSX,SENSEX29DEC26C80000,29-DEC-2026,OPTIDX,CE,80000,0.05,"
found.add(parse_master("BFO", master(BFO_HEADER, [sensex])))
assert found.resolve("NIFTY29DEC26C500").token == "5"
assert found.resolve("NIFTY").name == "NIFTY" and found.search("nifty 29dec 500 ce")
assert found.option("NIFTY", day, 500, "CE") and found.get(("BSE", "500325"))
assert "pandas" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], check=True)
