"""A made-up trader on each account, so that a monitor of orders has something to show.

Its mix is the everyday one: mostly limit orders near the touch, some far from it, stop orders, changes
of mind, and now and then an order that is turned down. It tends to close what it holds.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping

import msgspec

from dualbroker.model import InstrumentKind
from dualbroker.simulator.answers import Refusal
from dualbroker.simulator.market.market import DEFAULT_TICK_SIZE, Market
from dualbroker.simulator.trading.orders import Order, OrderTerms
from dualbroker.simulator.trading.risk import order_margin
from dualbroker.simulator.trading.trading import TradingAccount

__all__ = ["OrderActor"]

_NS_PER_MINUTE = 60_000_000_000
_FAVOURITES = 12
_MOST_OPEN_ORDERS = 20
_ACTIONS = {"near": 52, "far": 12, "stop": 10, "too_large": 3, "out_of_band": 2, "modify": 12, "cancel": 9}
_PRODUCT = "I"


class OrderActor:
    """Acts on one account at random moments, ``orders_per_minute`` times a minute on average.

    Minutes are of running time, not market time: a fast replay makes it no busier.
    """

    def __init__(
        self, trading: TradingAccount, market: Market, *, orders_per_minute: float, dice: random.Random
    ) -> None:
        self._trading = trading
        self._market = market
        self._per_minute = orders_per_minute
        self._dice = dice
        self._favourites: list[int] = []
        self._next_ns = self._wait_ns()

    def act(self, running_ns: int) -> None:
        """Do everything that is due by now (running time of the simulation)."""
        while self._per_minute > 0 and self._next_ns <= running_ns:
            self._next_ns += self._wait_ns()
            self._act_once()

    def _act_once(self) -> None:
        open_orders = list(self._trading.desk.open.values())
        action = self._dice.choices(list(_ACTIONS), weights=list(_ACTIONS.values()))[0]
        if len(open_orders) >= _MOST_OPEN_ORDERS:
            self._trading.cancel(open_orders[0].number)
        elif action == "cancel" and open_orders:
            self._trading.cancel(self._dice.choice(open_orders).number)
        elif action == "modify" and open_orders:
            self._modify(self._dice.choice(open_orders))
        else:
            self._place(action)

    def _place(self, action: str) -> None:
        index = self._pick_instrument()
        if index is None:
            return
        quote = self._market.quote(index)
        instrument = self._market.instruments[index]
        net = self._trading.positions.net_quantity(instrument, _PRODUCT)
        if net:
            side = "S" if net > 0 else "B"
        else:
            side = "B" if instrument.kind is InstrumentKind.OPTION else self._dice.choice("BS")
        tick = instrument.tick_size or DEFAULT_TICK_SIZE
        direction = 1 if side == "B" else -1
        touch = quote["ask"] if side == "B" else quote["bid"]
        lot = max(instrument.lot_size, 1)
        lots = self._dice.randint(1, 5 if lot > 1 else 50)
        price, trigger, price_type = touch + direction * tick * self._dice.randint(-2, 2), 0.0, "LMT"
        if action == "far":
            price = touch * (1 - direction * self._dice.uniform(0.02, 0.08))
        elif action == "stop":
            trigger = quote["ltp"] * (1 + direction * self._dice.uniform(0.001, 0.01))
            price, price_type = trigger * (1 + direction * 0.01), "SL-LMT"
        elif action == "out_of_band":
            band = self._market.circuit(index)
            price = band[1] * 1.2 if band is not None else touch
        terms = OrderTerms(
            instrument=instrument,
            index=index,
            side=side,
            quantity=lots * lot,
            price=_on_tick(price, tick),
            trigger_price=_on_tick(trigger, tick) if trigger else 0.0,
            price_type=price_type,
            product=_PRODUCT,
            remarks="simulated",
        )
        if action == "too_large":
            wanted = self._trading.account.cash * self._dice.uniform(1.5, 3.0)
            lots = math.ceil(wanted / order_margin(terms, lot, terms.price))
            terms = msgspec.structs.replace(terms, quantity=lots * lot)
        self._trading.place(terms)

    def _modify(self, order: Order) -> None:
        terms = order.terms
        tick = terms.instrument.tick_size or DEFAULT_TICK_SIZE
        price = _on_tick(terms.price + tick * self._dice.choice((-3, -2, -1, 1, 2, 3)), tick)
        try:
            self._trading.modify(order.number, msgspec.structs.replace(terms, price=price))
        except Refusal:
            return  # it was filled to the full meanwhile, which a trader learns the same way

    def _pick_instrument(self) -> int | None:
        """One of a dozen favourites, chosen when first needed; None while nothing is quoted."""
        if not self._favourites:
            count = len(self._market.instruments)
            candidates = self._dice.sample(range(count), count)
            tradable = (index for index in candidates if _is_quoted(self._market.quote(index)))
            self._favourites = [index for index, _ in zip(tradable, range(_FAVOURITES), strict=False)]
        quoted = [index for index in self._favourites if _is_quoted(self._market.quote(index))]
        if not quoted:
            self._favourites = []  # they have all expired
        return self._dice.choice(quoted) if quoted else None

    def _wait_ns(self) -> int:
        if self._per_minute <= 0:
            return 0
        return int(self._dice.expovariate(self._per_minute) * _NS_PER_MINUTE)


def _is_quoted(quote: Mapping[str, float]) -> bool:
    return all(quote.get(name, 0.0) > 0 for name in ("ltp", "bid", "ask"))


def _on_tick(price: float, tick: float) -> float:
    return round(max(1, round(price / tick)) * tick, 4)
