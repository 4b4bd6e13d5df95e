"""WebSocket connections of simulated brokers, without sockets."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dualbroker.model import FeedType
from dualbroker.noren import frames
from dualbroker.noren.stream import decode
from dualbroker.simulator.broker import BrokerRules, SimulatedBroker
from dualbroker.simulator.simulation import Simulation
from dualbroker.simulator.wire.framing import client_frame_size, payload_of, text_frame

from ..broker_client import ask, connect, log_in, order_fields, read
from ..still_market import StillMarket

STEP_NS = 60_000_000


class World:
    """A simulation with one broker over a still market."""

    def __init__(self, rules: BrokerRules | None = None) -> None:
        self.market = StillMarket()
        self.simulation = Simulation(self.market, ["broker1", "broker2"], rules=rules)
        self.broker: SimulatedBroker = self.simulation.brokers[0]
        self.token = log_in(self.broker)


@pytest.mark.parametrize("generation", ["c", "a"])
def test_hello(generation: frames.Generation) -> None:
    world = World()
    uid = world.broker.accounts[0].uid
    session = world.broker.open_session()
    session.receive(frames.hello(generation, user_id=uid, account_id=uid, token=world.token))
    assert read(session) == [{"t": f"{generation}k", "uid": uid, "s": "OK"}]


@pytest.mark.parametrize(("uid", "token"), [(None, "wrong"), ("FA0000", None), (None, "")])
def test_refused_hello_leaves_the_socket_open(uid: str | None, token: str | None) -> None:
    world = World()
    uid = uid or world.broker.accounts[0].uid
    token = world.token if token is None else token
    session = world.broker.open_session()
    session.receive(frames.hello("c", user_id=uid, account_id=uid, token=token))
    assert read(session)[0]["s"] == "NOT_OK"
    session.receive(frames.subscribe([("NSE", "2031")], FeedType.TOUCHLINE))
    assert read(session) == []
    world.simulation.step(STEP_NS)
    assert session.close_command is None


def test_touchline_snapshot_then_only_what_changed() -> None:
    world = World()
    session = connect(world.broker, world.token)
    session.receive(frames.subscribe([("NSE", "2031"), ("NSE", "26000")], FeedType.TOUCHLINE))
    share, index = read(session)
    assert (share["t"], share["ts"], share["lp"], share["bp1"]) == ("tk", "M&M-EQ", "100.00", "99.95")
    assert (share["v"], share["ti"], share["ls"]) == ("50", "0.05", "1")
    assert index["lp"] == "25000.00"
    assert "bp1" not in index
    world.market.change(0, ltp=100.5, volume=60.0)
    world.market.change(1, ltp=11.0)  # nobody watches it
    world.simulation.step(STEP_NS)
    assert read(session) == [{"t": "tf", "e": "NSE", "tk": "2031", "lp": "100.50", "v": "60"}]


def test_equal_tokens_of_two_exchanges_are_two_instruments() -> None:
    world = World()
    session = connect(world.broker, world.token)
    session.receive(frames.subscribe([("NFO", "2031")], FeedType.TOUCHLINE))
    assert [frame["e"] for frame in read(session)] == ["NFO"]


def test_depth() -> None:
    world = World()
    session = connect(world.broker, world.token)
    session.receive(frames.subscribe([("NSE", "2031")], FeedType.DEPTH))
    (snapshot,) = read(session)
    assert snapshot["t"] == "dk"
    assert (snapshot["bp1"], snapshot["bp5"], snapshot["sp5"], snapshot["bo1"]) == (
        "99.95",
        "95.95",
        "104.05",
        "1",
    )
    assert (snapshot["lc"], snapshot["uc"]) == ("80.00", "120.00")
    world.market.change(0, ask=100.10)
    world.simulation.step(STEP_NS)
    (delta,) = read(session)
    assert delta["t"] == "df"
    assert set(delta) == {"t", "e", "tk", "sp1", "sp2", "sp3", "sp4", "sp5"}


def test_unsubscribe() -> None:
    world = World()
    session = connect(world.broker, world.token)
    keys = [("NSE", "2031")]
    for feed_type, answer in ((FeedType.TOUCHLINE, "uk"), (FeedType.DEPTH, "udk")):
        session.receive(frames.subscribe(keys, feed_type))
        read(session)
        session.receive(frames.unsubscribe(keys, feed_type))
        assert read(session) == [{"t": answer, "k": "NSE|2031"}]
    world.market.change(0, ltp=1.0)
    world.simulation.step(STEP_NS)
    assert read(session) == []


def test_subscribing_twice_gives_each_change_once() -> None:
    world = World()
    session = connect(world.broker, world.token)
    for _ in range(2):
        session.receive(frames.subscribe([("NSE", "2031")], FeedType.TOUCHLINE))
    assert [frame["t"] for frame in read(session)] == ["tk", "tk"]
    world.market.change(0, ltp=1.0)
    world.simulation.step(STEP_NS)
    assert len(read(session)) == 1


def test_unknown_instrument_gets_no_answer() -> None:
    world = World()
    session = connect(world.broker, world.token)
    session.receive(frames.subscribe([("NSE", "404"), ("NSE", "2031")], FeedType.TOUCHLINE))
    assert [frame["tk"] for frame in read(session)] == ["2031"]


def test_all_brokers_see_the_same_bytes() -> None:
    world = World()
    other = world.simulation.brokers[1]
    sessions = [connect(world.broker, world.token), connect(other, log_in(other))]
    for session in sessions:
        session.receive(frames.subscribe([("NSE", "2031")], FeedType.TOUCHLINE))
    world.market.change(0, ltp=1.0)
    world.simulation.step(STEP_NS)
    first, second = (session.take() for session in sessions)
    assert first == second
    assert first[-1] is second[-1]


def test_heartbeat() -> None:
    world = World()
    session = connect(world.broker, world.token)
    session.receive(frames.heartbeat())
    assert read(session) == [{"t": "hk", "hk": str(world.market.now_ns() // 1_000_000_000)}]


def test_orders_reach_those_who_asked() -> None:
    world = World(BrokerRules(one_socket_per_token=False))
    asked = connect(world.broker, world.token, orders=True)
    silent = connect(world.broker, world.token)
    ask(world.broker, "PlaceOrder", world.token, **order_fields())
    updates = read(asked)
    assert [update["reporttype"] for update in updates] == ["NewAck", "PendingNew", "New"]
    assert read(silent) == []
    asked.receive(frames.unsubscribe_orders())
    assert read(asked) == [{"t": "uok"}]
    ask(world.broker, "PlaceOrder", world.token, **order_fields())
    assert read(asked) == []
    assert world.broker.order_frames_produced == 6


def test_second_connection_evicts_the_first_after_a_while() -> None:
    world = World()
    first = connect(world.broker, world.token)
    second = connect(world.broker, world.token)
    world.simulation.step(100_000_000)
    assert first.close_command is None
    world.simulation.step(100_000_000)
    assert first.close_command == (1000, "goodbye")
    assert second.close_command is None


def test_eviction_is_a_rule_of_the_broker() -> None:
    world = World(BrokerRules(one_socket_per_token=False))
    first = connect(world.broker, world.token)
    connect(world.broker, world.token)
    world.simulation.step(1_000_000_000)
    assert first.close_command is None


def test_logout_closes_its_connections_only() -> None:
    world = World()
    other_token = log_in(world.broker)
    mine, other = connect(world.broker, world.token), connect(world.broker, other_token)
    ask(world.broker, "Logout", world.token)
    world.simulation.step(1_000_000_000)
    assert mine.close_command == (1000, "goodbye")
    assert other.close_command is None


def test_ended_connection_costs_nothing_more() -> None:
    world = World()
    session = connect(world.broker, world.token, orders=True)
    session.receive(frames.subscribe([("NSE", "2031")], FeedType.TOUCHLINE))
    world.broker.close_session(session)
    world.market.change(0, ltp=1.0)
    world.simulation.step(STEP_NS)
    ask(world.broker, "PlaceOrder", world.token, **order_fields())
    assert session.take() == []
    assert world.simulation.fan_out.ticks_encoded == 0


@given(st.one_of(st.text(), st.binary(), st.recursive(st.none() | st.text(), st.lists).map(json.dumps)))
def test_garbage_is_counted_and_passed_over(garbage: str | bytes) -> None:
    world = World()
    session = connect(world.broker, world.token)
    assert session.receive(garbage) == []
    assert session.frames_not_understood == 1


@given(st.sampled_from([0, 1, 125, 126, 65_535, 65_536, 70_000]))
def test_frames_hold_their_payload(size: int) -> None:
    payload = b"x" * size
    frame = text_frame(payload)
    assert payload_of(frame) == payload
    assert client_frame_size(size) == len(frame) + 4


def test_everything_sent_can_be_read_by_our_own_decoder() -> None:
    world = World()
    session = connect(world.broker, world.token, orders=True)
    for feed_type in FeedType:
        session.receive(frames.subscribe([("NSE", "2031"), ("NFO", "2031")], feed_type))
    ask(world.broker, "PlaceOrder", world.token, **order_fields(prc="101", qty="1"))
    world.market.change(0, ltp=0.0, bid=0.0)
    world.simulation.step(STEP_NS)
    kinds = {type(decode(payload_of(frame))).__name__ for frame in session.take()}
    assert {"TouchlineSnapshot", "TouchlineDelta", "DepthSnapshot", "DepthDelta", "OrderMessage"} <= kinds
