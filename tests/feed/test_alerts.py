"""Alerts of a feed: shown, sent, and what can't be sent is an incident."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import dualbroker
from dualbroker import Feed, tables
from dualbroker.config.schema import Config, demo_config
from tests.alerts.receiver import Receiver, receiving
from tests.polling import wait_until


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture(scope="module")
def feed(receiver: Receiver) -> Iterator[Feed]:
    settings = demo_config(2, orders_per_minute=0).model_dump(exclude={"subscribe"})
    settings["brokers"] = {name: {"type": "simulated"} for name in settings["brokers"]}
    config = Config.model_validate({**settings, "alerts": {"send_to": [receiver.address]}})
    feed = dualbroker.connect(config)
    yield feed
    feed.close()


def test_a_test_message_says_what_came_of_it_at_each_target(feed: Feed, receiver: Receiver) -> None:
    frame = feed.test_alerts()
    assert list(frame.columns) == list(tables.DELIVERED.names)
    assert frame.loc["target 1 (http)", "delivered"]
    assert receiver.bodies[0]["mode"] == "SIMULATED"
    assert feed.alerts.iloc[-1]["state"] == "test"
    assert feed.alerts.attrs["mode"] == "SIMULATED"


def test_an_alert_is_in_the_frame_and_at_its_target(feed: Feed, receiver: Receiver) -> None:
    feed.alert("NSE:RELIANCE-EQ", above=1.0)
    wait_until(lambda: "price" in set(feed.alerts["rule"]))
    row = feed.alerts[feed.alerts["rule"] == "price"].iloc[0]
    assert row["symbol"] == "NSE:RELIANCE-EQ"
    wait_until(lambda: row["words"] in receiver.words)
    assert feed.remove_alert("NSE:RELIANCE-EQ") == 1


def test_what_can_not_be_delivered_is_an_incident(
    feed: Feed, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    [target] = feed.manager._alerting.delivery.targets  # type: ignore[attr-defined]
    monkeypatch.setattr(target, "_pauses_s", ())
    monkeypatch.setattr(receiver, "answers", [503])
    assert feed.test_alerts()["problem"].tolist() == ["it answered 503"]
    feed.alert("NSE:TCS-EQ", above=1.0)
    wait_until(lambda: "not delivered" in " ".join(feed.incidents["cause"]))
    cause = feed.incidents["cause"].iloc[-1]
    assert cause == "an alert was not delivered to target 1 (http): it answered 503"
    assert "secret" not in cause
