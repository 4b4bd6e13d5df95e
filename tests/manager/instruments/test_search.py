"""Searching by words: on every exchange that anything touches, and it says on which."""

from __future__ import annotations

from datetime import date

import msgspec
import pytest

from dualbroker.errors import ConnectionFailedError
from dualbroker.instruments.search import exchanges_implied
from dualbroker.instruments.words import instrument_details, instrument_title
from dualbroker.model import Instrument, InstrumentKind, OrderUpdate, UpdateSource
from tests.simulated import World, run_world


def test_what_exists_is_found_on_exchanges_that_the_words_imply() -> None:
    async def story(world: World) -> None:
        async with world.manager() as manager:
            found = await manager.find("sensex", limit=50)
            assert found.searched == ["NSE", "NFO", "BSE", "BFO"]
            assert found.not_searched == {}
            assert found.instruments[0].qualified_name == "BSE:SENSEX"
            assert {each.exchange for each in found.instruments} == {"BSE", "BFO"}
            assert found.instruments == await manager.search("sensex", limit=50)

    run_world(story)


def test_an_exchange_that_orders_touch_is_searched() -> None:
    async def story(world: World) -> None:
        async with world.manager() as manager:
            assert (await manager.find("reliance")).searched == ["NSE", "NFO"]
            manager.orders.apply(
                OrderUpdate(
                    broker_name="broker1",
                    receive_time_ns=1,
                    source=UpdateSource.STREAM,
                    order_id="1",
                    trading_day=date(2026, 11, 30),
                    exchange="BSE",
                    symbol="TCS",
                )
            )
            assert (await manager.find("reliance")).searched == ["NSE", "NFO", "BSE"]

    run_world(story)


def test_an_exchange_whose_master_is_not_to_be_had_is_named_with_the_reason() -> None:
    async def story(world: World) -> None:
        async with world.manager() as manager:
            load, tries = manager.masters.load, []

            async def failing(broker: object, exchange: str, **more: object) -> None:
                if exchange == "BFO":
                    tries.append(exchange)
                    raise ConnectionFailedError("the symbol master of BFO could not be downloaded")
                await load(manager.brokers["broker1"], exchange)

            manager.masters.load = failing  # type: ignore[method-assign]
            for _ in range(3):
                found = await manager.find("sensex")
                assert found.searched == ["NSE", "NFO", "BSE"]
                assert found.not_searched == {"BFO": "the symbol master of BFO could not be downloaded"}
            assert len(tries) == 1, "not with every key that is typed"
            with pytest.raises(ConnectionFailedError, match="BFO"):
                await manager.find("sensex", exchange="BFO")

    run_world(story)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("sensex 80000 ce", ["BSE", "BFO"]),
        ("bank", ["NSE", "NFO", "BSE", "BFO"]),
        ("mcx gold", ["MCX"]),
        ("nfo:nifty", ["NFO", "NSE"]),
        ("reliance", []),
        ("se", []),
    ],
)
def test_words_imply_exchanges(words: str, expected: list[str]) -> None:
    assert exchanges_implied(words) == expected


def test_an_instrument_in_words() -> None:
    option = Instrument(
        exchange="NFO",
        token="1",
        symbol="NIFTY01DEC26C26000",
        name="NIFTY",
        kind=InstrumentKind.OPTION,
        expiry=date(2026, 12, 1),
        strike=26000.0,
        option_type="CE",
        lot_size=65,
    )
    today = date(2026, 11, 30)
    assert instrument_title(option) == "NIFTY 26000 CE"
    assert instrument_details(option, today) == "1 Dec · lot 65"
    assert instrument_details(option, date(2027, 1, 1)) == "1 Dec 2026 · lot 65"
    assert instrument_title(msgspec.structs.replace(option, strike=82.25)) == "NIFTY 82.25 CE"
    future = msgspec.structs.replace(option, kind=InstrumentKind.FUTURE, strike=None, option_type=None)
    assert instrument_title(future) == "NIFTY FUT"
    share = Instrument(
        exchange="NSE", token="2", symbol="RELIANCE-EQ", name="RELIANCE", kind=InstrumentKind.EQUITY
    )
    assert (instrument_title(share), instrument_details(share, today)) == ("RELIANCE", "")
