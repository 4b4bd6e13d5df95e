"""An instrument in the words that a person reads: ``NIFTY 26000 CE`` and ``1 Dec · lot 65``. Pure."""

from __future__ import annotations

from datetime import date

from dualbroker.model import Instrument, InstrumentKind

__all__ = ["instrument_details", "instrument_title"]


def instrument_title(instrument: Instrument) -> str:
    """What it is, without its expiry: ``NIFTY 26000 CE``, ``NIFTY FUT``, ``NIFTY``, ``RELIANCE``."""
    if instrument.kind is InstrumentKind.OPTION and instrument.strike is not None:
        return f"{instrument.name} {instrument.strike:.10g} {instrument.option_type}"
    if instrument.kind is InstrumentKind.FUTURE:
        return f"{instrument.name} FUT"
    if instrument.kind is InstrumentKind.INDEX:
        return instrument.name
    return instrument.symbol.removesuffix("-EQ")


def instrument_details(instrument: Instrument, today: date) -> str:
    """Its expiry and lot, ``1 Dec · lot 65``; empty for a share.

    The year is said where it is not that of ``today``.
    """
    words = []
    expiry = instrument.expiry
    if expiry is not None:
        words.append(f"{expiry.day} {expiry:%b}" + (f" {expiry.year}" if expiry.year != today.year else ""))
    if instrument.lot_size > 1:
        words.append(f"lot {instrument.lot_size}")
    return " · ".join(words)
