"""The contracts of one expiry of one underlying, and those of them that a chain shows. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date

import msgspec

from dualbroker.errors import UnknownInstrumentError
from dualbroker.manager.options.chain_window import Window
from dualbroker.model import Instrument, InstrumentKind

__all__ = ["ChainView", "Pair", "Series", "days_left", "series_of", "view_of"]

Pair = tuple[Instrument | None, Instrument | None]
"""Call and put of one strike; None where the symbol master lists none."""


class Series(msgspec.Struct, frozen=True):
    """All options of one underlying that expire on one day."""

    name: str
    """Of the underlying, as the symbol master has it."""
    expiry: date
    pairs: Mapping[float, Pair]
    """By strike, the lowest first."""

    @property
    def strikes(self) -> list[float]:
        return list(self.pairs)


class ChainView(msgspec.Struct, frozen=True):
    """What a chain follows at one moment; replaced whole, so that any thread may read it."""

    name: str
    """Of the underlying, as options are listed under it: NIFTY."""
    underlying: Instrument | None
    """None where it is not listed itself, as a commodity's; then calls and puts tell where the money is."""
    series: Series
    window: Window

    @property
    def pairs(self) -> dict[float, Pair]:
        """Those inside the window."""
        return {strike: self.series.pairs[strike] for strike in self.window.strikes}

    @property
    def options(self) -> list[Instrument]:
        """Calls and puts inside the window, by strike."""
        return [option for pair in self.pairs.values() for option in pair if option is not None]


def series_of(options: Iterable[Instrument]) -> Series:
    """The series that these options are.

    Raises
    ------
    UnknownInstrumentError
        There are none.
    """
    found: dict[float, dict[str | None, Instrument]] = {}
    name, expiry = "", None
    for option in options:
        if option.strike is not None and option.expiry is not None:
            name, expiry = option.name, option.expiry
            found.setdefault(option.strike, {})[option.option_type] = option
    if expiry is None:
        raise UnknownInstrumentError("expected options of one expiry, found none")
    return Series(
        name, expiry, {strike: (found[strike].get("CE"), found[strike].get("PE")) for strike in sorted(found)}
    )


def view_of(instruments: Iterable[Instrument], name: str, expiry: int | date) -> ChainView:
    """What these instruments have of a chain: all strikes of one expiry.

    Parameters
    ----------
    name
        Of the underlying, as options are listed under it: ``NIFTY``.
    expiry
        0 is the nearest that they have, 1 the next one; or its day.

    Raises
    ------
    UnknownInstrumentError
        They have no options of that underlying, or none of that expiry.
    """
    known = list(instruments)
    options = [each for each in known if each.kind is InstrumentKind.OPTION and each.name == name]
    if not options:
        raise UnknownInstrumentError(f"{name}: expected options that are streamed, found none")
    days = sorted({option.expiry for option in options if option.expiry is not None})
    day = expiry if isinstance(expiry, date) else days[expiry] if expiry < len(days) else None
    if day not in days:
        listed = ", ".join(each.isoformat() for each in days)
        raise UnknownInstrumentError(
            f"{name}: expected one of the streamed expiries {listed}, found {expiry}"
        )
    series = series_of(option for option in options if option.expiry == day)
    spot = (InstrumentKind.INDEX, InstrumentKind.EQUITY)
    underlying = next((each for each in known if each.kind in spot and each.name == name), None)
    strikes = tuple(series.strikes)
    return ChainView(name, underlying, series, Window(strikes[len(strikes) // 2], strikes))


def days_left(expiry: date, today: date) -> str:
    """How long the series has to live, in words."""
    days = (expiry - today).days
    if days < 0:
        return "expired"
    if days < 2:
        return ("expires today", "expires tomorrow")[days]
    return f"expires in {days} days"
