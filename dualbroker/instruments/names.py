"""What a name says by itself: exchange, underlying, expiry, strike and type. No symbol master is asked.

A derivative's name can often be read in more than one way, because names of underlyings end in digits
(``NIFTYNXT50``) and dates are written without separators. So every reading is returned, and whoever
holds the symbol master keeps the ones that exist.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

import msgspec

__all__ = [
    "DEFAULT_EXCHANGE",
    "DERIVATIVES_OF",
    "EXCHANGES",
    "INDICES",
    "LONGEST_NAME",
    "MONTHS",
    "DerivativeName",
    "IndexName",
    "compact",
    "exchange_for",
    "index_named",
    "may_be_elsewhere",
    "read_derivative",
    "readable",
    "split_exchange",
    "underlying_named",
]

EXCHANGES = ("NSE", "NFO", "BSE", "BFO", "CDS", "MCX", "BCD", "NCX", "NCO")
"""Exchange segments as Noren brokers write them."""

DEFAULT_EXCHANGE = "NFO"
"""Where a name is looked for first that says and implies no exchange."""

DERIVATIVES_OF = {"NSE": "NFO", "BSE": "BFO"}
"""Where the derivatives of a cash market's shares and indices are listed."""

MONTHS = {
    month: number
    for number, month in enumerate(
        ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"), start=1
    )
}

LONGEST_NAME = 64
"""Characters; the longest trading symbols have about 30."""

_BSE_UNDERLYINGS = frozenset({"SENSEX", "SENSEX50", "BANKEX"})
"""Indices whose derivatives are listed on BFO only."""


class IndexName(msgspec.Struct, frozen=True):
    """An index that has a plain name, with its row in the symbol master.

    Tokens of NSE as in Shoonya's master; BSE's are absent from the masters and known from clients
    (protocol: section 3).
    """

    exchange: str
    token: str
    symbol: str
    """Trading symbol."""
    name: str
    """Plain name, which is also the name of its derivatives' underlying."""
    aliases: tuple[str, ...] = ()


INDICES = (
    IndexName("NSE", "26000", "NIFTY INDEX", "NIFTY", ("NIFTY 50",)),
    IndexName("NSE", "26009", "NIFTY BANK", "BANKNIFTY", ("BANK NIFTY",)),
    IndexName(
        "NSE", "26037", "FINNIFTY", "FINNIFTY", ("NIFTY FIN SERVICE", "NIFTY FIN SERVICES", "FIN NIFTY")
    ),
    IndexName("NSE", "26074", "MIDCPNIFTY", "MIDCPNIFTY", ("NIFTY MID SELECT", "NIFTY MIDCAP SELECT")),
    IndexName("NSE", "26013", "NIFTYNXT50", "NIFTYNXT50", ("NIFTY NEXT 50", "NIFTY NXT 50")),
    IndexName("NSE", "26017", "INDIA VIX", "INDIA VIX"),
    IndexName("BSE", "1", "SENSEX", "SENSEX"),
    IndexName("BSE", "12", "BANKEX", "BANKEX"),
)


def readable(text: str) -> str:
    """The text with ``?`` for what no text can hold, such as half of a surrogate pair."""
    return text.encode("utf-8", "replace").decode("utf-8")


def compact(text: str) -> str:
    """The text in capitals, without any white space."""
    return "".join(text.upper().split())


_INDEX_BY_NAME = {
    compact(name): index for index in INDICES for name in (index.symbol, index.name, *index.aliases)
}


class DerivativeName(msgspec.Struct, frozen=True):
    """One reading of a derivative's name. Without a strike it is a future."""

    underlying: str
    expiry: date | None = None
    """The exact day; None where the name gives only the month (Kite's monthly names)."""
    month: tuple[int, int] | None = None
    """``(year, month)`` where the name says no day; its day is the month's last expiry in the master."""
    strike: float | None = None
    option_type: str | None = None
    """``CE`` or ``PE``."""


def split_exchange(name: str) -> tuple[str | None, str]:
    """Split ``NSE:RELIANCE`` into its exchange and the rest, both in capitals.

    The exchange is None where the name has no ``:``. It is not checked against `EXCHANGES`.
    """
    exchange, colon, rest = name.upper().partition(":")
    if not colon:
        return None, " ".join(exchange.split())
    return exchange.strip(), " ".join(rest.split())


def index_named(name: str) -> IndexName | None:
    """The index that has this plain name, whatever its case and spaces."""
    return _INDEX_BY_NAME.get(compact(name))


def underlying_named(name: str) -> str:
    """The name under which derivatives list this underlying: ``nifty 50`` is ``NIFTY``."""
    index = index_named(name)
    return index.name if index else compact(name)


def exchange_for(name: str, exchange: str = "NFO") -> str:
    """The exchange whose symbol master must be at hand to resolve this name.

    A qualified name says it itself, an index's plain name implies it, derivatives of BSE's indices are on
    BFO, and six digits are a scrip code of BSE; all else is looked for on the given exchange.
    """
    qualifier, rest = split_exchange(name)
    if qualifier is not None:
        return qualifier
    index = index_named(rest)
    if index is not None:
        return index.exchange
    if _SCRIP_CODE.fullmatch(rest):
        return "BSE"
    if any(reading.underlying in _BSE_UNDERLYINGS for reading in read_derivative(rest)):
        return "BFO"
    return exchange.upper()


def may_be_elsewhere(name: str, exchange: str) -> bool:
    """Whether a name that `DEFAULT_EXCHANGE` does not know may be looked for on other exchanges.

    There is no doubt about it then: nobody has named an exchange. ``RELIANCE`` is the share on NSE.
    """
    qualifier, rest = split_exchange(name)
    return qualifier is None and exchange_for(rest, exchange) == exchange.upper() == DEFAULT_EXCHANGE


_SCRIP_CODE = re.compile(r"[1-9]\d{5}", re.ASCII)
_MONTH = "|".join(MONTHS)
_STRIKE = r"(?P<strike>(?:0|[1-9]\d*)(?:\.\d+)?)"
_NOREN = re.compile(
    rf"(?P<day>\d\d)(?P<month>{_MONTH})(?P<year>\d\d)(?:F|(?P<type>[CP]){_STRIKE})?", re.ASCII
)
_KITE_MONTHLY = re.compile(rf"(?P<year>\d\d)(?P<month>{_MONTH})(?:FUT|{_STRIKE}(?P<type>CE|PE))", re.ASCII)
_KITE_WEEKLY = re.compile(
    rf"(?P<year>\d\d)(?P<month>[1-9OND])(?P<day>\d\d)(?:FUT|{_STRIKE}(?P<type>CE|PE))", re.ASCII
)
_OPENALGO = re.compile(
    rf"(?P<day>\d\d)(?P<month>{_MONTH})(?P<year>\d\d)(?:FUT|{_STRIKE}(?P<type>CE|PE))", re.ASCII
)
_WEEKLY_MONTHS = {str(number): number for number in range(1, 10)} | {"O": 10, "N": 11, "D": 12}


def read_derivative(name: str) -> list[DerivativeName]:
    """Every way to read a name as an option's or a future's; empty where there is none.

    Understood are Noren's form (``NIFTY29DEC26C26000``, ``NIFTY29DEC26F``, on MCX ``GOLD05FEB27``), Kite's
    (weekly ``NIFTY26D0126000CE``, monthly ``NIFTY26DEC26000CE``, futures ``NIFTY26DECFUT`` and
    ``SENSEX26D03FUT``), which BFO uses too, and OpenAlgo's, which is Angel's too
    (``NIFTY29DEC2626000CE``, ``NIFTY29DEC26FUT``). Case and white space do not matter. Years are 20xx.
    """
    text = compact(name)
    if len(text) > LONGEST_NAME:
        return []
    return [
        reading
        for split in range(1, len(text))
        if text[split].isdigit()
        for reading in _readings(text[:split], text[split:])
    ]


def _readings(underlying: str, rest: str) -> Iterator[DerivativeName]:
    for pattern in (_NOREN, _OPENALGO, _KITE_MONTHLY, _KITE_WEEKLY):
        match = pattern.fullmatch(rest)
        if match is None:
            continue
        parts = match.groupdict()
        strike = float(parts["strike"]) if parts["strike"] else None
        if strike == 0:
            continue
        year = 2000 + int(parts["year"])
        month = MONTHS.get(parts["month"]) or _WEEKLY_MONTHS[parts["month"]]
        expiry = None
        if pattern is not _KITE_MONTHLY:
            expiry = _day(year, month, int(parts["day"]))
            if expiry is None:
                continue
        yield DerivativeName(
            underlying=underlying,
            expiry=expiry,
            month=(year, month) if expiry is None else None,
            strike=strike,
            option_type=f"{parts['type'][0]}E" if parts["type"] else None,
        )


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None
