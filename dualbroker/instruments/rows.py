"""The fields of a symbol master's text, row by row; what they mean is said in `master`."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.csv

from dualbroker.errors import WireError
from dualbroker.figures import number
from dualbroker.instruments.arrays import to_texts

__all__ = ["split_rows"]

_LONGEST_HEADER_BYTES = 4096
_MOST_COLUMNS = 64
"""The widest layout has twelve."""

_REQUIRED = ("token", "symbol", "tradingsymbol", "instrument", "lotsize")
_OPTIONAL = ("exchange", "expiry", "optiontype", "strike", "ticksize")
_SAME_COLUMN = {"strikeprice": "strike"}


def split_rows(exchange: str, text: bytes) -> tuple[list[str], pa.Table, int]:
    """The header's names, all fields of well-formed rows, and the number of malformed ones.

    Raises
    ------
    WireError
        It has no line of a master's column names, or is no CSV text.
    """
    text = text.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").replace(b"\r", b"\n").strip(b"\n")
    first_line, _, body = _utf8(text).partition(b"\n")
    if len(first_line) > _LONGEST_HEADER_BYTES or first_line.count(b",") > _MOST_COLUMNS:
        raise WireError(
            f"expected the symbol master of {exchange} with a line of column names, found "
            f"{number(len(first_line))} bytes in its first line"
        )
    header = [name.strip().lower() for name in first_line.decode("utf-8").split(",")]
    if header[-1] == "":
        header.pop()
        body = (body + b"\n").replace(b",\n", b"\n")
    header = [_SAME_COLUMN.get(name, name) for name in header]
    missing = [name for name in _REQUIRED if header.count(name) != 1]
    missing += [name for name in _OPTIONAL if header.count(name) > 1]
    if missing:
        start = first_line[:60].decode("utf-8", "replace")
        raise WireError(
            f"expected the symbol master of {exchange} with one column {missing[0]!r}, "
            f"found {f'a text that begins with {start!r}' if start else 'an empty answer'}"
        )
    malformed = 0

    def skip(_row: Any) -> str:
        nonlocal malformed
        malformed += 1
        return "skip"

    numbers = [str(number) for number in range(len(header))]
    word = pa.dictionary(pa.int32(), pa.string())
    plain = {numbers[header.index(name)] for name in ("token", "tradingsymbol")}
    body = b"\n" + body  # a byte order mark at the very start would be dropped, and its row changed
    if not body.strip():
        return header, pa.table([to_texts([])] * len(numbers), names=numbers), 0
    try:
        rows = pyarrow.csv.read_csv(
            pa.BufferReader(body),
            # One block: rows never straddle two. Quotes mean nothing, so a stray one can't swallow lines.
            read_options=pyarrow.csv.ReadOptions(
                column_names=numbers, block_size=len(body) + 1, use_threads=False
            ),
            parse_options=pyarrow.csv.ParseOptions(quote_char=False, invalid_row_handler=skip),
            convert_options=pyarrow.csv.ConvertOptions(
                column_types={number: pa.string() if number in plain else word for number in numbers},
                strings_can_be_null=False,
            ),
        )
    except pa.ArrowInvalid as error:
        raise WireError(
            f"expected the symbol master of {exchange} as CSV, found: {str(error)[:200]}"
        ) from error
    return header, rows.combine_chunks(), malformed


def _utf8(text: bytes) -> bytes:
    """Valid UTF-8; what was not becomes U+FFFD, by which its rows are then skipped."""
    try:
        text.decode("utf-8")
    except UnicodeDecodeError:
        return text.decode("utf-8", "replace").encode("utf-8")
    return text
