"""Sums over the positions of several accounts."""

from __future__ import annotations

from dualbroker.desk.books import DeskStore
from dualbroker.desk.desk import Desk
from dualbroker.stores.health import BrokerHealth, BrokerState
from dualbroker.stores.orders import Ledger
from dualbroker.stores.quotes import QuoteStore
from tests.desk.made import T0, position


def desk_of(store: DeskStore) -> Desk:
    health = BrokerHealth(
        broker_name="broker1",
        broker_type="shoonya",
        account="FA**89",
        simulated=False,
        state=BrokerState.LIVE,
    )
    return Desk(
        books=lambda: store,
        quotes=QuoteStore,
        orders=Ledger,
        health=lambda: [health],
        source_of=lambda _: None,
    )


def test_a_day_s_mtm_that_leaves_a_position_out_is_unknown() -> None:
    store = DeskStore()
    bought = {"net_quantity": 10.0, "day_buy_quantity": 10.0, "day_buy_price": 100.0, "ltp": 101.0}
    store.take_positions("broker1", [position(symbol="A", **bought)], T0)
    assert desk_of(store).profit()[-1].day_mtm == 10.0
    carried = {"net_quantity": 5.0, "carried_quantity": 5.0, "carried_price": 90.0, "ltp": 101.0}
    rows = [position(symbol="A", **bought), position(symbol="B", **carried)]
    store.take_positions("broker1", rows, T0 + 1)
    total = desk_of(store).profit()[-1]
    assert (total.total, total.day_mtm) == (65.0, None)
    assert total.complete
