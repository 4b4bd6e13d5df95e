"""What is streamed only to be compared is kept apart where it is read, and counted to the byte."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

from dualbroker.brokers.base import BrokerContext
from dualbroker.brokers.noren.wire import NorenWire
from dualbroker.brokers.session.reader import StreamReader
from dualbroker.brokers.session.wire import frame_bytes
from dualbroker.clock import SystemClock
from dualbroker.model import MessageKind, QuoteBatch
from dualbroker.noren.dialects import SHOONYA
from dualbroker.stores.bandwidth import BandwidthStore
from dualbroker.stores.health import BrokerHealth

OURS, PROBED = ("NSE", "2885"), ("NSE", "11536")


def tick(key: tuple[str, str], price: str) -> bytes:
    return f'{{"t":"tf","e":"{key[0]}","tk":"{key[1]}","lp":"{price}"}}'.encode()


HEARTBEAT = b'{"t":"hk","ft":"1780000000"}'


class Scene:
    def __init__(self, *, carries_quotes: bool) -> None:
        self.health = BrokerHealth(broker_name="b", broker_type="t", account="", simulated=True)
        self.traffic = BandwidthStore().add_broker("b")
        self.quotes: list[QuoteBatch] = []
        self.probes: list[QuoteBatch] = []
        self.heartbeats = 0
        context = SimpleNamespace(health=self.health, traffic=self.traffic, clock=SystemClock(), conceal=str)
        self.reader = StreamReader(
            "b",
            NorenWire(SHOONYA),
            cast(BrokerContext, context),
            order_callback=lambda update: None,
            quote_callback=self.quotes.append if carries_quotes else None,
            note_acknowledged=lambda key: None,
            on_hello_answer=lambda accepted: None,
            on_heartbeat=self.count_heartbeat,
        )
        self.reader.probed, self.reader.on_probes = frozenset({PROBED}), self.probes.append

    def count_heartbeat(self) -> None:
        self.heartbeats += 1

    def read(self, *messages: bytes) -> None:
        self.reader.read(messages, sum(map(frame_bytes, messages)))

    def counted(self, kind: MessageKind) -> tuple[int, int]:
        return self.traffic[kind].bytes, self.traffic[kind].messages


def test_probes_go_their_own_way_and_are_counted_to_the_byte() -> None:
    scene = Scene(carries_quotes=True)
    ours, probed = tick(OURS, "1"), tick(PROBED, "22222")
    scene.read(ours, probed, ours)
    assert [update.token for batch in scene.quotes for update in batch.updates] == ["2885", "2885"]
    assert [update.token for batch in scene.probes for update in batch.updates] == ["11536"]
    assert scene.counted(MessageKind.QUOTES) == (2 * frame_bytes(ours), 2)
    assert scene.counted(MessageKind.PROBE) == (frame_bytes(probed), 1)
    assert scene.counted(MessageKind.CONTROL) == (0, 0)


def test_probes_are_neither_unexpected_nor_a_sign_that_quotes_flow() -> None:
    scene = Scene(carries_quotes=False)
    scene.read(tick(PROBED, "1"))
    assert (scene.health.unexpected_quotes, scene.health.last_quote_ns) == (0, None)
    scene.read(tick(OURS, "1"))
    assert scene.health.unexpected_quotes == 1
    assert scene.counted(MessageKind.QUOTES)[1] == 1


def test_what_else_a_read_holds_is_taken_and_counted_as_ever() -> None:
    scene = Scene(carries_quotes=True)
    probed = tick(PROBED, "1")
    scene.read(probed, HEARTBEAT, probed)
    assert scene.heartbeats == 1
    assert scene.counted(MessageKind.PROBE) == (2 * frame_bytes(probed), 2)
    assert scene.counted(MessageKind.CONTROL) == (frame_bytes(HEARTBEAT), 1)
    assert scene.counted(MessageKind.QUOTES) == (0, 0)


def test_a_probe_that_can_not_be_taken_in_does_not_harm_the_socket() -> None:
    def fails(batch: QuoteBatch) -> None:
        raise ValueError("no")

    scene = Scene(carries_quotes=True)
    scene.reader.on_probes = fails
    scene.read(tick(PROBED, "1"), tick(OURS, "1"))
    assert len(scene.quotes) == 1
