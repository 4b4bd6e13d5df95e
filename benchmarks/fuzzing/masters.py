"""Targets: symbol masters, and names looked up in them."""

from __future__ import annotations

import io
import random
import re
import zipfile
from collections.abc import Mapping
from datetime import date, datetime
from typing import ClassVar

from dualbroker.errors import InstrumentError, WireError
from dualbroker.instruments import Instruments
from dualbroker.instruments.master import parse_master
from dualbroker.instruments.names import INDICES, read_derivative
from dualbroker.model import Instrument, InstrumentKind

from .material import Material, zipped
from .mutation import mutate_bytes, number_text
from .reference import HIGHEST_PRICE, expect

__all__ = ["Masters", "Names"]

_EXCHANGES = ("NSE", "NFO", "BSE", "BFO", "CDS", "MCX")
_WORDS = (
    *(b"Exchange,", b"Token,", b"LotSize,", b"Symbol,", b"TradingSymbol,", b"Expiry,", b"Instrument,"),
    *(b"OptionType,", b"StrikePrice,", b"TickSize,", b"NFO,", b"NSE,", b"OPTIDX", b"FUTIDX", b"INDEX"),
    *(b",,", b",CE,", b",PE,", b",XX,", b"29-DEC-2026", b"2026-12-29", b"31-DEC-9999", b"01-JAN-1970"),
    *(b"30-FEB-2026", b"\r", b'"', b'"a,b"', b"-0.01", b"0", b"1e5", b"\xe2\x80\xa8", b"\xc2\xa0"),
)
_COLUMNS = {"lotsize": "lot", "strikeprice": "strike", "tradingsymbol": "tradingsymbol"}
_NUMBER = re.compile(r"\d{1,15}(\.\d{1,15})?", re.ASCII)


class Masters:
    """`parse_master`, and the look-ups that its table serves."""

    name: ClassVar[str] = "symbol masters"
    share: ClassVar[int] = 6

    def __init__(self, material: Material) -> None:
        self._seeds = material.masters
        self._texts = [text for _, text in self._seeds]

    def make(self, rng: random.Random) -> bytes:
        exchange, text = rng.choice(self._seeds)
        number = _EXCHANGES.index(exchange) if rng.random() < 0.95 else rng.randrange(256)
        choice = rng.random()
        if choice < 0.5:
            data = mutate_bytes(rng, text, self._texts, _WORDS)
        elif choice < 0.9:
            data = self._other_cells(rng, text)
        else:
            # Only the head, that the damage may hit a zip's few bytes of form.
            data = mutate_bytes(rng, zipped(text[:400]), [zipped(b"x")], (b"PK\x03\x04", b"PK\x05\x06"))
        return bytes([number]) + data

    def _other_cells(self, rng: random.Random, text: bytes) -> bytes:
        lines = [line.split(b",") for line in text.splitlines()]
        for _ in range(rng.randrange(1, 20)):
            line = rng.choice(lines[1:])
            if line:
                others = rng.choice(lines)
                line[rng.randrange(len(line))] = rng.choice(
                    (number_text(rng).encode("utf-8"), rng.choice(_WORDS), rng.choice(others or [b""]))
                )
        if rng.random() < 0.3:
            lines.insert(rng.randrange(1, len(lines)), rng.choice(([b""], lines[-1], [b" "], [b","])))
        return rng.choice((b"\n", b"\r\n")).join(b",".join(line) for line in lines) + b"\n"

    def check(self, data: bytes) -> str:
        exchange = _EXCHANGES[data[0] % len(_EXCHANGES)] if data else "NSE"
        text = data[1:]
        try:
            table = parse_master(exchange, text)
        except WireError as error:
            expect(0 < len(str(error)) < 400, "an error of", len(str(error)), "characters")
            return "WireError"
        expect(len(table) > 0 and table.skipped >= 0, "an empty table, or", table.skipped, "skipped")
        rows = _reference_rows(text)
        catalogue = Instruments()
        catalogue.add(table)
        for number in range(len(table)):
            found = table.instrument(number)
            expect(catalogue.get(found.key) == found, "another instrument of", found.key)
            expect(catalogue.by_symbol(exchange, found.symbol) is not None, "no instrument", found.symbol)
            added = {(index.token, index.symbol) for index in INDICES if index.exchange == exchange}
            if found.kind == InstrumentKind.INDEX and (found.token, found.symbol) in added:
                continue
            expect(found.token in rows, "an instrument of nowhere:", found)
            _check_row(found, rows[found.token], exchange)
        return "accepted" if not table.skipped else "accepted, rows skipped"


def _reference_rows(data: bytes) -> Mapping[str, list[dict[str, str]]]:
    """The rows of each token, as naive splitting finds them."""
    if data.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            data = archive.read(next(file for file in archive.infolist() if not file.is_dir()))
    text = data.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace").strip("\r\n")
    lines = re.split(r"\r\n|\r|\n", text)
    names = [name.strip().lower() for name in lines[0].split(",")]
    trailing_comma = names[-1] == ""
    names = names[:-1] if trailing_comma else names
    rows: dict[str, list[dict[str, str]]] = {}
    for line in lines[1:]:
        line = line.removesuffix(",") if trailing_comma else line
        cells = [cell.strip() for cell in line.split(",")]
        if len(cells) == len(names):
            row = dict(zip(names, cells, strict=True))
            rows.setdefault(row.get("token", ""), []).append(row)
    return rows


def _check_row(found: Instrument, rows: list[dict[str, str]], exchange: str) -> None:
    row = rows[0]
    expect(row.get("exchange", "").upper() in ("", exchange), "a row of", row.get("exchange"))
    expect(found.symbol == row["tradingsymbol"], "symbol", row["tradingsymbol"], "read as", found.symbol)
    expect(0 < len(found.symbol) <= 64 and 0 < len(found.name) <= 64, "a name of", len(found.symbol))
    expect(found.lot_size == float(row["lotsize"]), "lot", row["lotsize"], "read as", found.lot_size)
    expect(1 <= found.lot_size <= 1e9, "a lot of", found.lot_size)
    tick = row.get("ticksize", "")
    if found.tick_size is not None:
        expect(found.tick_size == float(tick), "tick size", tick, "read as", found.tick_size)
        expect(0 < found.tick_size <= HIGHEST_PRICE, "a tick size of", found.tick_size)
    if found.kind in (InstrumentKind.OPTION, InstrumentKind.FUTURE):
        expect(found.expiry == _day(row["expiry"]), "expiry", row["expiry"], "read as", found.expiry)
        expect(2000 <= found.expiry.year < 2100 if found.expiry else False, "expiry", found.expiry)
    if found.kind == InstrumentKind.OPTION:
        strike = row.get("strikeprice") or row.get("strike") or ""
        expect(_NUMBER.fullmatch(strike), "strike", strike)
        expect(found.strike == float(strike), "strike", strike, "read as", found.strike)
        expect(0 < float(strike) <= HIGHEST_PRICE, "a strike of", strike)
        expect(found.option_type == row["optiontype"].upper(), "type", row["optiontype"])
    else:
        expect(found.strike is None and found.option_type is None, "no option, but a strike")


def _day(word: str) -> date | None:
    for form in ("%d-%b-%Y", "%Y-%m-%d", "%Y%m%d"):
        try:
            return datetime.strptime(word, form).date()
        except ValueError:
            continue
    try:
        return date.fromisoformat(word)
    except ValueError:
        return None


class Names:
    """Names as people and brokers write them, resolved, searched and suggested."""

    name: ClassVar[str] = "names"
    share: ClassVar[int] = 2

    def __init__(self, material: Material) -> None:
        self._catalogue = Instruments()
        for exchange, text in material.masters[:5]:
            self._catalogue.add(parse_master(exchange, text))
        self._names = [
            name.encode()
            for table in self._catalogue.tables()
            for row in range(len(table))
            for name in (table.instrument(row).symbol, table.instrument(row).qualified_name)
        ]
        self._names += [b"NIFTY 50", b"nifty", b"NIFTY26DECFUT", b"NIFTY26D2926000CE", b"NIFTY26DEC26000PE"]
        self._words = (
            b"NFO:",
            b"NSE:",
            b":",
            b"CE",
            b"PE",
            b"FUT",
            b"29DEC26",
            b"26D29",
            b"26000",
            b"NIFTY50",
        )

    def make(self, rng: random.Random) -> bytes:
        return mutate_bytes(rng, rng.choice(self._names), self._names, self._words)

    def check(self, data: bytes) -> str:
        name = data.decode("utf-8", "surrogateescape")
        for reading in read_derivative(name):
            strike = reading.strike
            expect(strike is None or 0 < strike < float("inf"), "a strike of", strike, "in", name)
        self._catalogue.search(name)
        try:
            found = self._catalogue.resolve(name)
        except InstrumentError as error:
            expect(len(str(error)) < 2_000, "an error of", len(str(error)), "characters")
            return type(error).__name__
        expect(self._catalogue.get(found.key) == found, "an instrument that is not in the catalogue")
        return "accepted"
