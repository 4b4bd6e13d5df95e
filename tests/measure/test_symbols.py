from __future__ import annotations

import pytest

from dualbroker.errors import ConfigError
from dualbroker.measure.symbols import choose, strikes_for
from dualbroker.model import Instrument, InstrumentKind
from dualbroker.noren.times import ist_day
from dualbroker.simulator.market.universe import build_universe

NOW_NS = 1_700_000_000_000_000_000
INSTRUMENTS = [
    Instrument(exchange="NSE", token=str(number), symbol=f"S{number}", name="S", kind=InstrumentKind.EQUITY)
    for number in range(10)
]


@pytest.mark.parametrize("count", [1, 3, 7, 10])
def test_so_many_are_chosen_and_none_twice(count: int) -> None:
    chosen = choose(INSTRUMENTS, count)
    assert len({each.token for each in chosen}) == count
    assert chosen == sorted(chosen, key=lambda each: int(each.token))


def test_they_are_spread_evenly() -> None:
    assert [each.token for each in choose(INSTRUMENTS, 5)] == ["0", "2", "4", "6", "8"]


def test_more_than_there_are_is_an_error() -> None:
    with pytest.raises(
        ConfigError, match="--symbols: expected at most 10, as many as the market has, found 11"
    ):
        choose(INSTRUMENTS, 11)


@pytest.mark.parametrize("symbols", [1, 50, 200, 1000])
def test_the_market_is_large_enough(symbols: int) -> None:
    universe = build_universe(ist_day(NOW_NS), strikes_each_side=strikes_for(symbols), expiries=1)
    assert len(universe.instruments) >= symbols
