"""Options around the money, with and without an underlying that is listed itself."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dualbroker.clock import IST
from dualbroker.errors import UnknownInstrumentError
from dualbroker.instruments import parse_master
from dualbroker.model import Instrument, InstrumentKey
from dualbroker.simulator.market.replay import ReplayMarket
from tests.manager.options.options_only import OPENING, STRIKES, options_only
from tests.simulated import World, run_world


def strikes_of(options: Sequence[Instrument]) -> list[float]:
    return sorted({option.strike for option in options if option.strike is not None})


def test_where_only_options_are_listed_the_money_is_where_calls_and_puts_say(tmp_path: Path) -> None:
    market = options_only(tmp_path, lambda _: 24_913.0, seconds=2)

    async def story(world: World) -> None:
        async with world.manager() as manager:
            with pytest.raises(UnknownInstrumentError, match="on NSE; this broker lists nothing there"):
                await manager.subscribe(["NIFTY"], "NSE")
            await asyncio.sleep(1)
            asked = len(world.transport.requests)
            [call, put] = await manager.options_around("NIFTY", strikes=0)
            assert (call.option_type, put.option_type) == ("CE", "PE")
            assert call.strike == put.strike == 24_900.0
            assert len(world.transport.requests) - asked <= 5, "a master, and two looks at a call and a put"
            assert strikes_of(await manager.options_around("nfo:nifty 50", strikes=2)) == [
                24_800.0,
                24_850.0,
                24_900.0,
                24_950.0,
                25_000.0,
            ]
            assert len(await manager.search("nifty 24900")) == 2
            assert await manager.search("nifty", exchange="NSE") == []

    run_world(story, market=market, start=OPENING)


def test_without_any_price_it_is_the_middle_of_all_strikes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    market = options_only(tmp_path, lambda _: 24_913.0, seconds=2)

    async def story(world: World) -> None:
        async with world.manager() as manager:

            async def nothing(key: InstrumentKey) -> Any:
                return Unquoted()

            for broker in manager.brokers.values():
                monkeypatch.setattr(broker, "quote", nothing)
            assert strikes_of(await manager.options_around("NIFTY", strikes=1000)) == STRIKES
            assert strikes_of(await manager.options_around("NIFTY", strikes=0)) == [25_000.0]

    run_world(story, market=market, start=OPENING)


class Unquoted:
    bid: float | None = None
    ask: float | None = None
    ltp: float | None = None


@pytest.mark.parametrize("name", ["NIFTI", "MCX:GOLD", "NFO:RELIANCE"])
def test_a_name_with_neither_instrument_nor_options_is_unknown_by_its_own_error(name: str) -> None:
    async def story(world: World) -> None:
        async with world.manager() as manager:
            with pytest.raises(UnknownInstrumentError, match="no instrument"):
                await manager.options_around(name)

    run_world(story)


@pytest.mark.parametrize(
    ("name", "exchange"), [("MCX:CRUDEOIL", "MCX"), ("cds:usdinr", "CDS"), ("NSE:INFY", "NFO")]
)
def test_what_has_futures_and_no_options_is_told_so(name: str, exchange: str) -> None:
    async def story(world: World) -> None:
        async with world.manager() as manager:
            with pytest.raises(UnknownInstrumentError, match=f"^{name} has no options on {exchange}$"):
                await manager.options_around(name)

    run_world(story)


@pytest.mark.shared
def test_a_recorded_day_of_options_has_its_money_where_calls_and_puts_say(shared_data: Path) -> None:
    market = ReplayMarket(shared_data / "nifty-option-chain-2025-08-29.parquet")
    market.release()

    async def story(world: World) -> None:
        async with world.manager() as manager:
            await asyncio.sleep(1)
            strikes = strikes_of(await manager.options_around("NIFTY", strikes=3))
            assert np.diff(strikes).tolist() == [50.0] * 6
            assert 24_500 <= strikes[3] <= 24_650, "where the index was that morning"

    run_world(story, market=market, start=datetime(2025, 8, 29, 9, 22, 45, tzinfo=IST))


CRUDE = (
    "Exchange,Token,LotSize,GNGD,Symbol,TradingSymbol,Expiry,Instrument,OptionType,StrikePrice,TickSize,",
    "MCX,499999,100,1,CRUDEOIL,CRUDEOIL18DEC26,18-DEC-2026,FUTCOM,XX,0,1,",
    *(
        f"MCX,{500_000 + 2 * step + side},100,1,CRUDEOIL,CRUDEOIL16DEC26{kind[0]}{5000 + 50 * step},"
        f"16-DEC-2026,OPTFUT,{kind},{5000 + 50 * step},0.1,"
        for step in range(21)
        for side, kind in enumerate(("CE", "PE"))
    ),
)


@pytest.mark.parametrize("name", ["MCX:CRUDEOIL", "mcx:crudeoil"])
def test_a_commodity_has_no_price_of_its_own_and_its_options_are_found_all_the_same(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = parse_master("MCX", "\n".join(CRUDE).encode())
    strikes = {
        table.instrument(row).key: (table.instrument(row).strike or 0.0, table.instrument(row).option_type)
        for row in range(len(table))
    }

    async def story(world: World) -> None:
        async with world.manager() as manager:

            async def quote(key: InstrumentKey) -> Any:
                strike, kind = strikes[key]
                found = Unquoted()
                found.ltp = max(0.0, (5_337.0 - strike) * (1 if kind == "CE" else -1)) + 9.0
                return found

            for broker in manager.brokers.values():
                monkeypatch.setattr(broker, "quote", quote)
            listed = await manager.search("crudeoil", exchange="MCX")
            assert all(each.strike is None for each in listed), "this market has none"
            manager.masters.instruments.add(table)
            found = await manager.options_around(name, strikes=1)
            assert strikes_of(found) == [5_300.0, 5_350.0, 5_400.0]
            assert {option.exchange for option in found} == {"MCX"}

    run_world(story)
