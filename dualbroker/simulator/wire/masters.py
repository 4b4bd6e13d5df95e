"""Symbol masters of the simulated brokers: zips in the layout in which the real ones are served.

protocol: section 3. Lines end in a comma; an index has the tick size 0; a future has the option type XX
and the strike -0.01; BSE's file lists no indices; BFO's ``Symbol`` is a product code.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterable, Mapping
from datetime import date

from dualbroker.errors import DualBrokerError
from dualbroker.model import Instrument, InstrumentKind
from dualbroker.simulator.market.names import MONTHS, index_name, multiplier

__all__ = ["FLATTRADE_FILES", "MASTER_EXCHANGES", "flattrade_csv", "master_date", "master_zip"]

_CASH_HEADER = "Exchange,Token,LotSize,Symbol,TradingSymbol,Instrument,TickSize,"
_DERIVATIVE_HEADER = (
    "Exchange,Token,LotSize,Symbol,TradingSymbol,Expiry,Instrument,OptionType,StrikePrice,TickSize,"
)
_HEADERS = {
    "NSE": _CASH_HEADER,
    "BSE": _CASH_HEADER,
    "NFO": _DERIVATIVE_HEADER,
    "BFO": _DERIVATIVE_HEADER,
    "CDS": _DERIVATIVE_HEADER.replace("LotSize,", "LotSize,Precision,Multiplier,"),
    "MCX": _DERIVATIVE_HEADER.replace("LotSize,", "LotSize,GNGD,"),
}
_FLATTRADE_HEADER = "Exchange,Token,Lotsize,Symbol,Tradingsymbol,Instrument,Expiry,Strike,Optiontype"
FLATTRADE_FILES: Mapping[str, tuple[str, Callable[[Instrument], bool]]] = {
    "NSE_Equity": ("NSE", lambda item: True),
    "BSE_Equity": ("BSE", lambda item: True),
    "Nfo_Equity_Derivatives": ("NFO", lambda item: item.instrument_type.endswith("STK")),
    "Nfo_Index_Derivatives": ("NFO", lambda item: item.instrument_type.endswith("IDX")),
    "Bfo_Equity_Derivatives": ("BFO", lambda item: item.instrument_type.endswith("STK")),
    "Bfo_Index_Derivatives": ("BFO", lambda item: item.instrument_type.endswith("IDX")),
    "Currency_Derivatives": ("CDS", lambda item: True),
    "Commodity": ("MCX", lambda item: True),
}
"""Exchange of each file, and which of its instruments are in it (protocol: section 3)."""
MASTER_EXCHANGES = tuple(_HEADERS)
"""Exchanges of which a master can be made."""

_BFO_PRODUCTS = {"SENSEX": "BSXOPT"}
_NO_STRIKE = "-0.01"
_NO_OPTION = "XX"
_OLDEST_ZIP_TIME = (1980, 1, 1, 0, 0, 0)
"""A fixed time, so that equal masters are equal bytes."""


def master_zip(exchange: str, instruments: Iterable[Instrument]) -> bytes:
    """The zip of one exchange's symbol master, ``NFO_symbols.txt`` for NFO in it.

    Parameters
    ----------
    exchange
        NSE, NFO, BSE, BFO, CDS or MCX.
    instruments
        Of any exchanges; only those of this one are listed, in their order.

    Raises
    ------
    DualBrokerError
        Another exchange.
    """
    header = _HEADERS.get(exchange)
    if header is None:
        raise DualBrokerError(f"expected one of {', '.join(MASTER_EXCHANGES)}, found {exchange!r}")
    lines = [header]
    for instrument in instruments:
        if instrument.exchange == exchange and not _is_left_out(instrument):
            lines.append(_derivative_row(instrument) if instrument.expiry else _cash_row(instrument))
    text = "\n".join([*lines, ""])
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        entry = zipfile.ZipInfo(f"{exchange}_symbols.txt", date_time=_OLDEST_ZIP_TIME)
        entry.compress_type = zipfile.ZIP_DEFLATED
        entry.create_system = 0
        archive.writestr(entry, text.encode("utf-8"))
    return buffer.getvalue()


def flattrade_csv(file: str, instruments: Iterable[Instrument]) -> bytes:
    """One of Flattrade's files, ``Nfo_Index_Derivatives`` for one; other columns, and plain.

    Parameters
    ----------
    file
        One of ``FLATTRADE_FILES``, without ``.csv``.
    """
    exchange, belongs = FLATTRADE_FILES[file]
    lines = [_FLATTRADE_HEADER]
    for item in instruments:
        if item.exchange != exchange or _is_left_out(item) or not belongs(item):
            continue
        name = index_name(item.name) if item.kind is InstrumentKind.INDEX else item.name
        expiry = "" if item.expiry is None else master_date(item.expiry)
        strike = "" if item.expiry is None else _number(item.strike)
        option_type = item.option_type or (_NO_OPTION if item.expiry else "")
        lines.append(
            f"{exchange},{item.token},{item.lot_size},{name},{item.symbol},{item.instrument_type},"
            f"{expiry},{strike},{option_type}"
        )
    return "\n".join([*lines, ""]).encode("utf-8")


def _is_left_out(instrument: Instrument) -> bool:
    return instrument.exchange == "BSE" and instrument.kind is InstrumentKind.INDEX


def _cash_row(instrument: Instrument) -> str:
    name = instrument.name
    if instrument.kind is InstrumentKind.INDEX:
        name = index_name(name)
    return (
        f"{instrument.exchange},{instrument.token},{instrument.lot_size},{name},{instrument.symbol},"
        f"{instrument.instrument_type},{_number(instrument.tick_size)},"
    )


def _derivative_row(instrument: Instrument) -> str:
    name = instrument.name
    if instrument.exchange == "BFO":
        name = _BFO_PRODUCTS.get(name, name)
    strike = _NO_STRIKE if instrument.strike is None else _number(instrument.strike)
    expiry = "" if instrument.expiry is None else master_date(instrument.expiry)
    more = {"CDS": f"4,{multiplier(instrument)},", "MCX": "1,"}.get(instrument.exchange, "")
    return (
        f"{instrument.exchange},{instrument.token},{instrument.lot_size},{more}{name},{instrument.symbol},"
        f"{expiry},{instrument.instrument_type},{instrument.option_type or _NO_OPTION},"
        f"{strike},{_number(instrument.tick_size)},"
    )


def _number(value: float | None) -> str:
    """Without needless zeros, ``26000`` and ``0.05``; 0 for unknown."""
    return "0" if value is None else str(int(value)) if value == int(value) else str(value)


def master_date(day: date) -> str:
    """``29-DEC-2026``, whatever the machine's locale."""
    return f"{day.day:02d}-{MONTHS[day.month - 1]}-{day.year}"
