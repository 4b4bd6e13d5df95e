"""One account's trading: its orders against the market, its positions and its money."""

from __future__ import annotations

import random
from collections.abc import Callable

import msgspec

from dualbroker.model import OrderStatus
from dualbroker.noren.times import ist_day
from dualbroker.simulator.answers import ORDER_NOT_FOUND, Refusal
from dualbroker.simulator.market.market import Market
from dualbroker.simulator.trading import risk
from dualbroker.simulator.trading.accounts import Account
from dualbroker.simulator.trading.holdings import HoldingKeeper
from dualbroker.simulator.trading.matching import is_triggered, next_part
from dualbroker.simulator.trading.orders import Order, OrderDesk, OrderEvent, OrderNumbers, OrderTerms, Reject
from dualbroker.simulator.trading.positions import PositionKeeper

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
        self.holdings = HoldingKeeper(market, account.uid)
        self.market_is_open = True
        """Kept up by the simulation; while False only after-market orders are taken."""
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
            if order.is_waiting:
                self.desk.send_on(order)
            quote = self._market.quote(order.terms.index)
            if order.status is OrderStatus.TRIGGER_PENDING:
                if not is_triggered(order.terms, quote):
                    continue
                self.desk.trigger(order)
            part = next_part(order, quote, running_ns, self._dice)
            if part is not None:
                order.next_part_ns = running_ns + part.wait_ns
                self.positions.add(order.terms, self.desk.fill(order, part.quantity, part.price))
                if order.status is OrderStatus.COMPLETE:
                    self._go_on_with_legs(order)
            if order.terms.retention == "IOC" and not order.status.is_final:
                self.desk.withdraw(order)

    def end_orders(self) -> None:
        """Cancel all that is still open."""
        for order in list(self.desk.open.values()):
            if not order.is_waiting:
                self.desk.withdraw(order)

    def begin_day(self) -> None:
        """Empty the books, but for what is carried: NRML positions, and shares bought or sold as CNC."""
        self.end_orders()
        self.desk.begin_day()
        self.holdings.settle(self.positions.held())
        self.positions.begin_day(ist_day(self._market.now_ns()))

    def exit_set(self, number: str) -> Order:
        """Leave a cover or bracket order: cancel what rests of it, and close what it holds at the market.

        Raises
        ------
        Refusal
            There is no such order, or nothing of it is left.
        """
        entry = self.desk.orders.get(number)
        legs = self._open_legs(number)
        if entry is None or not (legs or number in self.desk.open):
            raise Refusal(ORDER_NOT_FOUND)
        if number in self.desk.open:
            self.desk.withdraw(entry)
        for leg in legs:
            self.desk.withdraw(leg)
        held = legs[0].remaining if legs else entry.last.filled_quantity
        if held:
            side = "S" if entry.terms.side == "B" else "B"
            changes = {"side": side, "quantity": held, "price": 0.0, "price_type": "MKT"}
            self.desk.place(_leg(entry, "1", **changes))
        return entry

    def limits(self) -> dict[str, str]:
        """The answer of Limits."""
        return risk.limits_row(
            self.account.cash, self._blocked(), self.positions, list(self.desk.open.values())
        )

    def margin(self, terms: OrderTerms) -> risk.Margin:
        """What an order would need, and what is left for it; nothing is placed."""
        price = self._reference(terms) if terms.is_market else terms.price
        in_depository = self.holdings.quantity(terms.instrument.name)
        new_units = terms.quantity - risk.reducing_quantity(terms, self.positions, in_depository)
        return risk.Margin(
            needed=risk.order_margin(terms, new_units, price),
            used=self._blocked(),
            cash=self.account.cash + self.positions.realised_profit(),
        )

    def _go_on_with_legs(self, order: Order) -> None:
        """A cover or bracket order that is filled gets its legs; a leg that is filled ends the other one."""
        terms = order.terms
        if terms.leg:
            for other in self._open_legs(terms.entry_number):
                self.desk.withdraw(other)
        elif terms.book_loss:
            side = "S" if terms.side == "B" else "B"
            stop = {"side": side, "price": 0.0, "price_type": "SL-MKT", "trigger_price": terms.book_loss}
            self.desk.place(_leg(order, "1", **stop))
            if terms.book_profit:
                profit = {"side": side, "price": terms.book_profit, "price_type": "LMT", "trigger_price": 0.0}
                self.desk.place(_leg(order, "0", **profit))

    def _open_legs(self, entry_number: str) -> list[Order]:
        return [order for order in self.desk.open.values() if order.terms.entry_number == entry_number]

    def _check(self, terms: OrderTerms, released: float = 0.0) -> Reject | None:
        margin = self.margin(terms)
        return risk.check_order(
            terms,
            uid=self.account.uid,
            reference_price=self._reference(terms),
            band=self._market.circuit(terms.index),
            available=margin.cash - margin.used + released,
            needed=margin.needed,
            market_orders_allowed=self._market_orders_allowed,
            market_is_open=self.market_is_open,
        )

    def _reference(self, terms: OrderTerms) -> float:
        """What a market order is expected to trade at, rupees."""
        quote = self._market.quote(terms.index)
        opposite = quote.get("ask" if terms.side == "B" else "bid", 0.0)
        return opposite if opposite > 0 else quote.get("ltp", 0.0)

    def _blocked(self) -> float:
        return risk.blocked_margin(self.desk.open.values(), self.positions)

    def _last_price(self, index: int) -> float | None:
        return self._market.quote(index).get("ltp")


def _leg(entry: Order, leg: str, **changes: object) -> OrderTerms:
    """The terms of a leg of a cover or bracket order."""
    return msgspec.structs.replace(
        entry.terms,
        **{"leg": leg, "entry_number": entry.number, "book_loss": 0.0, "book_profit": 0.0} | changes,
    )
