"""Who would take the quotes over, as the doctor says it."""

from __future__ import annotations

from typing import Any

from dualbroker.cli.diagnosis import standby
from dualbroker.cli.findings import Finding, Verdict
from tests.simulated import World, run_world


def finding(brokers: int = 2, **changes: Any) -> Finding:
    async def story(world: World) -> Finding:
        async with world.manager() as manager:
            return standby(manager, "broker1")

    return run_world(story, brokers=brokers, changes=changes)


def test_a_second_broker_that_is_up_stands_by() -> None:
    found = finding(3)
    assert found.verdict is Verdict.OK
    assert found.words == "if broker1 fails, broker2 or broker3 takes the quotes over"


def test_a_broker_that_is_alone_is_warned_of() -> None:
    found = finding(1)
    assert found.verdict is Verdict.WARN
    assert found.words.endswith("nobody stands by; enable a second broker in config.yaml")


def test_why_nobody_stands_by_says_what_to_do() -> None:
    assert finding(broker2={"orders": "poll"}).words.endswith(
        "broker2 could with orders: stream in config.yaml"
    )
    assert finding(broker2={"password": "wrong"}).words.endswith("broker2 could, and is not up")
