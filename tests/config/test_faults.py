"""The section simulator.faults."""

from __future__ import annotations

import msgspec
import pytest

from dualbroker.config.faults import FaultsConfig
from dualbroker.config.load import parse_config
from dualbroker.errors import ConfigError
from dualbroker.simulator.faults.faults import Faults
from dualbroker.simulator.faults.planned import PlannedStrike

BROKERS = "brokers: {broker1: {type: simulated}, other: {type: simulated}}\n"


def problem(faults: str) -> str:
    with pytest.raises(ConfigError) as found:
        parse_config(f"{BROKERS}simulator: {{faults: {faults}}}")
    return str(found.value)


def test_the_config_has_the_simulator_s_switches_with_its_defaults() -> None:
    assert msgspec.convert(FaultsConfig().model_dump(exclude={"at"}), Faults) == Faults()
    assert tuple(FaultsConfig.model_fields) == (*Faults.__struct_fields__, "at")


def test_faults_are_given_by_broker_or_for_all() -> None:
    config = parse_config(BROKERS + "simulator: {faults: {other: {delay_s: 0.2}, all: {mute: true}}}")
    assert config.simulator.faults["other"].delay_s == 0.2
    assert config.simulator.faults["all"].mute


def test_a_switch_that_is_none_is_named() -> None:
    words = problem("{other: {mutee: true}}")
    assert "simulator.faults.other.mutee" in words
    assert "mute" in words


def test_a_value_out_of_its_bounds_is_named() -> None:
    assert "simulator.faults.all.drop_orders" in problem("{all: {drop_orders: 1.5}}")
    assert "simulator.faults.all.refuse: expected true or false" in problem("{all: {refuse: 1}}")


def test_faults_of_nobody_are_refused() -> None:
    assert "expected faults of all, or of a simulated broker (broker1, other)" in problem(
        "{broker9: {mute: true}}"
    )


def test_blows_are_given_with_their_moment() -> None:
    text = (
        "{other: {at: [{after_s: 60, action: close, code: 1012}, {at_time: '03:00', action: expire_tokens}]}}"
    )
    close, expiry = parse_config(f"{BROKERS}simulator: {{faults: {text}}}").simulator.faults["other"].at
    for each in (close, expiry):
        assert PlannedStrike.read("other", each.model_dump()).broker == "other", (
            "the simulator takes it as it is"
        )
    assert (close.code, expiry.at_time) == (1012, "03:00")


@pytest.mark.parametrize(
    "blow",
    ["{action: reset}", "{action: reset, after_s: 1, at_time: '03:00'}", "{action: kick, after_s: 1}",
     "{action: reset, at_time: '25:00'}", "{action: reset, after_s: -1}"],
)  # fmt: skip
def test_a_blow_without_one_moment_or_of_no_known_kind_is_named(blow: str) -> None:
    assert "simulator.faults.all.at[0]" in problem(f"{{all: {{at: [{blow}]}}}}")
