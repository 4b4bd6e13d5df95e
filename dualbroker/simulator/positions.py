"""Positions and money of one simulated account, kept from its fills.

Day positions only: an account starts each run with cash and nothing carried forward.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec

from dualbroker.model import Instrument
from dualbroker.simulator.market import DEFAULT_TICK_SIZE
from dualbroker.simulator.order_wire import PRODUCT_NAMES, instrument_name
from dualbroker.simulator.orders import Fill, OrderTerms
from dualbroker.simulator.quote_wire import precision

__all__ = ["HeldPosition", "PositionKeeper"]

PositionKey = tuple[str, str, str]
"""Exchange, token, product."""


class HeldPosition(msgspec.Struct, kw_only=True):
    """What was bought and sold of one instrument under one product. Rupees and units."""

    instrument: Instrument
    index: int
    product: str
    buy_quantity: int = 0
    buy_amount: float = 0.0
    sell_quantity: int = 0
    sell_amount: float = 0.0
    net_average_price: float = 0.0
    """Of the units still held; 0 when flat."""
    realised_profit: float = 0.0

    @property
    def net_quantity(self) -> int:
        return self.buy_quantity - self.sell_quantity

    def add(self, side: str, quantity: int, price: float) -> None:
        """Take a fill in: average cost on what adds, realised profit on what reduces."""
        net = self.net_quantity
        change = quantity if side == "B" else -quantity
        if side == "B":
            self.buy_quantity += quantity
            self.buy_amount += quantity * price
        else:
            self.sell_quantity += quantity
            self.sell_amount += quantity * price
        if net * change >= 0:
            held_at = self.net_average_price * abs(net)
            self.net_average_price = (held_at + price * quantity) / (abs(net) + quantity)
            return
        closed = min(abs(net), quantity)
        direction = 1 if net > 0 else -1
        self.realised_profit += direction * closed * (price - self.net_average_price)
        if closed < quantity:
            self.net_average_price = price
        elif self.net_quantity == 0:
            self.net_average_price = 0.0


class PositionKeeper:
    """The position book of one account.

    Parameters
    ----------
    last_price
        Last price in rupees by the instrument's index in the market; None when not known.
    """

    def __init__(self, last_price: Callable[[int], float | None]) -> None:
        self._positions: dict[PositionKey, HeldPosition] = {}
        self._last_price = last_price

    def add(self, terms: OrderTerms, fill: Fill) -> None:
        """Take a fill in."""
        instrument = terms.instrument
        key = (*instrument.key, terms.product)
        position = self._positions.get(key)
        if position is None:
            position = HeldPosition(instrument=instrument, index=terms.index, product=terms.product)
            self._positions[key] = position
        position.add(terms.side, fill.quantity, fill.price)

    def held(self) -> Iterable[HeldPosition]:
        """All positions of the day, flat ones too."""
        return self._positions.values()

    def net_quantity(self, instrument: Instrument, product: str) -> int:
        """Units held, negative when short."""
        position = self._positions.get((*instrument.key, product))
        return position.net_quantity if position else 0

    def realised_profit(self) -> float:
        """Rupees, over all positions."""
        return sum(position.realised_profit for position in self._positions.values())

    def unrealised_profit(self) -> float:
        """Rupees at the last prices, over all positions; one without a last price counts as nothing."""
        return sum(self._unrealised(position) for position in self._positions.values())

    def rows(self, uid: str) -> list[dict[str, str]]:
        """The rows of PositionBook (protocol: section 1.7)."""
        return [self._row(uid, position) for position in self._positions.values()]

    def _unrealised(self, position: HeldPosition) -> float:
        last = self._last_price(position.index)
        return 0.0 if last is None else position.net_quantity * (last - position.net_average_price)

    def _row(self, uid: str, position: HeldPosition) -> dict[str, str]:
        instrument = position.instrument
        decimals = precision(instrument)
        net = position.net_quantity
        last = self._last_price(position.index)

        def price(value: float) -> str:
            return f"{value:.{decimals}f}"

        def average(amount: float, quantity: int) -> str:
            return price(amount / quantity if quantity else 0.0)

        day = {
            "buyqty": str(position.buy_quantity),
            "sellqty": str(position.sell_quantity),
            "buyamt": f"{position.buy_amount:.2f}",
            "sellamt": f"{position.sell_amount:.2f}",
            "buyavgprc": average(position.buy_amount, position.buy_quantity),
            "sellavgprc": average(position.sell_amount, position.sell_quantity),
        }
        nothing = {name: "0" if name.endswith("qty") else "0.00" for name in day}
        row = {
            "stat": "Ok",
            "uid": uid,
            "actid": uid,
            "exch": instrument.exchange,
            "tsym": instrument.symbol,
            "token": instrument.token,
            "prd": position.product,
            "s_prdt_ali": PRODUCT_NAMES.get(position.product, ""),
            "instname": instrument_name(instrument.kind, instrument.instrument_type),
            "netqty": str(net),
            "netavgprc": price(position.net_average_price),
            "urmtom": f"{self._unrealised(position):.2f}",
            "rpnl": f"{position.realised_profit:.2f}",
            "bep": price(position.net_average_price),
            "mult": "1",
            "prcftr": "1.000000",
            "pp": str(decimals),
            "ti": f"{instrument.tick_size or DEFAULT_TICK_SIZE:.{decimals}f}",
            "ls": str(instrument.lot_size),
        }
        row |= {f"day{name}": text for name, text in day.items()}
        row |= {f"cf{name}": text for name, text in nothing.items()}
        row |= {f"open{name}": text for name, text in nothing.items()}
        if last is not None:
            row["lp"] = price(last)
        return row
