"""Rows of position books and holdings, and limits: recorded ones, and ones that say less."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dualbroker.desk.accounting import Trade, multiplier_of, pooled, unrealised
from dualbroker.desk.books import DeskStore
from dualbroker.desk.positions import check_of, held_positions
from dualbroker.errors import WireError
from dualbroker.model import Holding, Limits, Position
from dualbroker.noren.answers import parse_rows
from dualbroker.noren.books import fill_from_row
from dualbroker.noren.desk_books import holding_from_row, limits_from_answer, position_from_row


def recorded(shared_data: Path, name: str) -> list[dict[str, Any]]:
    folder = shared_data / "noren-messages-2"
    return [json.loads(line) for line in (folder / f"{name}.jsonl").read_bytes().splitlines()]


def position(**fields: str) -> Position:
    return position_from_row({"exch": "NFO", "tsym": "X"} | fields, broker_name="broker1")


@pytest.mark.shared
def test_each_recorded_position_has_the_profit_that_its_broker_states(shared_data: Path) -> None:
    rows = recorded(shared_data, "positions")
    found = {}
    for row in rows:
        read = position_from_row(row, broker_name="broker1")
        assert read.net_quantity is not None
        factor = multiplier_of(read.price_factor, read.unit_multiplier)
        outcome = pooled([Trade(read.net_quantity, read.net_average_price)], factor.value)
        found[read.symbol] = unrealised(outcome, read.ltp, factor.value)
        assert found[read.symbol] == pytest.approx(read.unrealised_profit, abs=1e-6)
        store = DeskStore()
        store.take_positions("broker1", [read], 1)
        (held,) = held_positions(store.account("broker1"))
        assert held.quantity == read.net_quantity
        checked = check_of(held, read.ltp, "pooled")
        assert checked is not None
        assert checked.explained is True
    assert found["MSUMI-EQ"] == pytest.approx(72.00)
    assert found["FINNIFTY19DEC23P21200"] == pytest.approx(130.00)
    assert found["IDEA-EQ"] == pytest.approx(-0.15)


@pytest.mark.shared
def test_a_pending_order_is_no_position(shared_data: Path) -> None:
    folder = shared_data / "noren-messages"
    lines = (folder / "shoonya_rest_88pawankumarjha.jsonl").read_bytes().splitlines()
    row = json.loads(lines[5])
    read = position_from_row(row, broker_name="broker1")
    assert row["openbuyqty"] == "1000"
    assert (read.net_quantity, read.day_buy_quantity, read.day_sell_quantity) == (-1000.0, 0.0, 1000.0)
    assert read.unrealised_profit == 500.00


@pytest.mark.shared
def test_minus_zero_is_a_zero_that_was_received(shared_data: Path) -> None:
    row = next(row for row in recorded(shared_data, "positions") if row["tsym"] == "MSUMI-EQ")
    assert row["rpnl"] == "-0.00"
    assert position_from_row(row, broker_name="broker1").realised_profit == 0.0


@pytest.mark.shared
def test_recorded_limits_are_mapped_to_one_set_of_words(shared_data: Path) -> None:
    full, empty, partial, _ = (
        limits_from_answer(row, broker_name="broker1") for row in recorded(shared_data, "limits")
    )
    assert full.margin_used == 205_139.31
    assert full.margin_available == pytest.approx(267_557.00 - 205_139.31)
    assert (full.span, full.exposure, full.premium) == (170_271.15, 32_792.52, 2_044.00)
    assert full.unrealised_profit == -1_807.00
    assert (empty.cash, empty.margin_used, empty.margin_available) == (0.0, None, None)
    assert (partial.cash, partial.pay_in, partial.margin_used) == (253.58, 26_000.0, None)


@pytest.mark.shared
def test_a_recorded_trade_names_what_it_was(shared_data: Path) -> None:
    row = next(row for row in recorded(shared_data, "trades") if "norenordno" in row)
    fill = fill_from_row(row, broker_name="broker1", receive_time_ns=1)
    assert (fill.symbol, fill.quantity, fill.price) == ("SENSEX2691774300PE", 80.0, 352.80)


@pytest.mark.shared
def test_an_empty_book_is_empty_in_any_of_its_forms(shared_data: Path) -> None:
    said = [row["emsg"] for row in recorded(shared_data, "errors") if "no data" in row.get("emsg", "")]
    assert said == ['Error Occurred : 5 {"no data"}']
    for words in (*said, 'Error Occurred : 5 "no data"', "no data", "no data :"):
        answer = json.dumps({"stat": "Not_Ok", "emsg": words}).encode()
        assert parse_rows(200, answer) == []


def test_the_sum_of_limits_by_segment_stands_for_a_whole_that_is_not_named() -> None:
    # Shoonya's README: 15270 + 61080 - 45810; its table calls the sum unmtom, its sample urmtom.
    parts = {"uzpnl_e_i": "15270.00", "uzpnl_e_m": "61080.00", "uzpnl_e_c": "-45810.00"}
    for answer in (parts, {"urmtom": "30540.00"}, {"unmtom": "30540.00"}, parts | {"urmtom": "30540.00"}):
        assert limits_from_answer(answer, broker_name="broker1").unrealised_profit == 30_540.0


def test_limits_that_say_nothing_are_unknown() -> None:
    assert limits_from_answer({"stat": "Ok", "cash": "", "payin": "NA"}, broker_name="broker1") == Limits(
        broker_name="broker1"
    )


def test_what_is_carried_has_its_entry_and_its_settlement_apart() -> None:
    carried = {"cfbuyqty": "3", "cfsellqty": "0", "cfbuyavgprc": "23232.00", "cforgavgprc": "23057.00"}
    read = position(netqty="3", **carried)
    assert (read.carried_quantity, read.carried_price, read.settlement_price) == (3.0, 23057.0, 23232.0)
    short = position(netqty="-3", cfbuyqty="0", cfsellqty="3", cfsellavgprc="5.10", upldprc="0.00")
    assert (short.carried_quantity, short.carried_price, short.settlement_price) == (-3.0, 5.1, None)
    assert position(netqty="3").carried_quantity is None


def test_an_average_is_exact_where_the_amount_says_so_and_never_holds_a_multiplier() -> None:
    exact = position(daybuyqty="3", daybuyamt="100.00", daybuyavgprc="33.33")
    assert exact.day_buy_price == pytest.approx(100 / 3)
    multiplied = position(daybuyqty="1", daybuyamt="88500.00", daybuyavgprc="88.5000")
    assert multiplied.day_buy_price == 88.5
    assert position(daybuyqty="0", daybuyamt="0.00", daybuyavgprc="0.00").day_buy_price is None


def holding(**fields: Any) -> Holding:
    listed = {"exch_tsym": [{"exch": "NSE", "token": "1", "tsym": "X-EQ"}], "upldprc": "801.78"}
    return holding_from_row(listed | fields, broker_name="broker1")


def test_holdings_count_units_that_are_told_twice_once() -> None:
    assert holding(holdqty="10", btstqty="5", brkcolqty="3", usedqty="2").quantity == 16
    assert holding(npoadqty="7", dpqty="7").quantity == 7
    assert holding(npoadqty="7", dpqty="9", unplgdqty="1", benqty="2").quantity == 12
    t1 = holding(btstqty="5", brkcolqty="3")
    assert (t1.bought_yesterday, t1.pledged, t1.used) == (5.0, 3.0, None)


def test_a_share_on_two_exchanges_is_one_holding() -> None:
    both = [{"exch": name, "token": str(n), "tsym": f"X{n}"} for n, name in enumerate(("NSE", "BSE"))]
    read = holding(exch_tsym=both, holdqty="4")
    assert read.listings == [("NSE", "0", "X0"), ("BSE", "1", "X1")]
    assert (read.quantity, read.average_price) == (4.0, 801.78)


def test_units_that_can_t_be_read_are_unknown_and_a_row_without_any_is_refused() -> None:
    assert holding(holdqty="NA", btstqty="1").quantity is None
    with pytest.raises(WireError, match="quantities"):
        holding()
    with pytest.raises(WireError, match="exch_tsym"):
        holding_from_row({"holdqty": "1"}, broker_name="broker1")


ANY = st.dictionaries(
    st.sampled_from(
        [
            *("exch", "tsym", "token", "prd", "netqty", "netavgprc", "lp", "urmtom", "rpnl", "mult"),
            *("daybuyqty", "daybuyamt", "daybuyavgprc", "cfbuyqty", "cfsellqty", "cfbuyavgprc", "prcftr"),
            *("exch_tsym", "holdqty", "btstqty", "upldprc", "cash", "marginused", "uzpnl_e_i"),
        ]
    ),
    st.one_of(st.none(), st.text(max_size=5), st.floats(), st.integers(), st.lists(st.none(), max_size=2)),
)


@given(ANY)
def test_no_row_breaks_the_reader(row: dict[str, Any]) -> None:
    for read in (position_from_row, holding_from_row, limits_from_answer):
        with contextlib.suppress(WireError):
            assert read(row, broker_name="broker1").broker_name == "broker1"
