"""A position is the broker's row and the fills since, whichever of the two comes first."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dualbroker.clock import IST
from dualbroker.desk.books import DeskStore
from dualbroker.desk.positions import HeldPosition, Mark, check_of, held_positions, marked
from dualbroker.model import FillReport, Position
from tests.desk.made import NS, T0, fill, holding, position

LATER = T0 + 600 * NS
DAY = 86_400 * NS


def at_ist(clock: str) -> int:
    moment = datetime.fromisoformat(f"2027-01-15 {clock}").replace(tzinfo=IST)
    return int(moment.timestamp()) * NS


def _given(mark: Mark, held: HeldPosition) -> Mark:
    return mark


def one(store: DeskStore) -> HeldPosition:
    (held,) = held_positions(store.account("broker1"))
    return held


def quantity(store: DeskStore) -> float | None:
    return one(store).quantity


def row(bought: float, sold: float = 0.0, carried: float = 0.0, **fields: Any) -> Position:
    made: dict[str, Any] = {
        "net_quantity": carried + bought - sold,
        "day_buy_quantity": bought,
        "day_sell_quantity": sold,
        "carried_quantity": carried,
        "day_buy_price": 100.0,
        "day_sell_price": 101.0,
        "carried_price": 90.0,
    }
    return position(**made | fields)


def read(store: DeskStore, *rows: Position, at: int = LATER) -> None:
    store.take_positions("broker1", rows, at)


def test_a_fill_counts_once_whether_book_or_stream_tells_of_it_first() -> None:
    for stream_first in (True, False):
        store = DeskStore()
        read(store, row(75), at=T0)
        assert quantity(store) == 75
        store.take_fill(fill("B", 75, 100.0, 0))
        assert quantity(store) == 75
        for is_stream in (stream_first, not stream_first):
            if is_stream:
                store.take_fill(fill("B", 75, 100.0))
            else:
                read(store, row(150))
            assert quantity(store) == 150
        assert not store.take_fill(fill("B", 75, 100.0))


def test_what_is_carried_counts_and_the_day_s_figures_are_apart() -> None:
    store = DeskStore()
    read(store, row(10, 4, carried=20))
    held = one(store)
    assert (held.quantity, held.carried_quantity, held.sides.bought, held.sides.sold) == (26, 20, 10, 4)


def test_a_conversion_lasts_over_two_reads_and_then_counts_beside_new_fills() -> None:
    store = DeskStore()
    store.take_trade_book("broker1", [fill("B", 75, 100.0)], LATER)
    read(store, row(0))  # converted into another product: the fill stays under this one
    assert quantity(store) == 75  # a row may be late
    read(store, row(0), at=LATER + 60 * NS)
    assert quantity(store) == 0
    store.take_fill(fill("B", 25, 100.0, 9, fill_time_ns=LATER + 90 * NS))
    assert quantity(store) == 25


def test_what_was_converted_leaves_a_profit_that_is_known() -> None:
    store = DeskStore()
    store.take_trade_book("broker1", [fill("B", 75, 100.0)], LATER)
    for at in (LATER, LATER + 60 * NS):
        read(store, row(0, day_buy_price=None), at=at)  # a real row of no units states no average
    held = one(store)
    assert (held.quantity, held.realised) == (0, 0.0)
    assert marked(held, lambda _: None).total == 0.0


@pytest.mark.parametrize("absent", ["net_quantity", "day_buy_quantity", "day_sell_quantity"])
def test_a_row_without_one_of_its_quantities_is_unknown_and_never_flat(absent: str) -> None:
    store = DeskStore()
    store.take_positions("broker1", [position(**{"net_quantity": 50.0, absent: None})], LATER)
    held = one(store)
    assert held.quantity is None
    assert "no quantity that can be read" in held.doubt
    assert marked(held, lambda _: Mark(100.0)).total is None


def test_a_late_fill_that_the_book_had_is_not_counted_twice() -> None:
    store = DeskStore()
    for at in (LATER, LATER + 60 * NS):
        read(store, row(75), at=at)  # and no fill of it: the trade book can't be read
    assert quantity(store) == 75
    store.take_trade_book("broker1", [fill("B", 75, 100.0)], LATER + 90 * NS)
    assert quantity(store) == 75


def test_a_failed_read_keeps_the_rows_and_says_since_when_they_are_old() -> None:
    store = DeskStore()
    read(store, row(75))
    store.fail("broker1", "positions", "HTTP 502", LATER + NS)
    store.fail("broker1", "positions", "HTTP 502 again", LATER + 5 * NS)
    held = one(store)
    assert (held.quantity, held.doubt) == (75, "HTTP 502 again")
    assert store.account("broker1").positions.old_since_ns == LATER + NS
    store.take_fill(fill("S", 75, 101.0, 3))
    assert quantity(store) == 0  # still kept by the stream, and still in doubt
    read(store, row(75, 75), at=LATER + 60 * NS)
    assert (one(store).doubt, store.account("broker1").positions.old_since_ns) == ("", None)


def test_an_account_that_was_never_read_is_unknown_and_an_empty_book_is_empty() -> None:
    store = DeskStore()
    book = store.account("broker1").positions
    assert (book.is_known, book.why_unknown()) == (False, "not read yet")
    read(store)
    assert store.account("broker1").positions.is_known
    assert held_positions(store.account("broker1")) == []
    store.fail("broker2", "positions", "", T0, offered=False)
    assert "not read" in store.account("broker2").positions.why_unknown()


def test_a_quantity_that_can_t_be_read_is_unknown_and_never_flat() -> None:
    store = DeskStore()
    read(store, row(0, net_quantity=None))
    held = one(store)
    assert (held.quantity, marked(held, lambda _: Mark(100.0)).unrealised) == (None, None)
    assert "can be read" in held.doubt


def test_a_fill_of_which_no_row_is_there_yet_makes_a_position() -> None:
    store = DeskStore()
    read(store)
    store.take_fill(fill("S", 75, 100.0, receive_time_ns=LATER + NS))
    assert quantity(store) == -75
    read(store, at=LATER + 60 * NS)
    # A book that is empty all the same is one that can't be believed.
    assert (quantity(store), "1 fills of today" in one(store).doubt) == (-75, True)
    read(store, at=LATER + DAY)
    assert held_positions(store.account("broker1")) == []


def test_what_expired_is_gone_with_the_next_day_s_book() -> None:
    store = DeskStore()
    read(store, row(0, carried=75))
    read(store, at=LATER + DAY)
    assert held_positions(store.account("broker1")) == []


def test_a_position_that_the_book_loses_within_a_day_stays_and_is_marked() -> None:
    store = DeskStore()
    read(store, row(0, carried=75), row(0, carried=5, symbol="Y"))
    read(store, row(0, carried=6, symbol="Y"), at=LATER + 60 * NS)
    held = {each.symbol: each for each in held_positions(store.account("broker1"))}
    assert (held["X"].quantity, held["Y"].quantity) == (75, 6)
    assert held["X"].doubt == "the book no longer names X"


def test_a_broker_that_begins_its_day_before_midnight_or_in_the_morning_is_believed() -> None:
    for before, after in (("23:40", "23:50"), ("07:00", "09:00"), ("23:59", "00:01")):
        store = DeskStore()
        first, second = (at_ist(f"{text}") for text in (before, after))
        read(store, row(0, carried=75), at=first)
        read(store, at=second if second > first else second + DAY)
        assert held_positions(store.account("broker1")) == []


def test_a_sale_out_of_the_holdings_is_no_short_position() -> None:
    store = DeskStore()
    sold = row(0, 4, exchange="NSE", symbol="X-EQ", product="C", day_sell_price=130.0)
    read(store, sold)
    store.take_holdings("broker1", [holding(quantity=6.0, used=4.0)], LATER)
    held = one(store)
    assert (held.quantity, held.from_holdings, held.exposed_quantity) == (-4, 4, 0)
    for mark in (Mark(1.0), Mark(1000.0)):
        at_any_price = marked(held, partial(_given, mark))
        assert (at_any_price.unrealised, at_any_price.total) == (0.0, 120.0)


def test_a_position_is_marked_by_the_stream_else_by_the_broker_s_read() -> None:
    store = DeskStore()
    read(store, row(10, ltp=105.0, settlement_price=None))
    held = one(store)
    live, still = marked(held, lambda _: Mark(110.0, T0)), marked(held, lambda _: None)
    assert (live.unrealised, live.ltp_from, live.ltp_time_ns) == (100.0, "stream", T0)
    assert (still.unrealised, still.ltp_from, still.ltp_time_ns) == (50.0, "broker's read", None)


def test_the_check_leaves_out_fills_that_the_row_can_t_know() -> None:
    store = DeskStore()
    store.take_trade_book("broker1", [fill("B", 10, 100.0)], LATER)
    read(store, row(10, ltp=101.0, realised_profit=0.0, unrealised_profit=10.0))
    store.take_fill(fill("B", 5, 101.0, 7))
    found = check_of(one(store), 101.0, "pooled")
    assert found is not None
    assert (found.explained, found.rule) == (True, "fills since the read")


def test_averages_of_what_no_fill_tells_are_the_row_s() -> None:
    store = DeskStore()
    read(store, row(20, day_buy_price=105.0))
    assert one(store).average_price == 105.0
    store.take_fill(fill("B", 10, 100.0, fill_time_ns=T0))
    held = one(store)
    assert held.quantity == 20
    assert held.average_price == pytest.approx(105.0)


@dataclass
class Account:
    """A broker's account of which the books and the stream tell, each in its own time."""

    store: DeskStore = field(default_factory=DeskStore)
    happened: int = 0
    bought: float = 0.0
    sold: float = 0.0
    fills: list[tuple[str, float, int]] = field(default_factory=list)
    streamed: int = 0
    now: int = T0

    def trade(self, side: str, units: float) -> None:
        self.now += NS
        self.fills.append((side, units, self.now))
        if side == "B":
            self.bought += units
        else:
            self.sold += units

    def made(self, number: int) -> FillReport:
        side, units, at = self.fills[number]
        return fill(side, units, 100.0, number, fill_time_ns=at, receive_time_ns=self.now)

    def stream_one(self) -> None:
        if self.streamed < len(self.fills):
            self.store.take_fill(self.made(self.streamed))
            self.streamed += 1

    def read_positions(self) -> None:
        self.now += 4 * NS
        read(self.store, row(self.bought, self.sold, carried=50), at=self.now)

    def read_trades(self) -> None:
        self.now += 4 * NS
        rows = [self.made(number) for number in range(len(self.fills))][::-1]
        self.store.take_trade_book("broker1", rows, self.now)


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("trade"), st.sampled_from("BS"), st.integers(1, 5)),
        st.tuples(st.sampled_from(["stream", "lose", "positions", "trades"])),
    ),
    max_size=30,
)


@given(STEPS)
def test_after_both_books_were_read_the_quantity_is_the_broker_s(steps: list[tuple[object, ...]]) -> None:
    account = Account()
    for step in steps:
        if step[0] == "trade":
            account.trade(str(step[1]), float(str(step[2])))
        elif step[0] == "stream":
            account.stream_one()
        elif step[0] == "lose":
            account.streamed = min(account.streamed + 1, len(account.fills))
        elif step[0] == "positions":
            account.read_positions()
        else:
            account.read_trades()
    account.read_trades()
    account.read_positions()
    assert quantity(account.store) == 50 + account.bought - account.sold
    account.trade("B", 7)
    while account.streamed < len(account.fills):
        account.stream_one()
    assert quantity(account.store) == 50 + account.bought - account.sold
