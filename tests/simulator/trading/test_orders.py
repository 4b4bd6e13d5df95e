"""Orders: life cycles, matching, risk, positions."""

from __future__ import annotations

import random
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dualbroker.model import OrderStatus
from dualbroker.simulator.answers import Refusal
from dualbroker.simulator.market.synthetic import SyntheticMarket
from dualbroker.simulator.market.universe import build_universe
from dualbroker.simulator.trading.accounts import generate_account
from dualbroker.simulator.trading.holdings import HoldingKeeper
from dualbroker.simulator.trading.orders import Fill, Order, OrderEvent, OrderNumbers, OrderTerms
from dualbroker.simulator.trading.positions import HeldPosition, PositionKeeper
from dualbroker.simulator.trading.trading import TradingAccount
from dualbroker.simulator.wire.order_wire import book_row, order_update

from ..still_market import OPTION, SHARE, StillMarket

LATER_NS = 10_000_000_000


class Desk:
    """A trading account over a still market, and the events it told of."""

    def __init__(self, *, market_orders_allowed: bool = True, seed: int = 1) -> None:
        self.market = StillMarket()
        self.events: list[tuple[Order, OrderEvent]] = []
        self.running_ns = 0
        self.trading = TradingAccount(
            generate_account(1, "broker1", cash=100_000.0),
            self.market,
            OrderNumbers(first=1_000_000),
            market_orders_allowed=market_orders_allowed,
            dice=random.Random(seed),
            on_event=lambda order, event: self.events.append((order, event)),
        )

    def match(self, times: int = 1) -> None:
        for _ in range(times):
            self.running_ns += LATER_NS
            self.trading.match(self.running_ns)

    def life(self) -> list[str]:
        return [f"{event.status}/{event.report_type}" for _, event in self.events]


def terms(**changes: object) -> OrderTerms:
    values: dict[str, object] = {
        "instrument": SHARE,
        "index": 0,
        "side": "B",
        "quantity": 10,
        "price": 90.0,
        "trigger_price": 0.0,
        "price_type": "LMT",
        "product": "I",
    }
    return OrderTerms(**(values | changes))  # type: ignore[arg-type]


def test_limit_order_rests_and_is_cancelled() -> None:
    desk = Desk()
    order = desk.trading.place(terms())
    desk.match()
    assert desk.life() == ["PENDING/NewAck", "PENDING/PendingNew", "OPEN/New"]
    desk.trading.cancel(order.number)
    assert desk.life()[3:] == ["OPEN/CanAck", "OPEN/PendingCancel", "CANCELED/Canceled"]
    assert order.last.cancelled_quantity == 10
    assert not desk.trading.desk.open


def test_crossing_order_fills_at_the_better_price() -> None:
    desk = Desk()
    order = desk.trading.place(terms(price=101.0, quantity=1))
    desk.match()
    assert desk.life()[-1] == "COMPLETE/Fill"
    assert order.fills[0].price == 100.05


def test_order_fills_in_parts_of_what_is_shown() -> None:
    desk = Desk()
    desk.market.change(1, ask_quantity=150.0)
    order = desk.trading.place(terms(instrument=OPTION, index=1, quantity=750, price=10.5))
    desk.match(times=20)
    assert order.status is OrderStatus.COMPLETE
    assert len(order.fills) >= 5
    assert sum(fill.quantity for fill in order.fills) == 750
    assert all(fill.quantity % 75 == 0 and fill.quantity <= 150 for fill in order.fills)
    assert desk.life()[3] == "OPEN/Fill"


def test_parts_take_their_time() -> None:
    desk = Desk()
    desk.market.change(0, ask_quantity=1.0)
    order = desk.trading.place(terms(price=101.0))
    for _ in range(10):
        desk.trading.match(desk.running_ns)
    assert len(order.fills) == 1


def test_nothing_fills_on_an_empty_side() -> None:
    desk = Desk()
    desk.market.change(0, ask=0.0, ask_quantity=0.0)
    desk.trading.place(terms(price=101.0))
    desk.match(times=3)
    assert desk.life()[-1] == "OPEN/New"


def test_stop_order_waits_for_its_trigger() -> None:
    desk = Desk()
    order = desk.trading.place(terms(price_type="SL-LMT", trigger_price=105.0, price=106.0, quantity=1))
    desk.match()
    assert desk.life()[-1] == "TRIGGER_PENDING/New"
    desk.market.change(0, ltp=105.0, bid=104.95, ask=105.05)
    desk.match()
    assert desk.life()[3:] == ["OPEN/New", "COMPLETE/Fill"]
    assert order.last.average_price == 105.05


def test_modify() -> None:
    desk = Desk()
    order = desk.trading.place(terms())
    desk.trading.modify(order.number, terms(price=91.0, quantity=20))
    assert desk.life()[3:] == ["OPEN/ModAck", "OPEN/PendingReplace", "OPEN/Replaced"]
    assert order.last.version == 2
    assert order.terms.quantity == 20


def test_modify_beyond_the_money_is_rejected_and_the_order_lives_on() -> None:
    desk = Desk()
    order = desk.trading.place(terms())
    desk.trading.modify(order.number, terms(quantity=1_000_000))
    assert desk.life()[-1] == "OPEN/ReplaceRejected"
    assert order.terms.quantity == 10
    assert order.number in desk.trading.desk.open


def test_immediate_or_cancel() -> None:
    desk = Desk()
    desk.trading.place(terms(retention="IOC"))
    desk.match()
    assert desk.life()[-1] == "CANCELED/Canceled"


def test_unknown_orders_are_refused_in_the_broker_s_words() -> None:
    desk = Desk()
    with pytest.raises(Refusal, match="ORA:Order not found to Cancel"):
        desk.trading.cancel("26010100000001")
    with pytest.raises(Refusal, match=r"ORA:Order not found$"):
        desk.trading.modify("26010100000001", terms())


@pytest.mark.parametrize(
    ("changes", "reason", "pending_new"),
    [
        ({"quantity": 1_000_000}, "RED:Margin Shortfall", False),
        ({"price": 10.0}, "RED:RULE:{Check circuit limit", False),
        ({"instrument": OPTION, "index": 1, "quantity": 76, "price": 10.0}, "multiple of the lot", False),
    ],
)
def test_rejects(changes: dict[str, object], reason: str, pending_new: bool) -> None:
    desk = Desk()
    order = desk.trading.place(terms(**changes))
    assert order.status is OrderStatus.REJECTED
    assert ("PENDING/PendingNew" in desk.life()) is pending_new
    assert reason in book_row(order)["rejreason"]
    assert reason in order_update(order, order.last)["rejreason"]


@pytest.mark.parametrize("allowed", [True, False])
def test_market_orders_are_a_rule_of_the_broker(allowed: bool) -> None:
    desk = Desk(market_orders_allowed=allowed)
    order = desk.trading.place(terms(price_type="MKT", price=0.0, quantity=1))
    desk.match()
    assert order.status is (OrderStatus.COMPLETE if allowed else OrderStatus.REJECTED)


def test_update_has_the_fields_of_a_real_one() -> None:
    desk = Desk()
    desk.trading.place(terms(price=101.0, quantity=1))
    desk.match()
    first, last = (order_update(*desk.events[position]) for position in (0, -1))
    assert first["status"] == "PENDING"
    assert first["st_intrn"] == "ORDER ACK"
    assert first["pcode"] == "I"
    assert first["rejreason"] == " "
    assert "flid" not in first
    assert {"flid", "flqty", "flprc", "fltm", "fillshares", "avgprc", "exch_tm"} <= set(last)


def test_events_of_an_account_never_share_a_time() -> None:
    desk = Desk()
    for _ in range(5):
        desk.trading.place(terms())
    times = [event.time_ns for _, event in desk.events]
    assert len(set(times)) == len(times)
    assert times == sorted(times)


def test_order_numbers_are_fourteen_digits_and_start_with_the_day() -> None:
    desk = Desk()
    order = desk.trading.place(terms())
    assert len(order.number) == 14
    assert order.number.startswith("251009")  # the still market's day, in Indian time


def test_position_is_averaged_and_closed() -> None:
    position = HeldPosition(instrument=SHARE, index=0, product="I")
    position.add("B", 10, 100.0)
    position.add("B", 10, 110.0)
    assert position.net_average_price == 105.0
    position.add("S", 5, 115.0)
    assert (position.net_quantity, position.realised_profit) == (15, 50.0)
    position.add("S", 20, 100.0)
    # Pooled by day: 20 bought at 105 on average, 25 sold at 103.
    assert (position.net_quantity, position.net_average_price) == (-5, 103.0)
    assert position.realised_profit == 20 * (103.0 - 105.0)


@given(
    st.lists(st.tuples(st.sampled_from("BS"), st.integers(1, 500), st.integers(1, 20_000)), max_size=30),
    st.integers(1, 20_000),
)
def test_profit_is_what_the_cash_flow_says(fills: list[tuple[str, int, int]], last: int) -> None:
    position = HeldPosition(instrument=SHARE, index=0, product="I")
    for side, quantity, price in fills:
        position.add(side, quantity, float(price))
    cash = position.day.sell_amount - position.day.buy_amount
    worth = position.net_quantity * last
    unrealised = position.net_quantity * (last - position.net_average_price)
    assert position.realised_profit + unrealised == pytest.approx(cash + worth, abs=1e-3)


def test_position_row() -> None:
    keeper = PositionKeeper(lambda _: 101.0)
    keeper.add(terms(), Fill("1", 10, 100.0, 0))
    (row,) = keeper.rows("FA0001", [])
    assert (row["netqty"], row["netavgprc"], row["urmtom"], row["rpnl"]) == ("10", "100.00", "10.00", "0.00")
    assert (row["daybuyqty"], row["cfbuyqty"], row["lp"]) == ("10", "0", "101.00")


def test_what_waits_in_the_market_is_told_with_the_position() -> None:
    desk = Desk()
    desk.trading.place(terms(price=101.0, quantity=1))
    desk.match()
    desk.trading.place(terms(side="S", quantity=30, price_type="SL-LMT", price=95.0, trigger_price=96.0))
    desk.trading.place(terms(side="S", quantity=10, price=110.0, product="M"))
    (row,) = desk.trading.positions.rows("FA0001", desk.trading.desk.open.values())
    assert (row["opensellqty"], row["opensellamt"], row["opensellavgprc"]) == ("30", "2850.00", "95.00")
    assert row["openbuyqty"] == "0"


def test_what_is_carried_stands_in_the_next_day_s_book() -> None:
    desk = Desk()
    for product in ("M", "I"):
        desk.trading.place(terms(price=101.0, quantity=1, product=product))
    desk.match()
    desk.market.change(0, ltp=101.25)
    desk.trading.begin_day()
    (row,) = desk.trading.positions.rows("FA0001", [])
    assert (row["prd"], row["netqty"], row["netavgprc"], row["upldprc"]) == ("M", "1", "100.05", "100.05")
    assert (row["cfbuyqty"], row["cforgavgprc"], row["daybuyqty"]) == ("1", "100.05", "0")
    assert row["cfbuyavgprc"] == "101.25", "what is carried is told at its last settlement, too"
    desk.trading.place(terms(side="S", price=99.0, quantity=1, product="M"))
    desk.match()
    (row,) = desk.trading.positions.rows("FA0001", [])
    assert (row["netqty"], row["cfbuyqty"], row["daysellqty"], row["rpnl"]) == ("0", "1", "1", "-0.10")
    desk.trading.begin_day()
    assert desk.trading.positions.rows("FA0001", []) == []


def test_holdings_have_settled_pledged_and_new_shares_and_follow_the_trades() -> None:
    market = SyntheticMarket(build_universe(date(2026, 11, 23)), seed=1, start_ns=0, ticks_per_second=1)
    keeper = HoldingKeeper(market, "FA0001")
    rows = keeper.rows([])
    totals = {name: sum(int(str(row[name])) for row in rows) for name in ("holdqty", "btstqty", "brkcolqty")}
    assert len(rows) == 4
    assert all(total > 0 for total in totals.values())
    held = next(each for each in keeper.held() if each.settled)
    before = held.settled
    index = market.index_of(held.listings[0].key)
    assert index is not None
    sold = HeldPosition(instrument=held.listings[0], index=index, product="C")
    sold.add("S", 1, 100.0)
    used = {str(row["usedqty"]) for row in keeper.rows([sold])}
    assert used == {"0", "1"}
    new = held.bought_yesterday
    keeper.settle([sold])
    assert (held.settled, held.bought_yesterday) == (before + new - 1, 0)


def test_a_share_that_is_held_is_sold_without_margin() -> None:
    desk = Desk()
    (held,) = desk.trading.holdings.held()
    assert held.listings == [SHARE]
    order = terms(side="S", quantity=held.settled, price=110.0, product="C")
    assert desk.trading.margin(order).needed == 0.0
    assert desk.trading.margin(terms(side="S", quantity=1, product="I")).needed > 0.0


def test_a_bracket_order_gets_two_legs_and_the_one_that_fills_ends_the_other() -> None:
    desk = Desk()
    entry = desk.trading.place(terms(price=101.0, quantity=1, product="B", book_loss=95.0, book_profit=105.0))
    desk.match()
    stop, profit = desk.trading.desk.open.values()
    assert (stop.terms.side, stop.terms.price_type, stop.terms.trigger_price) == ("S", "SL-MKT", 95.0)
    assert (profit.terms.price_type, profit.terms.price, profit.status) == ("LMT", 105.0, OrderStatus.OPEN)
    row = book_row(profit)
    assert (row["snonum"], row["snoordt"], book_row(stop)["snoordt"]) == (entry.number, "0", "1")
    assert (book_row(entry)["blprc"], book_row(entry)["bpprc"]) == ("95.00", "105.00")
    desk.market.change(0, ltp=105.0, bid=105.0)
    desk.match()
    assert (profit.status, stop.status) == (OrderStatus.COMPLETE, OrderStatus.CANCELED)
    assert desk.trading.positions.net_quantity(SHARE, "B") == 0


def test_a_cover_order_is_left_at_the_market() -> None:
    desk = Desk()
    entry = desk.trading.place(terms(price=101.0, quantity=1, product="H", book_loss=95.0))
    desk.match()
    assert len(desk.trading.desk.open) == 1
    desk.trading.exit_set(entry.number)
    desk.match()
    assert not desk.trading.desk.open
    assert desk.trading.positions.net_quantity(SHARE, "H") == 0
    with pytest.raises(Refusal, match="Order not found"):
        desk.trading.exit_set(entry.number)


def test_an_after_market_order_outlives_the_night_and_goes_to_the_exchange_at_the_opening() -> None:
    desk = Desk()
    desk.trading.market_is_open = False
    refused = desk.trading.place(terms())
    assert "16278 The markets have not been opened for trading" in book_row(refused)["rejreason"]
    desk.events.clear()
    order = desk.trading.place(terms(after_market=True))
    assert desk.life() == ["PENDING/NewAck", "OPEN/New"]
    assert (book_row(order)["amo"], book_row(order)["exchordid"]) == ("Yes", "")
    desk.trading.begin_day()
    assert list(desk.trading.desk.orders) == [order.number]
    desk.trading.market_is_open = True
    desk.match()
    assert desk.life()[2:] == ["OPEN/PendingNew", "OPEN/New"]
    assert book_row(order)["exchordid"]
    desk.trading.begin_day()
    assert (order.status, list(desk.trading.desk.orders)) == (OrderStatus.CANCELED, [])


def test_a_product_is_converted_at_the_average_price() -> None:
    desk = Desk()
    desk.trading.place(terms(price=101.0, quantity=1))
    desk.match()
    positions = desk.trading.positions
    assert not positions.convert(terms(quantity=2), "C")
    assert positions.convert(terms(quantity=1), "C")
    assert (positions.net_quantity(SHARE, "I"), positions.net_quantity(SHARE, "C")) == (0, 1)
    assert positions.realised_profit() == 0.0


@given(st.integers(0, 2**32), st.lists(st.sampled_from("pcmxq"), max_size=40))
def test_whatever_happens_an_order_s_figures_hold(seed: int, actions: list[str]) -> None:
    desk = Desk(seed=seed)
    dice = random.Random(seed)
    for action in actions:
        resting = list(desk.trading.desk.open)
        if action == "p":
            desk.trading.place(terms(quantity=dice.randint(1, 50), price=dice.uniform(98, 102)))
        elif action == "q":
            desk.market.change(0, ask=dice.uniform(99, 101), ask_quantity=float(dice.randint(0, 20)))
        elif action == "x":
            desk.match()
        elif resting and action == "c":
            desk.trading.cancel(resting[0])
        elif resting and action == "m":
            order = desk.trading.desk.open[resting[0]]
            desk.trading.modify(order.number, terms(quantity=order.last.filled_quantity + 5))
    for order in desk.trading.desk.orders.values():
        filled = [event.filled_quantity for event in order.events]
        assert filled == sorted(filled)
        assert sum(fill.quantity for fill in order.fills) == order.last.filled_quantity
        assert order.last.filled_quantity <= order.terms.quantity
        assert (order.status is OrderStatus.COMPLETE) == (order.remaining == 0)
        finals = [event.status.is_final for event in order.events]
        assert not any(finals[:-1])
        assert (order.number in desk.trading.desk.open) != order.status.is_final
