"""A whole manager with a broker that only its package's metadata makes known, and nothing here names."""

from __future__ import annotations

import asyncio
import importlib
from pathlib import Path
from typing import Any

import pytest

from dualbroker.config import parse_config
from dualbroker.errors import ConfigError
from dualbroker.manager import WebSocketManager
from dualbroker.market_hours import MarketHours
from dualbroker.storage.paths import HOME_VARIABLE
from dualbroker.stores.health import BrokerState
from dualbroker.testing import MemoryTransport, eventually

CONFIG = "brokers: {mine: {type: tiny, user_id: T00001, password: open sesame%s}}"


def test_it_carries_quotes_and_orders(site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "home"))
    fake: Any = importlib.import_module("tiny_broker.fake").TinyFake()

    async def story() -> None:
        config = parse_config(CONFIG % "" + "\njournal: {enabled: false}\n")
        async with WebSocketManager(
            config, transport=MemoryTransport(fake), market_hours=MarketHours.always()
        ) as manager:
            assert manager.health["mine"].state is BrokerState.LIVE
            assert manager.primary == "mine"
            await manager.subscribe(["ACC-EQ"], "NSE")
            before = manager.quotes.tick_count
            for _ in range(3):
                fake.tick("22")
            await eventually(lambda: manager.quotes.tick_count >= before + 3, "three ticks")
            _, rows, _ = manager.quotes.latest()
            assert (rows[0]["ltp"], rows[0]["volume"]) == (118.50, 4.0)
            fake.place_order()
            await eventually(lambda: len(manager.orders.snapshot()) == 1, "the order")
            assert {order.broker_name for order in manager.orders.snapshot()} == {"mine"}
        assert manager.health["mine"].words == "closed"

    asyncio.run(story())


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        (", hosst: a.example", "brokers.mine.hosst: expected no such key; did you mean 'host'?"),
        (", host: 7", "brokers.mine.host: expected text (a number or a date needs quotes), found a number"),
        (", rest_base: 'http://x'", "brokers.mine.rest_base: expected no such key"),
        (", poll_every: 0", "brokers.mine.poll_every: expected more than 0, found 0"),
    ],
)
def test_its_section_is_checked_by_its_own_model(site: Path, keys: str, problem: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_config(CONFIG % keys)
    assert str(caught.value).startswith(f"config: {problem}")
    assert "open sesame" not in str(caught.value)


def test_its_secrets_are_hidden_and_found_in_plain_text(site: Path, caplog: pytest.LogCaptureFixture) -> None:
    section = parse_config(CONFIG % "").brokers["mine"]
    assert "open sesame" not in f"{section!r} {section.model_dump()}"
    assert "brokers.mine.password in plain text" in caplog.text


def test_a_package_that_can_not_be_imported_is_named(site: Path) -> None:
    (site / "tiny_broker" / "__init__.py").write_text("import no_such_module_at_all\n", encoding="utf-8")
    with pytest.raises(
        ConfigError, match=r"brokers\.mine: expected the class tiny_broker:TinyBroker, found none"
    ):
        parse_config(CONFIG % "")
