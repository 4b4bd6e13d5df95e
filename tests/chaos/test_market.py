from __future__ import annotations

from datetime import date, datetime

import pytest

from dualbroker.chaos.market import SmallMarket, market_is_open, small_universe
from dualbroker.clock import IST

SECOND_NS = 1_000_000_000


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=IST).timestamp()) * SECOND_NS


def market_of(start: str, seed: int = 1) -> SmallMarket:
    universe = small_universe(datetime.fromisoformat(start).date())
    return SmallMarket(universe, seed=seed, start_ns=at(start), ticks_per_second=20)


@pytest.mark.parametrize(
    ("moment", "is_open"),
    [
        ("2026-03-10T09:14:59", False),
        ("2026-03-10T09:15:00", True),
        ("2026-03-10T15:29:59", True),
        ("2026-03-10T15:30:00", False),
        ("2026-03-14T11:00:00", False),
    ],
)
def test_it_keeps_the_exchanges_hours(moment: str, is_open: bool) -> None:
    assert market_is_open(at(moment)) is is_open


def test_price_and_volume_tell_each_change_of_an_instrument_from_every_other() -> None:
    market = market_of("2026-03-10T10:00:00")
    seen: dict[int, set[tuple[float, float]]] = {}
    changes = 0
    for tick in market.advance(120 * SECOND_NS):
        quote = tick.changes
        if "volume" in quote:
            changes += 1
            seen.setdefault(tick.index, set()).add((quote["ltp"], quote["volume"]))
    assert changes == sum(map(len, seen.values())) > 500
    assert all(pairs <= market.past[index] for index, pairs in seen.items())


def test_nothing_ticks_before_the_open_and_the_volume_begins_anew_with_the_session() -> None:
    market = market_of("2026-03-10T09:14:50")
    before = [dict(market.quote(index)) for index in range(len(market.instruments))]
    assert market.advance(9 * SECOND_NS) == []
    first = {tick.index: tick.changes for tick in reversed(market.advance(30 * SECOND_NS))}
    fresh = [index for index, changes in first.items() if "volume" in changes]
    assert fresh
    for index in fresh:
        assert first[index]["volume"] == market.instruments[index].lot_size
        assert first[index]["prev_close"] == before[index]["ltp"]


def test_expired_options_are_gone_at_midnight() -> None:
    market = market_of("2026-03-10T23:59:59")
    expiring = [item for item in market.instruments if item.expiry == date(2026, 3, 10)]
    assert expiring
    market.rest(2 * SECOND_NS)
    market.begin_day()
    assert all(market.index_of(item.key) is None for item in expiring)
    assert market.index_of(("NSE", "26000")) is not None


def test_equal_seeds_make_equal_markets() -> None:
    def days(seed: int) -> list[float]:
        return [t.changes["ltp"] for t in market_of("2026-03-10T10:00:00", seed).advance(20 * SECOND_NS)]

    assert days(3) == days(3) != days(4)
