"""Which wire name is what kind of value (protocol: sections 1.5 to 1.8, 2.3 and 2.4), for the judges.

Said here a second time, apart from the product's own tables.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from .reference import LARGEST_EXACT, expect, number_in, price_in, quantity_in, text_in, whole_in

__all__ = ["ORDER_FIELDS", "QUOTE_FIELDS", "check_fields"]

_LATEST_EPOCH_S = 9_223_372_035

_SIDES = tuple((f"b{what}{level}", f"s{what}{level}") for what in "pqo" for level in range(1, 6))

QUOTE_FIELDS: Mapping[str, str] = {
    **dict.fromkeys(("lp", "o", "h", "l", "c", "ap", "uc", "lc", "52h", "52l", "ue", "le", "ti"), "price"),
    **{name: "price" for pair in _SIDES for name in pair if name[1] == "p"},
    **{name: "quantity" for pair in _SIDES for name in pair if name[1] != "p"},
    **dict.fromkeys(("v", "oi", "poi", "toi", "ltq", "tbq", "tsq"), "quantity"),
    "pc": "percent",
    **dict.fromkeys(("pp", "ls"), "whole"),
    "ft": "epoch",
    **dict.fromkeys(("ts", "ord_msg", "ltt", "e", "tk"), "text"),
}

ORDER_FIELDS: Mapping[str, str] = {
    **dict.fromkeys(("prc", "trgprc", "avgprc", "flprc"), "price"),
    **dict.fromkeys(("qty", "fillshares", "cancelqty", "flqty"), "quantity"),
    "tm": "epoch",
    "ntm": "whole",
    **dict.fromkeys(
        (
            *("norenordno", "norenoordno", "exch", "token", "tsym", "trantype", "prctyp", "pcode", "prd"),
            *("ret", "status", "reporttype", "rpt", "flid", "fltm", "rejreason", "exchordid", "remarks"),
            *("norentm", "ordenttm", "exch_tm", "amo", "exchorderid", "filltm", "ordentm"),
        ),
        "text",
    ),
}

_OTHER_SPELLINGS = {
    "norenordno": "norenoordno",
    "pcode": "prd",
    "reporttype": "rpt",
    "exchordid": "exchorderid",
    "fltm": "filltm",
    "ordenttm": "ordentm",
}

_READERS: Mapping[str, Callable[[object], object]] = {
    "quantity": quantity_in,
    "percent": lambda value: number_in(value, -1e9, 1e9),
    "whole": lambda value: whole_in(value, 0, LARGEST_EXACT),
    "epoch": lambda value: whole_in(value, 0, _LATEST_EPOCH_S),
    "text": text_in,
}


def check_fields(
    message: msgspec.Struct, wire: Mapping[str, Any], kinds: Mapping[str, str], exchange_name: str
) -> None:
    """Every field of a message says what the wire says, or is None where that can't be read."""
    exchange = text_in(wire.get(exchange_name))
    names = zip(message.__struct_encode_fields__, message.__struct_fields__, strict=True)
    for wire_name, name in names:
        kind = kinds[wire_name]
        value = wire.get(wire_name)
        expected = price_in(value, exchange) if kind == "price" else _READERS[kind](value)
        if wire_name in _OTHER_SPELLINGS and not str(expected or "").strip():
            other = text_in(wire.get(_OTHER_SPELLINGS[wire_name]))
            expected = other if expected is None or str(other or "").strip() else expected
        found = getattr(message, name)
        same = found == expected and (found is None) == (expected is None)
        expect(same, f"{wire_name} ({kind}): {value!r:.80} was read as {found!r:.80}, not {expected!r:.80}")
