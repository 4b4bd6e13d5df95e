"""The made-up trader, and that a simulation can be repeated."""

from __future__ import annotations

from datetime import date

import pytest

from dualbroker.simulator.market.synthetic import SyntheticMarket
from dualbroker.simulator.market.universe import build_universe
from dualbroker.simulator.simulation import Simulation
from dualbroker.simulator.wire.framing import payload_of

from ..broker_client import connect, log_in
from ..still_market import START_NS, StillMarket

STEP_NS = 50_000_000


def make(
    seed: int = 3, orders_per_minute: float = 120.0, hold: bool = False, ticks_per_second: float = 200
) -> Simulation:
    universe = build_universe(date(2025, 10, 9), strikes_each_side=2, expiries=1)
    market = SyntheticMarket(universe, seed=seed, start_ns=START_NS, ticks_per_second=ticks_per_second)
    return Simulation(
        market, ["broker1", "broker2"], seed=seed, orders_per_minute=orders_per_minute, hold=hold
    )


def run(simulation: Simulation, seconds: int) -> None:
    for _ in range(seconds * 20):
        simulation.step(STEP_NS)


@pytest.mark.slow
def test_flow_is_of_the_asked_size_and_mixed() -> None:
    simulation = make()
    run(simulation, 300)
    for broker in simulation.brokers:
        (trading,) = broker.trading.values()
        orders = list(trading.desk.orders.values())
        assert 250 < len(orders) < 600
        reports = {event.report_type.value for order in orders for event in order.events}
        assert {"Fill", "Canceled", "Replaced", "Rejected", "New"} <= reports
        assert {order.terms.price_type for order in orders} == {"LMT", "SL-LMT"}
        assert any(len(order.fills) > 1 for order in orders)
        rejected = sum(order.status == "REJECTED" for order in orders)
        assert rejected < len(orders) * 0.2
        assert len(trading.desk.open) <= 20


def test_accounts_differ() -> None:
    simulation = make()
    run(simulation, 20)
    first, second = simulation.truth()["orders"].values()  # type: ignore[attr-defined]
    assert first != second
    assert not set(first) & set(second)


@pytest.mark.slow
def test_same_seed_same_frames() -> None:
    def frames_of(simulation: Simulation) -> list[bytes]:
        broker = simulation.brokers[0]
        session = connect(broker, log_in(broker), orders=True)
        run(simulation, 60)
        return [payload_of(frame) for frame in session.take()]

    first = frames_of(make())
    assert first == frames_of(make())
    assert first != frames_of(make(seed=4))


def test_quiet_when_asked_for_no_orders() -> None:
    simulation = make(orders_per_minute=0)
    run(simulation, 60)
    assert simulation.truth()["order_updates"] == {"broker1": 0, "broker2": 0}


def test_held_and_stopped_simulations_do_nothing() -> None:
    simulation = make(hold=True)
    run(simulation, 30)
    assert (simulation.ticks_produced, simulation.state()["held"]) == (0, True)
    simulation.release()
    run(simulation, 30)
    truth = simulation.truth()
    assert simulation.ticks_produced == pytest.approx(6000, abs=10)
    assert sum(truth["order_updates"].values()) > 0  # type: ignore[attr-defined]
    simulation.stop()
    run(simulation, 30)
    assert simulation.truth() == truth
    assert simulation.state()["stopped"] is True


def test_market_without_quotes_is_left_alone() -> None:
    market = StillMarket()
    for quote in market.quotes:
        quote.clear()
    simulation = Simulation(market, ["broker1"], orders_per_minute=600)
    run(simulation, 10)
    assert simulation.truth()["last_prices"] == {}
    assert simulation.brokers[0].order_frames_produced == 0
