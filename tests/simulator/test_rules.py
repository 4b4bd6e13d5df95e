"""In what simulated brokers differ by type."""

from __future__ import annotations

import pytest

from dualbroker.errors import DualBrokerError
from dualbroker.simulator.drivers.command import SimulatorOptions, build_simulation
from dualbroker.simulator.simulation import Simulation

from .broker_client import connect, log_in

NOW_NS = 1_795_400_000_000_000_000


def made(*like: str) -> Simulation:
    return build_simulation(SimulatorOptions(strikes=1, expiries=1, orders_per_minute=0, like=like), NOW_NS)


@pytest.mark.parametrize(
    ("like", "evicts"),
    [
        ((), [True, True]),
        (("flattrade",), [True, True]),
        (("shoonya",), [False, False]),
        (("broker1=flattrade", "shoonya"), [True, False]),
    ],
)
def test_whether_a_second_socket_evicts_the_first_is_a_rule_of_the_broker_type(
    like: tuple[str, ...], evicts: list[bool]
) -> None:
    simulation = made(*like)
    first = []
    for broker in simulation.brokers:
        token = log_in(broker)
        first.append(connect(broker, token))
        connect(broker, token)
    simulation.step(1_000_000_000)
    assert [session.close_command is not None for session in first] == evicts


@pytest.mark.parametrize("like", ["zebu", "broker9=shoonya"])
def test_an_unknown_type_or_broker_is_refused(like: str) -> None:
    with pytest.raises(DualBrokerError, match="--like: expected one of simulated, flattrade, shoonya"):
        made(like)
