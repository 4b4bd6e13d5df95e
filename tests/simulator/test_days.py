"""The day's turn in the simulation: session, books, tokens, contracts."""

from __future__ import annotations

import io
import time
import zipfile
from datetime import date, datetime, timedelta

import pytest

from dualbroker.clock import IST
from dualbroker.errors import DualBrokerError
from dualbroker.model import FeedType, Instrument, InstrumentKind, OrderStatus
from dualbroker.noren import frames
from dualbroker.simulator.broker import TokensDie
from dualbroker.simulator.day import DayCalendar, Turn
from dualbroker.simulator.drivers.site import SimulatorSite
from dualbroker.simulator.simulation import Simulation
from tests.simulated import synthetic_market

from .broker_client import ask, connect, log_in, order_fields, read
from .still_market import StillMarket

SECOND_NS = 1_000_000_000
HOUR_NS = 3600 * SECOND_NS
SESSION = (9 * HOUR_NS + HOUR_NS // 4, 15 * HOUR_NS + HOUR_NS // 2)
DAY = date(2026, 3, 10)


def moment_ns(hour: int, minute: int = 0, day: date = DAY) -> int:
    return int(datetime(day.year, day.month, day.day, hour, minute, tzinfo=IST).timestamp()) * SECOND_NS


def simulated(
    hour: int,
    minute: int = 0,
    *,
    day: date = DAY,
    orders_per_minute: float = 0.0,
    session: tuple[int, int] | None = SESSION,
    trading_days: bool = True,
    tokens_die: TokensDie = "close",
) -> Simulation:
    start_ns = moment_ns(hour, minute, day)
    market = synthetic_market(day, start_ns, ticks_per_second=50, strikes=5, expiries=2)
    return Simulation(
        market,
        ["broker1"],
        seed=1,
        orders_per_minute=orders_per_minute,
        session=session,
        trading_days=trading_days,
        tokens_die=tokens_die,
    )


def step_to(simulation: Simulation, hour: int, minute: int = 0, day: date = DAY) -> None:
    simulation.step(moment_ns(hour, minute, day) - simulation.market.now_ns())


def run_to(simulation: Simulation, hour: int, minute: int = 0, day: date = DAY) -> None:
    """In steps as a driver makes them."""
    while simulation.market.now_ns() < moment_ns(hour, minute, day):
        simulation.step(SECOND_NS // 5)


TOMORROW = DAY + timedelta(days=1)


def test_a_calendar_tells_the_next_turn_from_any_moment() -> None:
    calendar = DayCalendar(SESSION, trading_days=True)
    turns = []
    now_ns = moment_ns(12)
    for _ in range(5):
        now_ns, turn = calendar.next_turn(now_ns)
        turns.append((now_ns, turn))
    assert turns == [
        (moment_ns(15, 30), Turn.CLOSE),
        (moment_ns(0, 0, TOMORROW), Turn.MIDNIGHT),
        (moment_ns(3, 0, TOMORROW), Turn.TOKENS_DIE),
        (moment_ns(9, 15, TOMORROW), Turn.OPEN),
        (moment_ns(15, 30, TOMORROW), Turn.CLOSE),
    ]


def test_a_session_that_closes_before_it_opens_is_refused() -> None:
    with pytest.raises(DualBrokerError, match="opens before it closes"):
        DayCalendar((SESSION[1], SESSION[0]), trading_days=False)


def test_by_default_no_day_turns_and_the_market_never_closes() -> None:
    simulation = Simulation(StillMarket(), ["broker1"])
    token = log_in(simulation.brokers[0])
    simulation.step(30 * HOUR_NS)
    assert simulation.is_open
    assert ask(simulation.brokers[0], "UserDetails", token)["stat"] == "Ok"


def test_outside_the_session_nothing_moves_and_nobody_trades() -> None:
    simulation = simulated(15, 29, orders_per_minute=120)
    run_to(simulation, 15, 30)
    ticks, orders = simulation.ticks_produced, simulation.brokers[0].order_frames_produced
    assert ticks > 0
    assert orders > 0
    run_to(simulation, 15, 35)
    assert not simulation.is_open
    assert simulation.ticks_produced == ticks
    closing = simulation.brokers[0].order_frames_produced
    run_to(simulation, 15, 40)
    assert simulation.brokers[0].order_frames_produced == closing


def test_a_night_passes_in_one_quick_step_and_the_next_day_does_not_relive_it() -> None:
    simulation = simulated(15, 29, orders_per_minute=60)
    started_s = time.process_time()
    step_to(simulation, 9, 15, TOMORROW)
    ticks = simulation.ticks_produced
    updates = simulation.brokers[0].order_frames_produced
    run_to(simulation, 9, 16, TOMORROW)
    assert time.process_time() - started_s < 5
    assert 1000 < simulation.ticks_produced - ticks < 5000
    assert simulation.brokers[0].order_frames_produced - updates < 60 * 10


def test_open_orders_end_at_the_close_and_books_are_empty_from_midnight_on() -> None:
    simulation = simulated(15, 20, orders_per_minute=60)
    (broker,) = simulation.brokers
    token = log_in(broker)
    run_to(simulation, 15, 29)
    (trading,) = broker.trading.values()
    assert trading.desk.open
    step_to(simulation, 15, 31)
    assert not trading.desk.open
    rows = ask(broker, "OrderBook", token)
    assert {row["status"] for row in rows} <= {"COMPLETE", "CANCELED", "REJECTED"}
    assert any(row["norentm"].startswith("15:30:00") for row in rows if row["status"] == "CANCELED")
    step_to(simulation, 0, 1, TOMORROW)
    for book in ("OrderBook", "PositionBook"):
        assert "no data" in ask(broker, book, token)["emsg"]
    assert set(trading.desk.earlier) == {row["norenordno"] for row in rows}
    assert all(order.status is not OrderStatus.OPEN for order in trading.desk.earlier.values())
    step_to(simulation, 9, 15, TOMORROW)
    run_to(simulation, 9, 17, TOMORROW)
    token = log_in(broker)
    assert {row["norenordno"][:6] for row in ask(broker, "OrderBook", token)} == {f"{TOMORROW:%y%m%d}"}


def test_without_a_session_orders_still_end_within_their_day() -> None:
    simulation = simulated(23, 58, orders_per_minute=120, session=None)
    (trading,) = simulation.brokers[0].trading.values()
    run_to(simulation, 0, 0, TOMORROW)
    assert trading.desk.earlier
    assert all(order.status.is_final for order in trading.desk.earlier.values())
    assert {number[:6] for number in trading.desk.earlier} == {f"{DAY:%y%m%d}"}


@pytest.mark.parametrize(("rule", "closes", "is_mute"), [("close", True, False), ("mute", False, True)])
def test_tokens_die_at_three_and_their_sockets_with_them(
    rule: TokensDie, closes: bool, is_mute: bool
) -> None:
    simulation = simulated(20, tokens_die=rule)
    (broker,) = simulation.brokers
    token = log_in(broker)
    session = connect(broker, token)
    step_to(simulation, 2, 59, TOMORROW)
    assert ask(broker, "UserDetails", token)["stat"] == "Ok"
    step_to(simulation, 3, 0, TOMORROW)
    assert ask(broker, "UserDetails", token)["emsg"].startswith("Session Expired")
    assert (session.close_command is not None, session.is_mute) == (closes, is_mute)
    assert session.close_command is None or session.close_command.code == 1008
    session.receive(frames.heartbeat())
    assert (read(session) == []) == is_mute
    step_to(simulation, 3, 1, TOMORROW)
    fresh = log_in(broker)
    step_to(simulation, 9, 0, TOMORROW)
    assert ask(broker, "UserDetails", fresh)["stat"] == "Ok"


def test_tokens_that_never_die_outlive_the_night() -> None:
    simulation = simulated(20, tokens_die="never")
    token = log_in(simulation.brokers[0])
    step_to(simulation, 9, 0, TOMORROW)
    assert ask(simulation.brokers[0], "UserDetails", token)["stat"] == "Ok"


def nearest_option(simulation: Simulation) -> Instrument:
    options = [item for item in simulation.market.instruments if item.kind is InstrumentKind.OPTION]
    return min(options, key=lambda item: item.expiry or date.max)


def test_expired_contracts_are_gone_from_the_next_day_on() -> None:
    expiry = nearest_option(simulated(10)).expiry
    assert expiry is not None
    simulation = simulated(15, 28, day=expiry, orders_per_minute=60)
    option = nearest_option(simulation)
    assert option.expiry == expiry
    (broker,) = simulation.brokers
    site = SimulatorSite(simulation)

    def master() -> str:
        answer = site.handle_request("GET", "/broker1/NFO_symbols.txt.zip")
        return zipfile.ZipFile(io.BytesIO(answer.body)).read("NFO_symbols.txt").decode("utf-8")

    session = connect(broker, log_in(broker))
    session.receive(frames.subscribe([option.key], FeedType.TOUCHLINE))
    assert [message["t"] for message in read(session)] == ["tk"]
    assert option.symbol in master()
    after = expiry + timedelta(days=1)
    run_to(simulation, 15, 29, expiry)
    step_to(simulation, 4, 0, after)
    assert option.symbol not in master()
    assert "NFO," in master()
    token = log_in(broker)
    order = order_fields(exch=option.exchange, tsym=option.symbol, actid=broker.accounts[0].uid)
    assert "is Invalid Trading Symbol" in ask(broker, "PlaceOrder", token, **order)["emsg"]
    words = {"exch": option.exchange, "stext": option.symbol}
    assert "no data" in ask(broker, "SearchScrip", token, **words)["emsg"]
    session = connect(broker, token)
    session.receive(frames.subscribe([option.key], FeedType.TOUCHLINE))
    assert read(session) == []
    step_to(simulation, 9, 15, after)
    session.receive(frames.subscribe([("NSE", "26000")], FeedType.TOUCHLINE))
    run_to(simulation, 9, 18, after)
    heard = read(session)
    assert {(message["e"], message["tk"]) for message in heard} == {("NSE", "26000")}
    (trading,) = broker.trading.values()
    assert trading.desk.orders
    assert all(order.terms.instrument.expiry != expiry for order in trading.desk.orders.values())


def test_a_new_day_starts_from_the_last_price_with_no_volume() -> None:
    simulation = simulated(15, 29)
    market = simulation.market
    index = market.index_of(("NSE", "2885"))
    assert index is not None
    step_to(simulation, 15, 31)
    closing = market.quote(index)["ltp"]
    assert market.quote(index)["volume"] > 0
    step_to(simulation, 0, 0, TOMORROW)
    opening = market.quote(index)
    assert (opening["prev_close"], opening["volume"], opening["ltp"]) == (closing, 0.0, closing)
    step_to(simulation, 9, 15, TOMORROW)
    before = market.quote(index)["volume"]
    run_to(simulation, 9, 17, TOMORROW)
    now_s = market.now_ns() // SECOND_NS
    bars = market.bars(index, now_s - 120, now_s, 1)
    assert all(bar.volume >= 0 for bar in market.bars(index, now_s - 86_400, now_s, 1))
    assert before == 0.0
    assert sum(bar.volume for bar in bars) <= market.quote(index)["volume"]
    # Two minutes are traded, not two minutes and the night before them.
    assert market.quote(index)["volume"] < 1_000_000
