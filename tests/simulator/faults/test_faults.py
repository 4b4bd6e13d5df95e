"""The switches themselves: checked, named, for one broker or all, the same for the same seed."""

from __future__ import annotations

import pytest

from dualbroker.errors import DualBrokerError
from dualbroker.noren import frames
from dualbroker.simulator.faults.faults import NO_FAULTS, Faults, as_strike, changed
from dualbroker.simulator.simulation import Simulation
from dualbroker.simulator.trading.orders import OrderTerms

from ..broker_client import log_in
from ..still_market import SHARE, StillMarket


def test_switches_are_checked_and_named_when_wrong() -> None:
    simulation = Simulation(StillMarket(), ["broker1"])
    for switches in ({"mutee": True}, {"delay_s": "long"}, {"drop_orders": 1.5}, {"delay_s": -1.0}):
        with pytest.raises(DualBrokerError, match="expected switches out of refuse, black_hole"):
            simulation.set_faults("all", mute=True, **switches)
    with pytest.raises(DualBrokerError, match="expected one of broker1, all, found 'broker9'"):
        simulation.set_faults("broker9", mute=True)
    with pytest.raises(DualBrokerError, match="expected action"):
        as_strike({"action": "kick"})
    assert simulation.faults() == {"broker1": NO_FAULTS}


def test_what_is_not_named_stays_as_it_is() -> None:
    faults = changed(Faults(mute=True), {"delay_s": 1, "lacks": ["A"]})
    assert faults == Faults(mute=True, delay_s=1.0, lacks=frozenset({"A"}))
    assert changed(faults, {}) == faults


def test_all_means_every_broker_and_the_object_stays_the_same() -> None:
    simulation = Simulation(StillMarket(), ["broker1", "broker2"])
    held = [broker.faults for broker in simulation.brokers]
    simulation.set_faults("all", mute=True)
    assert [each.mute for each in held] == [True, True]
    simulation.clear_faults("broker2")
    assert [each.mute for each in held] == [True, False]


def test_the_same_seed_loses_the_same_updates() -> None:
    def lost(seed: int) -> list[bytes]:
        simulation = Simulation(StillMarket(), ["broker1"], seed=seed)
        broker = simulation.brokers[0]
        simulation.set_faults("broker1", drop_orders=0.5, reorder_orders=0.3, duplicate_orders=0.3)
        session = broker.open_session()
        uid = broker.accounts[0].uid
        session.receive(frames.hello("c", user_id=uid, account_id=uid, token=log_in(broker)))
        session.receive(frames.subscribe_orders(uid))
        session.take()
        trading = broker.trading[uid]
        terms = OrderTerms(
            instrument=SHARE,
            index=0,
            side="B",
            quantity=1,
            price=90.0,
            trigger_price=0.0,
            price_type="LMT",
            product="I",
        )
        for _ in range(30):
            trading.place(terms)
        return [frame[-80:] for frame in session.take()]

    assert lost(1) == lost(1) != lost(2)
