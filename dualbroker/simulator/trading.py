"""One account's trading: its orders against the market, its positions and its money."""

from __future__ import annotations

import random
from collections.abc import Callable

from dualbroker.model import OrderStatus
from dualbroker.simulator import risk
from dualbroker.simulator.accounts import Account
from dualbroker.simulator.market import Market
from dualbroker.simulator.matching import is_triggered, next_part
from dualbroker.simulator.orders import Order, OrderDesk, OrderEvent, OrderNumbers, OrderTerms, Reject
from dualbroker.simulator.positions import PositionKeeper

__all__ = ["TradingAccount"]


class TradingAccount:
    """Places, changes and fills the orders of one account.

    Parameters
    ----------
    market_orders_allowed
        False rejects MKT and SL-MKT, as brokers do for API users since April 2026.
    dice
        Decides in what parts orders fill.
    on_event
        Told of every order event, in order.
    """

    def __init__(
        self,
        account: Account,
        market: Market,
        numbers: OrderNumbers,
        *,
        market_orders_allowed: bool,
        dice: random.Random,
        on_event: Callable[[Order, OrderEvent], None],
    ) -> None:
        self.account = account
        self.desk = OrderDesk(account.uid, numbers, market.now_ns, on_event)
        self.positions = PositionKeeper(self._last_price)
        self._market = market
        self._market_orders_allowed = market_orders_allowed
        self._dice = dice

    def place(self, terms: OrderTerms) -> Order:
        """Check an order and send it to the market; a rejected one is an order too."""
        return self.desk.place(terms, self._check(terms))

    def modify(self, number: str, terms: OrderTerms) -> Order:
        """Change an open order.

        Raises
        ------
        Refusal
            No such open order.
        """
        order = self.desk.open.get(number)
        released = 0.0
        if order is not None:
            released = risk.order_margin(order.terms, order.remaining, order.terms.price)
        return self.desk.modify(number, terms, self._check(terms, released))

    def cancel(self, number: str) -> Order:
        """Cancel an open order.

        Raises
        ------
        Refusal
            No such open order.
        """
        return self.desk.cancel(number)

    def match(self, running_ns: int) -> None:
        """Trigger and fill what the market's present quotes allow.

        Parameters
        ----------
        running_ns
            The simulation's running time, by which orders wait between their parts.
        """
        for order in list(self.desk.open.values()):
            quote = self._market.quote(order.terms.index)
            if order.status is OrderStatus.TRIGGER_PENDING:
                if not is_triggered(order.terms, quote):
                    continue
                self.desk.trigger(order)
            part = next_part(order, quote, running_ns, self._dice)
            if part is not None:
                order.next_part_ns = running_ns + part.wait_ns
                self.positions.add(order.terms, self.desk.fill(order, part.quantity, part.price))
            if order.terms.retention == "IOC" and not order.status.is_final:
                self.desk.withdraw(order)

    def end_orders(self) -> None:
        """Cancel all that is still open."""
        for order in list(self.desk.open.values()):
            self.desk.withdraw(order)

    def begin_day(self) -> None:
        """Empty the books; positions were of the day."""
        self.end_orders()
        self.desk.begin_day()
        self.positions = PositionKeeper(self._last_price)

    def limits(self) -> dict[str, str]:
        """The answer of Limits."""
        return risk.limits_row(self.account.cash, self._blocked(), self.positions)

    def _check(self, terms: OrderTerms, released: float = 0.0) -> Reject | None:
        quote = self._market.quote(terms.index)
        opposite = quote.get("ask" if terms.side == "B" else "bid", 0.0)
        reference = opposite if opposite > 0 else quote.get("ltp", 0.0)
        price = reference if terms.is_market else terms.price
        new_units = terms.quantity - risk.reducing_quantity(terms, self.positions)
        return risk.check_order(
            terms,
            reference_price=reference,
            band=self._market.circuit(terms.index),
            available=self.account.cash + self.positions.realised_profit() - self._blocked() + released,
            needed=risk.order_margin(terms, new_units, price),
            market_orders_allowed=self._market_orders_allowed,
        )

    def _blocked(self) -> float:
        return risk.blocked_margin(self.desk.open.values(), self.positions)

    def _last_price(self, index: int) -> float | None:
        return self._market.quote(index).get("ltp")
