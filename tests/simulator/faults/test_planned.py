"""Blows at set moments."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from dualbroker.clock import IST
from dualbroker.errors import DualBrokerError
from dualbroker.simulator.drivers.command import SimulatorOptions, build_simulation
from dualbroker.simulator.faults.faults import Strike
from dualbroker.simulator.faults.planned import PlannedStrike, PlannedStrikes

SECOND = 10**9
NOON_NS = int(datetime(2026, 3, 10, 12, 0, tzinfo=IST).timestamp()) * SECOND


def at(hours_later: float) -> int:
    return NOON_NS + round(hours_later * 3600) * SECOND


def test_a_blow_after_so_many_seconds_is_dealt_once() -> None:
    planned = PlannedStrikes()
    blow = PlannedStrike.read("broker1", {"action": "close", "code": 1012, "after_s": 60})
    planned.add(blow, NOON_NS)
    assert list(planned.due(59 * SECOND, at(48))) == []
    assert list(planned.due(60 * SECOND, NOON_NS)) == [blow]
    assert list(planned.due(10**6 * SECOND, at(48))) == []


def test_a_blow_at_a_time_of_day_is_dealt_each_day_by_the_market_s_clock() -> None:
    planned = PlannedStrikes()
    blow = PlannedStrike.read("all", {"action": "expire_tokens", "at_time": "03:00"})
    planned.add(blow, NOON_NS)
    dealt = [hour for hour in range(60) if list(planned.due(0, at(hour)))]
    assert dealt == [15, 39], "at three in the morning"
    later = PlannedStrikes()
    later.add(PlannedStrike.read("all", {"action": "reset", "at_time": "12:00"}), NOON_NS)
    assert not list(later.due(0, NOON_NS)), "it has been today"
    assert list(later.due(0, at(24)))


@pytest.mark.parametrize(
    "fields",
    [
        {"action": "reset"},
        {"action": "reset", "after_s": 1, "at_time": "03:00"},
        {"action": "kick", "after_s": 1},
        {"action": "reset", "at_time": "3 am"},
        {"action": "reset", "after_s": -1},
        {"action": "reset", "after_s": 1, "before_s": 2},
    ],
)
def test_what_is_no_planned_blow_is_refused_in_words(fields: dict[str, Any]) -> None:
    with pytest.raises(DualBrokerError, match="after_s"):
        PlannedStrike.read("broker1", fields)


def test_the_command_takes_blows_among_the_faults(monkeypatch: pytest.MonkeyPatch) -> None:
    faults = '{"broker2": {"mute": true, "at": [{"after_s": 2, "action": "expire_tokens"}]}}'
    simulation = build_simulation(SimulatorOptions(faults=faults), NOON_NS)
    first, second = simulation.brokers
    struck: list[tuple[str, Strike]] = []
    for broker in (first, second):
        monkeypatch.setattr(broker, "strike", lambda strike, name=broker.name: struck.append((name, strike)))
    assert second.faults.mute
    blow = ("broker2", Strike(action="expire_tokens"))
    for expected in ([], [blow], [blow]):
        simulation.step(SECOND)
        assert struck == expected
    with pytest.raises(DualBrokerError, match="broker9"):
        build_simulation(SimulatorOptions(faults=faults.replace("broker2", "broker9")), NOON_NS)
