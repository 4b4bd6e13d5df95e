"""Positions and money of one simulated account, kept from its fills.

NRML positions are carried into the next day: ``cforgavgprc`` and ``upldprc`` state the price at which they
were entered, the ``cf`` averages the one at which the day before settled. A contract that has expired is
settled and gone, and what is left of MIS, cover and bracket orders is taken as squared off at the close.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date

import msgspec

from dualbroker.model import Instrument
from dualbroker.simulator.market.market import DEFAULT_TICK_SIZE
from dualbroker.simulator.market.names import (
    PRODUCT_NAMES,
    display_name,
    instrument_type,
    multiplier,
    precision,
)
from dualbroker.simulator.trading.orders import Fill, Order, OrderTerms

__all__ = ["HeldPosition", "PositionKeeper"]

PositionKey = tuple[str, str, str]
"""Exchange, token, product."""

_CARRIED_PRODUCT = "M"
_FREEZE_LOTS = 27
"""The exchanges refuse orders of more; about so many lots for NIFTY."""


class Sides(msgspec.Struct):
    """What was bought and sold. Units and rupees."""

    buy_quantity: int = 0
    buy_amount: float = 0.0
    sell_quantity: int = 0
    sell_amount: float = 0.0

    def add(self, side: str, quantity: int, amount: float) -> None:
        if side == "B":
            self.buy_quantity += quantity
            self.buy_amount += amount
        else:
            self.sell_quantity += quantity
            self.sell_amount += amount

    def texts(self, prefix: str, decimals: int) -> dict[str, str]:
        """Six fields of a position's row, ``daybuyqty`` and so on with the prefix ``day``."""
        return {
            f"{prefix}buyqty": str(self.buy_quantity),
            f"{prefix}sellqty": str(self.sell_quantity),
            f"{prefix}buyamt": f"{self.buy_amount:.2f}",
            f"{prefix}sellamt": f"{self.sell_amount:.2f}",
            f"{prefix}buyavgprc": _average(self.buy_amount, self.buy_quantity, decimals),
            f"{prefix}sellavgprc": _average(self.sell_amount, self.sell_quantity, decimals),
        }


def _average(amount: float, quantity: int, decimals: int) -> str:
    return f"{amount / quantity if quantity else 0.0:.{decimals}f}"


class HeldPosition(msgspec.Struct, kw_only=True):
    """What was bought and sold of one instrument under one product. Rupees and units.

    Pooled by day: all that was bought against all that was sold, what is carried among it at its entry price.
    """

    instrument: Instrument
    index: int
    product: str
    day: Sides = msgspec.field(default_factory=Sides)
    carried: Sides = msgspec.field(default_factory=Sides)
    """From the days before, at the price at which it was entered."""
    settlement_price: float = 0.0
    """Of what is carried: the last price of the day before."""

    @property
    def total(self) -> Sides:
        """What is carried and what the day has brought."""
        carried, day = self.carried, self.day
        return Sides(
            day.buy_quantity + carried.buy_quantity,
            day.buy_amount + carried.buy_amount,
            day.sell_quantity + carried.sell_quantity,
            day.sell_amount + carried.sell_amount,
        )

    @property
    def net_quantity(self) -> int:
        total = self.total
        return total.buy_quantity - total.sell_quantity

    @property
    def net_average_price(self) -> float:
        """Of the units still held; 0 when flat."""
        total = self.total
        net = total.buy_quantity - total.sell_quantity
        if not net:
            return 0.0
        return total.buy_amount / total.buy_quantity if net > 0 else total.sell_amount / total.sell_quantity

    @property
    def realised_profit(self) -> float:
        total = self.total
        closed = min(total.buy_quantity, total.sell_quantity)
        if not closed:
            return 0.0
        gain = total.sell_amount / total.sell_quantity - total.buy_amount / total.buy_quantity
        return closed * gain * multiplier(self.instrument)

    def add(self, side: str, quantity: int, price: float) -> None:
        """Take a fill in."""
        self.day.add(side, quantity, quantity * price)


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
        self._position(terms.instrument, terms.index, terms.product).add(
            terms.side, fill.quantity, fill.price
        )

    def convert(self, terms: OrderTerms, product: str) -> bool:
        """Put units of ``terms.product`` under another product, at their average price.

        Returns
        -------
        False when less than that is held on the side of ``terms``; nothing has changed then.
        """
        before = self._positions.get((*terms.instrument.key, terms.product))
        held = 0 if before is None else before.net_quantity * (1 if terms.side == "B" else -1)
        if before is None or held < terms.quantity:
            return False
        price = before.net_average_price
        before.add("S" if terms.side == "B" else "B", terms.quantity, price)
        self._position(terms.instrument, terms.index, product).add(terms.side, terms.quantity, price)
        return True

    def begin_day(self, today: date) -> None:
        """Carry what is carried, forget the rest."""
        kept: dict[PositionKey, HeldPosition] = {}
        for key, position in self._positions.items():
            net, instrument = position.net_quantity, position.instrument
            expired = instrument.expiry is not None and instrument.expiry < today
            if net and position.product == _CARRIED_PRODUCT and not expired:
                carried = Sides()
                amount = abs(net) * position.net_average_price
                carried.add("B" if net > 0 else "S", abs(net), amount)
                kept[key] = HeldPosition(
                    instrument=instrument,
                    index=position.index,
                    product=position.product,
                    carried=carried,
                    settlement_price=self._last_price(position.index) or position.net_average_price,
                )
        self._positions = kept

    def turnover(self) -> float:
        """Rupees bought and sold today, over all positions."""
        days = [position.day for position in self._positions.values()]
        return sum(day.buy_amount + day.sell_amount for day in days)

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

    def rows(self, uid: str, open_orders: Iterable[Order]) -> list[dict[str, str]]:
        """The rows of PositionBook (protocol: section 1.7); ``open…`` is what waits in the market."""
        waiting: dict[PositionKey, Sides] = {}
        for order in open_orders:
            terms = order.terms
            sides = waiting.setdefault((*terms.instrument.key, terms.product), Sides())
            sides.add(terms.side, order.remaining, order.remaining * terms.price)
        return [
            self._row(uid, position, waiting.get(key, Sides())) for key, position in self._positions.items()
        ]

    def _position(self, instrument: Instrument, index: int, product: str) -> HeldPosition:
        key = (*instrument.key, product)
        position = self._positions.get(key)
        if position is None:
            position = HeldPosition(instrument=instrument, index=index, product=product)
            self._positions[key] = position
        return position

    def _unrealised(self, position: HeldPosition) -> float:
        last = self._last_price(position.index)
        if last is None:
            return 0.0
        worth = position.net_quantity * (last - position.net_average_price)
        return worth * multiplier(position.instrument)

    def _row(self, uid: str, position: HeldPosition, waiting: Sides) -> dict[str, str]:
        instrument, day, carried = position.instrument, position.day, position.carried
        decimals = precision(instrument)
        last = self._last_price(position.index)

        def price(value: float) -> str:
            return f"{value:.{decimals}f}"

        total = position.total
        carried_amount, carried_units = (
            carried.buy_amount + carried.sell_amount,
            carried.buy_quantity + carried.sell_quantity,
        )
        settled = Sides()
        if carried_units:
            side = "B" if carried.buy_quantity else "S"
            settled.add(side, carried_units, carried_units * position.settlement_price)
        day_amount, day_units = (
            (day.buy_amount, day.buy_quantity)
            if position.net_quantity > 0
            else (day.sell_amount, day.sell_quantity)
        )
        row = {
            "stat": "Ok",
            "uid": uid,
            "actid": uid,
            "exch": instrument.exchange,
            "tsym": instrument.symbol,
            "token": instrument.token,
            "prd": position.product,
            "s_prdt_ali": PRODUCT_NAMES.get(position.product, ""),
            "instname": instrument_type(instrument),
            "frzqty": str(_FREEZE_LOTS * max(instrument.lot_size, 1) + 1),
            "netqty": str(position.net_quantity),
            "netavgprc": price(position.net_average_price),
            "netupldprc": price(position.net_average_price),
            "upldprc": _average(carried_amount, carried_units, decimals),
            "cforgavgprc": _average(carried_amount, carried_units, decimals),
            "dayavgprc": _average(day_amount, day_units, decimals),
            "urmtom": f"{self._unrealised(position):.2f}",
            "rpnl": f"{position.realised_profit:.2f}",
            "bep": price(position.net_average_price),
            "mult": "1",
            "prcftr": f"{multiplier(instrument):.6f}",
            "pp": str(decimals),
            "ti": f"{instrument.tick_size or DEFAULT_TICK_SIZE:.{decimals}f}",
            "ls": str(instrument.lot_size),
            **day.texts("day", decimals),
            **settled.texts("cf", decimals),
            **waiting.texts("open", decimals),
        }
        row |= {name: text for name, text in total.texts("tot", decimals).items() if not name.endswith("qty")}
        if name := display_name(instrument):
            row["dname"] = name
        if last is not None:
            row["lp"] = price(last)
        return row
