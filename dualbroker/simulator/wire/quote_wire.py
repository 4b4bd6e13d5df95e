"""Quotes of the simulated market as Noren frames: numbers as strings, in the instrument's precision.

Delta messages are made fifty thousand times a second, which is why they are put together from ready
pieces rather than by a JSON library; nothing in them needs escaping but the trading symbol of a
snapshot, and that one is encoded properly.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import msgspec

from dualbroker.clock import NS_PER_S
from dualbroker.model import QUOTE_UNITS, DepthLevel, Instrument, Unit
from dualbroker.noren.quotes import TouchlineDelta
from dualbroker.noren.times import exchange_time_text
from dualbroker.simulator.market.market import DEFAULT_TICK_SIZE
from dualbroker.simulator.market.names import precision, wire_symbol

__all__ = ["DepthSides", "InstrumentWire"]

DepthSides = tuple[Sequence[DepthLevel], Sequence[DepthLevel]]
"""Bids and asks, best first."""

_WIRE_NAMES = {field.name: field.encode_name for field in msgspec.structs.fields(TouchlineDelta)}


def _wire_names(unit: Unit) -> dict[str, str]:
    return {name: _WIRE_NAMES[name] for name, each in QUOTE_UNITS.items() if each is unit}


_PRICES = _wire_names(Unit.RUPEES)
_COUNTED = _wire_names(Unit.UNITS)
_QUANTITIES = {**_COUNTED, "feed_time": _WIRE_NAMES["feed_time"]}
_DETAIL_QUANTITIES = {
    "last_trade_quantity": "ltq",
    "total_buy_quantity": "tbq",
    "total_sell_quantity": "tsq",
}
_DETAIL_PRICES = {"high_52_weeks": "52h", "low_52_weeks": "52l"}
_OF_DEPTH_LEVELS = frozenset({"bid", "ask", "bid_quantity", "ask_quantity"})


class InstrumentWire:
    """Encodes the quotes of one instrument (all payloads UTF-8 JSON)."""

    def __init__(self, instrument: Instrument) -> None:
        decimals = precision(instrument)
        self._unit = instrument.quote_unit
        self._price = f"%.{decimals}f"
        self._formats = {name: f',"{key}":"%.{decimals}f"' for name, key in _PRICES.items()}
        self._formats |= {name: f',"{key}":"%.0f"' for name, key in _QUANTITIES.items()}
        self._formats |= {name: f',"{key}":"%.2f"' for name, key in _wire_names(Unit.PERCENT).items()}
        self._delta_start = f'"e":"{instrument.exchange}","tk":"{instrument.token}"'
        symbol = msgspec.json.encode(wire_symbol(instrument)).decode("utf-8")
        tick = instrument.tick_size or DEFAULT_TICK_SIZE
        self._snapshot_start = (
            f'{self._delta_start},"ts":{symbol},"pp":"{decimals}",'
            f'"ls":"{instrument.lot_size}","ti":"{tick:.{decimals}f}"'
        )

    def touchline_delta(self, changes: Mapping[str, float]) -> bytes:
        """A ``tf`` message of what changed."""
        formats = self._formats
        if self._unit != 1:
            changes = self._in_lots(changes)
        fields = "".join([formats[name] % value for name, value in changes.items()])
        return f'{{"t":"tf",{self._delta_start}{fields}}}'.encode()

    def touchline_catch_up(self, quote: Mapping[str, float]) -> bytes:
        """A ``tf`` message of all that is known."""
        return f'{{"t":"tf",{self._delta_start}{self._known(quote)}}}'.encode()

    def touchline_snapshot(
        self, quote: Mapping[str, float], total_open_interest: float | None = None
    ) -> bytes:
        """A ``tk`` message of all that is known; unknown (absent or NaN) is left out."""
        total = self._total(total_open_interest)
        return f'{{"t":"tk",{self._snapshot_start}{self._known(quote)}{total}}}'.encode()

    def depth_snapshot(
        self,
        quote: Mapping[str, float],
        book: Mapping[str, str],
        circuit: tuple[float, float] | None,
        total_open_interest: float | None = None,
    ) -> bytes:
        """A ``dk`` message: the quote, the book (see ``book``), the price band."""
        fields = self._known({k: v for k, v in quote.items() if k not in _OF_DEPTH_LEVELS})
        band = ""
        if circuit is not None:
            band = f',"lc":"{self._price % circuit[0]}","uc":"{self._price % circuit[1]}"'
        total = self._total(total_open_interest)
        texts = "".join(f',"{key}":"{text}"' for key, text in book.items())
        return f'{{"t":"dk",{self._snapshot_start}{fields}{band}{total}{texts}}}'.encode()

    def depth_delta(
        self, changes: Mapping[str, float], before: Mapping[str, str], after: Mapping[str, str]
    ) -> bytes:
        """A ``df`` message: the quote's changes and those of the book's texts (see ``book``)."""
        fields = self._known({k: v for k, v in changes.items() if k not in _OF_DEPTH_LEVELS})
        levels = "".join(f',"{k}":"{text}"' for k, text in after.items() if before.get(k) != text)
        return f'{{"t":"df",{self._delta_start}{fields}{levels}}}'.encode()

    def levels(self, depth: DepthSides) -> dict[str, str]:
        """Levels one to five by wire name (``bp1 bq1 bo1 … so5``), as texts."""
        texts: dict[str, str] = {}
        for side, levels in zip("bs", depth, strict=True):
            for number, level in enumerate(levels, start=1):
                if level.price is not None:
                    texts[f"{side}p{number}"] = self._price % level.price
                if level.quantity is not None:
                    texts[f"{side}q{number}"] = f"{level.quantity / self._unit:.0f}"
                if level.orders is not None:
                    texts[f"{side}o{number}"] = f"{level.orders:.0f}"
        return texts

    def book(self, depth: DepthSides, details: Mapping[str, float]) -> dict[str, str]:
        """What only depth says, by wire name: the levels, then ``Market.details``."""
        texts = self.levels(depth)
        for name, key in _DETAIL_QUANTITIES.items():
            if name in details:
                texts[key] = f"{details[name] / self._unit:.0f}"
        for name, key in _DETAIL_PRICES.items():
            if name in details:
                texts[key] = self._price % details[name]
        if "last_trade_time" in details:
            texts["ltt"] = exchange_time_text(int(details["last_trade_time"]) * NS_PER_S)[-8:]
        return texts

    def texts(self, quote: Mapping[str, float]) -> dict[str, str]:
        """The known fields of a quote by wire name, as texts (for REST answers)."""
        if self._unit != 1:
            quote = self._in_lots(quote)
        texts = {key: self._price % quote[name] for name, key in _PRICES.items() if _known(quote, name)}
        texts |= {key: f"{quote[name]:.0f}" for name, key in _QUANTITIES.items() if _known(quote, name)}
        return texts

    def price(self, value: float) -> str:
        """A price of this instrument as the broker writes it."""
        return self._price % value

    def quantity(self, units: float) -> str:
        """A quantity as the broker's quotes write it: units, on commodity exchanges lots."""
        return f"{units / self._unit:.0f}"

    def _total(self, open_interest: float | None) -> str:
        return "" if open_interest is None else f',"toi":"{self.quantity(open_interest)}"'

    def _in_lots(self, values: Mapping[str, float]) -> dict[str, float]:
        """As brokers count: in lots at MCX, in units elsewhere."""
        unit = self._unit
        return {name: value / unit if name in _COUNTED else value for name, value in values.items()}

    def _known(self, values: Mapping[str, float]) -> str:
        formats = self._formats
        if self._unit != 1:
            values = self._in_lots(values)
        return "".join(
            [
                formats[name] % value
                for name, value in values.items()
                if name in formats and not math.isnan(value)
            ]
        )


def _known(quote: Mapping[str, float], name: str) -> bool:
    return name in quote and not math.isnan(quote[name])
