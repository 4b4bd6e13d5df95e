"""The simulator's answers have every field that a real broker's answer of the same call was seen to have."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from dualbroker.model import FeedType
from dualbroker.noren import frames
from dualbroker.noren.requests import encode_body
from dualbroker.simulator.broker import SimulatedBroker
from dualbroker.simulator.market.market import Market
from dualbroker.simulator.simulation import Simulation
from tests.simulated import synthetic_market

from ..broker_client import WALL_NS, ask, connect, log_in, login_fields, read

STEP_NS = 200_000_000

NOT_SENT = {
    "pan": "personal, and to be kept out of everything",
    "C": "meaning unknown",
    "_note": "about the line",
    "_src": "about the line",
    "_api": "about the line",
    "_recv": "about the line",
    "handlinst": "one sibling's own",
    "nontrd": "of a commodity's spot price, which is not listed here",
    # Limits: a broker's own split of the margin by product and segment; there is no such split here.
    **dict.fromkeys(
        [
            *("peak_mar", "span", "expo", "premium", "brokerage", "uzpnl_d_m", "span_d_m", "expo_d_m"),
            *("premium_d_m", "premium_c_m", "premium_d_i", "brkage_d_m", "brkage_c_m", "brkage_d_i"),
            *("mr_der_u", "mr_com_u", "mr_der_a", "mr_com_a"),
        ],
        "split of the margin",
    ),
}  # fmt: skip
"""What the simulator leaves out, and why."""


class Scene:
    """A broker whose account has traded: every book has a row."""

    def __init__(self) -> None:
        market: Market = synthetic_market(
            date(2026, 11, 23), 1_795_400_000_000_000_000, ticks_per_second=2_000, strikes=3, expiries=2
        )
        self.market = market
        self.simulation = Simulation(market, ["broker1"])
        self.broker: SimulatedBroker = self.simulation.brokers[0]
        self.token = log_in(self.broker)
        self.option = next(item for item in market.instruments if item.strike == 26_000)
        self.session = connect(self.broker, self.token, orders=True)
        filled = self.place("1", "B", prctyp="MKT", prc="0")
        self.place("1", "B", prctyp="SL-LMT", prc=self.price(1.1), trgprc=self.price(1.08))
        self.changed = self.place("1", "B", prctyp="LMT", prc=self.price(0.8))
        self.ask("ModifyOrder", norenordno=self.changed, qty="130", prctyp="LMT", prc=self.price(0.81))
        stop = {"prctyp": "SL-LMT", "prc": self.price(1.1), "trgprc": self.price(1.08)}
        self.rejected = self.place("100000", "B", **stop)
        (trading,) = self.broker.trading.values()
        trading.market_is_open = False
        self.place("1", "B", prctyp="LMT", prc=self.price(0.8))  # turned down by the exchange
        trading.market_is_open = True
        for _ in range(30):
            self.simulation.step(STEP_NS)
        self.filled = filled
        self.orders = read(self.session)

    def price(self, factor: float) -> str:
        index = self.market.index_of(self.option.key)
        assert index is not None
        return f"{round(self.market.quote(index)['ltp'] * factor / 0.05) * 0.05:.2f}"

    def place(self, lots: str, side: str, **fields: str) -> str:
        order = {"exch": "NFO", "tsym": self.option.symbol, "prd": "I", "ret": "DAY", "remarks": "a test"}
        quantity = str(int(lots) * self.option.lot_size)
        answer = self.ask("PlaceOrder", **order, qty=quantity, trantype=side, **fields)
        return str(answer["norenordno"])

    def ask(self, name: str, **fields: str) -> Any:
        values = {"uid": self.broker.accounts[0].uid, "actid": self.broker.accounts[0].uid, **fields}
        body = encode_body(values, jkey=self.token)
        return json.loads(self.broker.handle_request(f"/{name}", body, {}, WALL_NS).body)

    def snapshot(self, kind: FeedType, exchange: str, token: str) -> dict[str, str]:
        self.session.receive(frames.subscribe([(exchange, token)], kind))
        (message,) = read(self.session)
        return message

    def touchline(self, line: dict[str, Any]) -> dict[str, str]:
        key = {"NSE": ("NSE", "11630"), "NFO": self.option.key}[line["e"]]
        key = ("NSE", "26000") if line["tk"] == "26000" else key
        message = self.snapshot(FeedType.TOUCHLINE, *key)
        return message | {"t": line["t"]}  # a delta has what changed of these

    def update(self, line: dict[str, Any]) -> dict[str, str]:
        kind = line["reporttype"]
        return {
            name: text
            for each in self.orders
            if each.get("reporttype") == kind
            for name, text in each.items()
        }

    def book_row(self, line: dict[str, Any]) -> dict[str, str]:
        if line["status"] == "REJECTED":
            return dict(self.ask("SingleOrdHist", norenordno=self.rejected)[0])
        rows = [row for row in self.ask("OrderBook") if row["status"] == line["status"]]
        rows += self.ask("SingleOrdHist", norenordno=self.changed) if "rorgqty" in line else []
        return {name: text for row in rows for name, text in row.items()}


def lines(data: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    for folder in ("noren-messages", "noren-messages-2"):
        for path in sorted((data / folder).glob("*.jsonl")):
            for number, text in enumerate(path.read_text("utf-8").splitlines(), start=1):
                line = json.loads(text)
                if "_note" in line:  # a rejection to which its author added a fill
                    line = {name: line[name] for name in line if name not in ("flqty", "flprc")}
                yield f"{path.stem}:{number}", line


SIMULATED: dict[str, Callable[[Scene, dict[str, Any]], dict[str, Any]]] = {
    "ck": lambda scene, line: {"t": "ck", "s": "OK", "uid": ""},
    "tk": lambda scene, line: scene.touchline(line),
    "tf": lambda scene, line: scene.touchline(line),
    "om": lambda scene, line: scene.update(line),
    "order": lambda scene, line: scene.book_row(line),
    "PositionBook": lambda scene, line: scene.ask("PositionBook")[0],
    "TradeBook": lambda scene, line: scene.ask("TradeBook")[0],
    "TPSeries": lambda scene, line: scene.ask("TPSeries", exch="NSE", token="26000")[0],
    "Limits": lambda scene, line: scene.ask("Limits"),
    "QuickAuth": lambda scene, line: ask(scene.broker, "QuickAuth", None, **login_fields(scene.broker)),
    "PlaceOrder": lambda scene, line: scene.ask(
        "PlaceOrder", exch="NFO", tsym=scene.option.symbol, prd="I", qty="65", prc=scene.price(0.8),
        trantype="B", prctyp="LMT",
    ),
    "GetQuotes": lambda scene, line: scene.ask("GetQuotes", exch="NFO", token=scene.option.token),
    "scrip": lambda scene, line: scene.ask("SearchScrip", exch="NFO", stext=scene.option.symbol)["values"][0],
    "refusal": lambda scene, line: scene.ask("GetOptionChain", exch="NFO", tsym="X", strprc="1", cnt="1"),
    "reason": lambda scene, line: scene.ask("SingleOrdHist", norenordno=scene.rejected)[0],
}  # fmt: skip


def call_of(line: dict[str, Any]) -> str | None:
    """Which of the simulator's answers a real line is held against; None for another broker's own dialect."""
    if "t" in line or "reporttype" in line:
        return str(line.get("t", "om"))
    rules = (
        ("_api", None if line.get("_api") == "SingleOrdHist" else line.get("_api")),
        ("message", None),
        ("emsg", "refusal"),
        ("netqty", "PositionBook"),
        ("norenordno", "order"),
        ("intvwap", "TPSeries"),
        ("lut", "GetQuotes"),
        ("exch", "scrip"),
        ("rejreason", "reason"),
    )
    if line.get("_api") == "SingleOrdHist":
        return "order"
    return next(call for name, call in rules if name in line)


def lacking(call: str, scene: Scene, line: dict[str, Any]) -> set[str]:
    return set(line) - set(NOT_SENT) - set(SIMULATED[call](scene, line))


@pytest.mark.shared
def test_no_field_of_a_real_message_is_lacking(shared_data: Path) -> None:
    scene = Scene()
    found: dict[str, set[str]] = {}
    seen: set[str] = set()
    for where, line in lines(shared_data):
        call = call_of(line)
        if call is None:
            continue
        seen.add(call)
        if lack := lacking(call, scene, line):
            found[f"{where} ({call})"] = lack
    assert found == {}
    assert seen == SIMULATED.keys()
