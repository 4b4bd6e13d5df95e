"""A remote feed over real sockets: opened and closed, and its service gone and back."""

from __future__ import annotations

import pytest

import dualbroker
from dualbroker import ConfigError, ConnectionFailedError, FeedClosedError
from dualbroker.remote.address import is_address, normal_address, stream_address
from tests.polling import wait_until
from tests.service.busy import RunningService


def test_it_opens_and_closes_again_and_again() -> None:
    service = RunningService()
    try:
        for _ in range(10):
            with dualbroker.connect(service.address) as feed:
                assert len(feed.quotes) == 500
            with pytest.raises(FeedClosedError):
                feed.subscribe("NIFTY")
        wait_until(lambda: not service.registry.attached())
        assert service.registry.waiting_to_return() == 0
        assert not service.registry.closes
    finally:
        service.stop()


def test_while_its_service_is_gone_it_says_so_and_then_goes_on_by_itself() -> None:
    service = RunningService()
    with dualbroker.connect(service.address) as feed:
        wait_until(lambda: len(feed.ticks("SHARE1")) > 3)
        service.stop()
        wait_until(lambda: "out of reach" in str(feed.brokers["problem"].iloc[0]))
        assert set(feed.brokers["state"]) == {"reconnecting"}
        assert "no broker" in repr(feed)
        as_of = feed.quotes.attrs["as_of"]
        assert feed.orders.attrs["as_of"] == as_of, "what is shown is of then, however often it is asked for"
        with pytest.raises(ConnectionFailedError, match="joined again by itself"):
            feed.search("nifty")
        again = RunningService(service.port)
        try:
            wait_until(lambda: feed.quotes.attrs["as_of"] > as_of)
            wait_until(lambda: len(feed.ticks("SHARE1")) > 3)
            assert feed.incidents["cause"].str.contains("has restarted").any()
        finally:
            feed.close()
            again.stop()


def test_an_address_without_a_service_says_what_to_do() -> None:
    with pytest.raises(ConnectionFailedError, match="`dualbroker serve` starts one"):
        dualbroker.connect("http://127.0.0.1:9")
    with pytest.raises(ConfigError, match="with the address of a service"):
        dualbroker.connect(token="secret")


def test_one_spelling_for_each_service() -> None:
    assert is_address(" HTTPS://desk")
    assert not is_address("config.yaml")
    assert normal_address("HTTP://LocalHost:8000/") == "http://localhost:8000"
    assert normal_address("https://desk:443/feed/") == "https://desk/feed"
    assert normal_address("http://[::1]:8000") == "http://[::1]:8000"
    assert stream_address("https://desk/feed") == "wss://desk/feed/ws"


@pytest.mark.parametrize(
    "address",
    [
        "http://",
        "http://user:secret@desk",
        "http://desk?token=secret",
        "http://desk:port",
        "http://desk#secret",
    ],
)
def test_what_is_no_address_is_told_so_without_repeating_a_secret(address: str) -> None:
    with pytest.raises(ConfigError) as caught:
        dualbroker.connect(address)
    assert "secret" not in str(caught.value)
