"""What a broker's answers call an instrument and a product, where that is not the symbol master's word."""

from __future__ import annotations

from dualbroker.model import Instrument, InstrumentKind

__all__ = [
    "MONTHS",
    "PRODUCT_NAMES",
    "display_name",
    "index_name",
    "instrument_type",
    "multiplier",
    "precision",
    "wire_symbol",
]

MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
"""Whatever the machine's locale."""
PRODUCT_NAMES = {"C": "CNC", "M": "NRML", "I": "MIS", "H": "CO", "B": "BO", "F": "MTF"}

_INDEX_NAMES = {
    "NIFTY": "Nifty 50",
    "BANKNIFTY": "Nifty Bank",
    "FINNIFTY": "Nifty Fin Services",
    "INDIA VIX": "INDIAVIX",
}
"""By plain name; any other index is called by its plain name."""
_CURRENCY_UNITS = 1000
_TYPES = {
    InstrumentKind.INDEX: "UNDIND",
    InstrumentKind.EQUITY: "EQ",
    InstrumentKind.FUTURE: "FUTIDX",
    InstrumentKind.OPTION: "OPTIDX",
}


def index_name(plain_name: str) -> str:
    """Column ``Symbol`` of an index in the master, ``tsym`` and ``ts`` in answers and frames."""
    return _INDEX_NAMES.get(plain_name, plain_name)


def wire_symbol(instrument: Instrument) -> str:
    """``tsym`` and ``ts``: the trading symbol, but an index's display name (protocol: section 9)."""
    return index_name(instrument.name) if instrument.kind is InstrumentKind.INDEX else instrument.symbol


def instrument_type(instrument: Instrument) -> str:
    """``instname``: the master's own word where there is one, but of an index always UNDIND."""
    if instrument.kind is InstrumentKind.INDEX:
        return _TYPES[InstrumentKind.INDEX]
    return instrument.instrument_type or _TYPES.get(instrument.kind, "")


def multiplier(instrument: Instrument) -> int:
    """Units of the underlying in one unit of quantity: a currency future is of 1,000 dollars (``prcftr``)."""
    return _CURRENCY_UNITS if instrument.exchange == "CDS" else 1


def display_name(instrument: Instrument) -> str:
    """``dname`` of a derivative, ``NIFTY 29DEC26 26000 CE `` with the blank; empty for all else."""
    expiry = instrument.expiry
    if expiry is None:
        return ""
    day = f"{expiry.day:02d}{MONTHS[expiry.month - 1]}{expiry.year % 100:02d}"
    if instrument.strike is None:
        return f"{instrument.name} {day} FUT "
    return f"{instrument.name} {day} {instrument.strike:g} {instrument.option_type} "


def precision(instrument: Instrument) -> int:
    """Decimals of its prices (protocol: ``pp``, 4 on CDS, else 2)."""
    return 4 if instrument.exchange == "CDS" else 2
