"""Shares of one simulated account that lie in its depository: settled, bought yesterday (T1), or pledged.

Made up of the market's shares, the same for the same account. What was sold today as CNC is used up; at the
day's turn CNC trades are settled, those of today as T1.
"""

from __future__ import annotations

import random
from collections.abc import Iterable

import msgspec

from dualbroker.model import Instrument, InstrumentKind
from dualbroker.simulator.market.market import DEFAULT_TICK_SIZE, Market
from dualbroker.simulator.market.names import precision
from dualbroker.simulator.trading.positions import HeldPosition

__all__ = ["Holding", "HoldingKeeper"]

_DELIVERY = "C"
_KINDS = (("settled",), ("settled", "bought_yesterday"), ("settled", "pledged"), ("bought_yesterday",))
"""What is held of each of the made-up holdings."""
_MOST_UNITS = 200


class Holding(msgspec.Struct, kw_only=True):
    """Units of one share; rupees."""

    listings: list[Instrument]
    """On NSE first, then on BSE if it is there too."""
    average_price: float
    settled: int = 0
    bought_yesterday: int = 0
    pledged: int = 0

    @property
    def quantity(self) -> int:
        return self.settled + self.bought_yesterday + self.pledged


class HoldingKeeper:
    """The holdings of one account.

    Parameters
    ----------
    market
        Whose shares they are; a market without shares has none.
    uid
        Decides which, and how many.
    """

    def __init__(self, market: Market, uid: str) -> None:
        self._holdings: dict[str, Holding] = {}
        listings: dict[str, list[Instrument]] = {}
        prices: dict[str, float] = {}
        for index, item in enumerate(market.instruments):
            if item.kind is InstrumentKind.EQUITY:
                listings.setdefault(item.name, []).append(item)
                prices.setdefault(item.name, market.quote(index).get("ltp", 0.0))
        self._listings = listings
        dice = random.Random(f"holdings/{uid}")
        for name, kinds in zip(
            dice.sample(sorted(listings), min(len(_KINDS), len(listings))), _KINDS, strict=False
        ):
            price = round(prices[name] * dice.uniform(0.7, 1.2) / DEFAULT_TICK_SIZE) * DEFAULT_TICK_SIZE
            units = {kind: dice.randint(1, _MOST_UNITS) for kind in kinds}
            self._holdings[name] = Holding(listings=listings[name], average_price=price, **units)

    def held(self) -> Iterable[Holding]:
        """All of them."""
        return self._holdings.values()

    def quantity(self, name: str) -> int:
        """Units of a share that can be sold today as CNC."""
        holding = self._holdings.get(name)
        return 0 if holding is None else holding.settled + holding.bought_yesterday

    def settle(self, positions: Iterable[HeldPosition]) -> None:
        """The day turns: T1 is settled, and what was traded as CNC is delivered."""
        for holding in self._holdings.values():
            holding.settled += holding.bought_yesterday
            holding.bought_yesterday = 0
        for position in positions:
            net, name = position.net_quantity, position.instrument.name
            if position.product != _DELIVERY or not net or name not in self._listings:
                continue
            holding = self._holdings.setdefault(
                name, Holding(listings=self._listings[name], average_price=position.net_average_price)
            )
            if net > 0:
                paid = holding.quantity * holding.average_price + net * position.net_average_price
                holding.average_price = paid / (holding.quantity + net)
                holding.bought_yesterday += net
            else:
                holding.settled = max(0, holding.settled + net)
        self._holdings = {name: each for name, each in self._holdings.items() if each.quantity}

    def rows(self, positions: Iterable[HeldPosition]) -> list[dict[str, object]]:
        """The rows of Holdings; ``usedqty`` is what was sold today."""
        sold: dict[str, int] = {}
        for position in positions:
            if position.product == _DELIVERY and position.net_quantity < 0:
                name = position.instrument.name
                sold[name] = sold.get(name, 0) - position.net_quantity
        return [_row(each, sold.get(name, 0)) for name, each in self._holdings.items()]


def _row(holding: Holding, sold: int) -> dict[str, object]:
    listings = [
        {
            "exch": item.exchange,
            "tsym": item.symbol,
            "token": item.token,
            "pp": str(precision(item)),
            "ti": f"{item.tick_size or DEFAULT_TICK_SIZE:.2f}",
            "ls": str(item.lot_size),
        }
        for item in holding.listings
    ]
    nothing = ("dpqty", "npoadqty", "colqty", "benqty", "unplgdqty", "btstcolqty")
    return {
        "stat": "Ok",
        "exch_tsym": listings,
        "prd": _DELIVERY,
        "s_prdt_ali": "CNC",
        "holdqty": str(holding.settled),
        "btstqty": str(holding.bought_yesterday),
        "brkcolqty": str(holding.pledged),
        **dict.fromkeys(nothing, "0"),
        "usedqty": str(min(sold, holding.quantity)),
        "upldprc": f"{holding.average_price:.2f}",
    }
