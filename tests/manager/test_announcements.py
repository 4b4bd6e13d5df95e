"""The log's lines of orders: what a person wants to know, once per change."""

from __future__ import annotations

import json
import logging
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from dualbroker.manager.announcements import OrderAnnouncer
from dualbroker.model import UpdateSource
from dualbroker.noren.orders import order_update_from_row
from dualbroker.stores.orders import Ledger

ORDER = "26011500000081"
SENT: dict[str, Any] = {
    "norenordno": ORDER,
    "trantype": "B",
    "qty": "75",
    "tsym": "NIFTY27JAN26C26000",
    "exch": "NFO",
    "prc": "12.50",
    "prctyp": "LMT",
}


class Log:
    """A ledger whose events are said, and the lines."""

    def __init__(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.INFO, logger="dualbroker")
        self._caplog = caplog
        self.ledger = Ledger()
        self._announcer = OrderAnnouncer(self.ledger)

    def take(self, broker: str = "broker2", **row: Any) -> str:
        """What the log says of a message; "" for nothing."""
        self._caplog.clear()
        update = order_update_from_row(
            {**SENT, **row}, broker_name=broker, receive_time_ns=1, source=UpdateSource.STREAM
        )
        event = self.ledger.apply(update)
        if event is not None:
            self._announcer.announce(event)
        lines = [record.getMessage() for record in self._caplog.records]
        assert len(lines) <= 1
        return lines[0] if lines else ""


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> Log:
    return Log(caplog)


def line(status: str, rest: str = "", order: str = "BUY 75 NIFTY27JAN26C26000 at ₹12.50") -> str:
    return f"Order update from broker2: {ORDER} status: {status}, {order}{rest}"


def test_each_change_that_means_something_is_one_line(log: Log) -> None:
    assert log.take(status="PENDING", reporttype="NewAck") == line("PENDING")
    assert log.take(status="PENDING", reporttype="PendingNew") == ""
    assert log.take(status="OPEN", reporttype="New") == line("OPEN")
    assert log.take(status="OPEN", reporttype="ModAck", prc="12.60") == ""
    assert log.take(status="OPEN", reporttype="PendingReplace", prc="12.60") == ""
    changed = "BUY 75 NIFTY27JAN26C26000 at ₹12.60"
    assert log.take(status="OPEN", reporttype="Replaced", prc="12.60") == line("OPEN", order=changed)
    part = {"fillshares": "25", "avgprc": "12.55", "flid": "1", "flqty": "25", "flprc": "12.55"}
    assert log.take(status="OPEN", reporttype="Fill", prc="12.60", **part) == line(
        "OPEN", ", filled 25 at ₹12.55", changed
    )
    rest = {"fillshares": "75", "avgprc": "12.5525", "flid": "2", "flqty": "50", "flprc": "12.55"}
    filled = line("COMPLETE", ", filled 75 at ₹12.5525", changed)
    assert log.take(status="COMPLETE", reporttype="Fill", prc="12.60", **rest) == filled
    assert log.take(status="COMPLETE", reporttype="Fill", prc="12.60", **rest) == "", "a repeat"


def test_a_refused_change_and_a_reject_say_why(log: Log) -> None:
    log.take(status="OPEN", reporttype="New")
    assert log.take(status="OPEN", reporttype="CanAck") == ""
    reason = "SAF:order is not open to cancel"
    assert log.take(status="REJECTED", reporttype="Rejected", rejreason=reason) == line(
        "OPEN", f", cancellation refused: {reason}"
    )
    other = {"norenordno": "26011500000082", "prctyp": "SL-MKT", "prc": "0", "trgprc": "10", "trantype": "S"}
    said = log.take(**other, status="REJECTED", reporttype="Rejected", rejreason="RED:Margin\nShortfall")
    assert said == (
        "Order update from broker2: 26011500000082 status: REJECTED, SELL 75 NIFTY27JAN26C26000 at market "
        "trigger ₹10.00, reason: RED:Margin Shortfall"
    )


def test_an_unknown_state_is_said_in_the_broker_s_word(log: Log) -> None:
    assert log.take(status="MODIFY PENDING") == line('UNKNOWN ("MODIFY PENDING")')


def test_of_an_order_of_which_little_is_known_that_little_is_said(log: Log) -> None:
    bare: dict[str, Any] = dict.fromkeys(SENT) | {"norenordno": ORDER, "status": "OPEN"}
    assert log.take(**bare) == f"Order update from broker2: {ORDER} status: OPEN"


@pytest.mark.shared
def test_lines_of_real_messages(log: Log, shared_data: Path) -> None:
    path = shared_data / "noren-messages" / "noren_om_single_events.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines()
    blank: dict[str, Any] = dict.fromkeys(SENT)
    said = [log.take(**blank | json.loads(each)) for each in lines]
    assert said == [
        "Order update from broker2: 24101600226847 status: COMPLETE, BUY 30 BANKNIFTY16OCT24P50500 at ₹5.25, "
        "filled 30 at ₹2.85",
        "Order update from broker2: 25091500411068 status: REJECTED, BUY 75 NIFTY16SEP25P25100 at ₹45.00 "
        "trigger ₹44.95, reason: RED:'MIS' Orders are disallowed after system square off",
        "Order update from broker2: 25042400010260 status: PENDING, BUY 1 VIKASLIFE-EQ at market",
        "",
    ]
    assert {key[1] for key in log.ledger.states} == {date(2024, 10, 16), date(2025, 9, 15), date(2025, 4, 24)}
