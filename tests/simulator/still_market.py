"""A market that stands still until a test changes a quote."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dualbroker.model import DepthLevel, Instrument, InstrumentKey, InstrumentKind
from dualbroker.simulator.market.market import Bar, MarketTick

START_NS = 1_760_000_000_000_000_000

SHARE = Instrument(
    exchange="NSE", token="2031", symbol="M&M-EQ", name="M&M", kind=InstrumentKind.EQUITY, tick_size=0.05
)
OPTION = Instrument(
    exchange="NFO",
    token="2031",
    symbol="NIFTY-A-C100",
    name="NIFTY",
    kind=InstrumentKind.OPTION,
    strike=100.0,
    option_type="CE",
    lot_size=75,
    tick_size=0.05,
    instrument_type="OPTIDX",
)
INDEX = Instrument(
    exchange="NSE", token="26000", symbol="NIFTY INDEX", name="NIFTY", kind=InstrumentKind.INDEX
)


class StillMarket:
    """Satisfies ``Market``. ``change`` makes ticks, which the next ``advance`` returns."""

    def __init__(self) -> None:
        self.instruments: Sequence[Instrument] = (SHARE, OPTION, INDEX)
        self.finished = False
        self.time_ns = START_NS
        traded = {"bid_quantity": 1000.0, "ask_quantity": 1000.0, "volume": 50.0}
        self.quotes: list[dict[str, float]] = [
            {"ltp": 100.0, "bid": 99.95, "ask": 100.05, **traded},
            {"ltp": 10.0, "bid": 9.95, "ask": 10.05, **traded},
            {"ltp": 25_000.0},
        ]
        self._ticks: list[MarketTick] = []

    def change(self, index: int, **changes: float) -> None:
        self.quotes[index] |= changes
        self._ticks.append(MarketTick(index, dict(changes)))

    def index_of(self, key: InstrumentKey) -> int | None:
        keys = [instrument.key for instrument in self.instruments]
        return keys.index(key) if key in keys else None

    def now_ns(self) -> int:
        return self.time_ns

    def advance(self, elapsed_ns: int) -> list[MarketTick]:
        self.time_ns += elapsed_ns
        ticks, self._ticks = self._ticks, []
        return ticks

    def rest(self, elapsed_ns: int) -> None:
        self.time_ns += elapsed_ns

    def begin_day(self) -> None:
        """Nothing expires here."""

    def quote(self, index: int) -> Mapping[str, float]:
        return self.quotes[index]

    def depth(self, index: int) -> tuple[list[DepthLevel], list[DepthLevel]]:
        quote = self.quotes[index]
        if "bid" not in quote:
            return [], []
        bids = [DepthLevel(quote["bid"] - step, quote["bid_quantity"], 1) for step in range(5)]
        asks = [DepthLevel(quote["ask"] + step, quote["ask_quantity"], 1) for step in range(5)]
        return bids, asks

    def details(self, index: int) -> Mapping[str, float]:
        if index == 2:
            return {}
        return {
            "last_trade_time": float(START_NS // 1_000_000_000),
            "last_trade_quantity": 5.0,
            "total_buy_quantity": 9000.0,
            "total_sell_quantity": 8000.0,
            "high_52_weeks": 150.0,
            "low_52_weeks": 50.0,
        }

    def total_open_interest(self, index: int) -> float | None:
        return None if index == 0 else 7500.0

    def days(self, index: int, start_s: int, end_s: int) -> list[Bar]:
        today_s = self.time_ns // 1_000_000_000 // 86_400 * 86_400
        days = [Bar(today_s - 86_400 * back, 1.0, 2.0, 0.5, 1.5, 10.0, 1.25, 0.0) for back in range(3)]
        return [day for day in days if start_s <= day.start_s < end_s]

    def circuit(self, index: int) -> tuple[float, float] | None:
        return (self.quotes[index]["ltp"] * 0.8, self.quotes[index]["ltp"] * 1.2) if index < 2 else None

    def bars(self, index: int, start_s: int, end_s: int, interval_minutes: int) -> list[Bar]:
        now_s = self.time_ns // 1_000_000_000 // 60 * 60
        bars = [
            Bar(now_s - 60 * back, 1.0, 2.0, 0.5, 1.5, 10.0, 1.25, 50.0, 30.0 - 10 * back, -2.0)
            for back in range(3)
        ]
        return [bar for bar in bars if start_s <= bar.start_s < end_s]
