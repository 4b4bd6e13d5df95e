"""Order updates: words normalised, contradictions settled, the key the same in every message."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dualbroker.errors import WireError
from dualbroker.model import OrderStatus, OrderUpdate, ReportType, Side, UpdateSource
from dualbroker.noren.orders import (
    OrderMessage,
    order_status,
    order_update_from_row,
    report_type,
    side,
    to_order_update,
)
from dualbroker.noren.stream import decode

# 20:00 UTC is already the next day in India.
RECEIVED = int(datetime(2026, 3, 2, 20, 0, tzinfo=UTC).timestamp()) * 10**9
ORDER = "26030200000061"


def update(**row: Any) -> OrderUpdate:
    row = {"norenordno": ORDER, **row}
    return order_update_from_row(
        row, broker_name="broker2", receive_time_ns=RECEIVED, source=UpdateSource.POLL
    )


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("PENDING", OrderStatus.PENDING),
        ("ORDER ACK", OrderStatus.PENDING),
        ("ORDER PENDING", OrderStatus.PENDING),
        ("AMO OPEN", OrderStatus.PENDING),
        ("AMO MODIFIED", OrderStatus.PENDING),
        ("AMO CANCELED", OrderStatus.CANCELED),
        ("OPEN", OrderStatus.OPEN),
        ("Open", OrderStatus.OPEN),
        ("Replaced", OrderStatus.OPEN),
        ("TRIGGER_PENDING", OrderStatus.TRIGGER_PENDING),
        ("TRIGGER PENDING", OrderStatus.TRIGGER_PENDING),
        ("COMPLETE", OrderStatus.COMPLETE),
        ("CANCELED", OrderStatus.CANCELED),
        ("Cancelled", OrderStatus.CANCELED),
        ("REJECTED", OrderStatus.REJECTED),
        ("REJECT", OrderStatus.REJECTED),
        ("New", OrderStatus.OPEN),
        ("OPEN PENDING", OrderStatus.PENDING),
        ("validation_pending", OrderStatus.PENDING),
        ("put order req received", OrderStatus.PENDING),
        ("AMO REQ RECEIVED", OrderStatus.PENDING),
        ("AFTER MARKET ORDER REQ RECEIVED", OrderStatus.PENDING),
        ("modify after market order req received", OrderStatus.PENDING),
        ("CANCELLED AFTER MARKET ORDER", OrderStatus.CANCELED),
        ("CANCELLED AMO", OrderStatus.CANCELED),
        ("EXPIRED", OrderStatus.CANCELED),
        # Not final, but whether at the exchange or waiting for its trigger they do not say.
        ("MODIFY PENDING", OrderStatus.UNKNOWN),
        ("CANCEL PENDING", OrderStatus.UNKNOWN),
        ("not cancelled", OrderStatus.UNKNOWN),
        ("INVALID_STATUS_TYPE", OrderStatus.UNKNOWN),
        ("SOMETHING NEW", OrderStatus.UNKNOWN),
        (" ", None),
        ("", None),
        (None, None),
    ],
)
def test_statuses(word: str | None, status: OrderStatus | None) -> None:
    assert order_status(word) is status
    assert update(status=word).status is status


@pytest.mark.parametrize("report", [report for report in ReportType if report is not ReportType.UNKNOWN])
def test_report_types_in_any_case(report: ReportType) -> None:
    for word in (report.value, report.value.upper(), report.value.lower()):
        assert report_type(word) is report


def test_other_report_types() -> None:
    assert report_type("Trigger Pending") is ReportType.TRIGGER_PENDING
    assert report_type("INVALID_REPORT_TYPE") is ReportType.UNKNOWN
    assert report_type("") is None
    assert report_type(None) is None


def test_sides() -> None:
    assert [side(word) for word in ("B", "S", "b", "SELL", "X", "", None)] == [
        Side.BUY,
        Side.SELL,
        Side.BUY,
        Side.SELL,
        None,
        None,
        None,
    ]


def test_rest_and_stream_spellings_are_both_read() -> None:
    assert (update(prd="I").product, update(pcode="M").product) == ("I", "M")
    assert update(rpt="Fill").report_type is update(reporttype="Fill").report_type is ReportType.FILL
    misspelt = order_update_from_row(
        {"norenoordno": ORDER}, broker_name="b", receive_time_ns=1, source=UpdateSource.POLL
    )
    assert misspelt.order_id == ORDER


@pytest.mark.parametrize(
    ("spellings", "name", "value", "read"),
    [
        (("norenordno", "norenoordno"), "order_id", ORDER, ORDER),
        (("pcode", "prd"), "product", "M", "M"),
        (("reporttype", "rpt"), "report_type", "Replaced", ReportType.REPLACED),
        (("exchordid", "exchorderid"), "exchange_order_id", "1500000079566637", "1500000079566637"),
        (("fltm", "filltm"), "fill_time_ns", "16-10-2024 11:15:20", 1729057520_000000000),
        (("ordenttm", "ordentm"), "order_time_ns", "1729057520", 1729057520_000000000),
    ],
)
def test_each_spelling_of_a_field_says_the_same(
    spellings: tuple[str, ...], name: str, value: str, read: object
) -> None:
    for spelling in spellings:
        own: dict[str, Any] = {"norenordno": ORDER} if name != "order_id" else {}
        # What says nothing hides nothing: frames without a value carry a space, or none at all.
        for blank in (" ", "", None):
            row = dict.fromkeys(spellings, blank) | own | {spelling: value}
            streamed = decode(json.dumps({"t": "om", **row}).encode())
            assert isinstance(streamed, OrderMessage)
            found = to_order_update(streamed, broker_name="broker2", receive_time_ns=RECEIVED)
            assert getattr(found, name) == read
            booked = order_update_from_row(
                row, broker_name="broker2", receive_time_ns=RECEIVED, source=UpdateSource.POLL
            )
            assert getattr(booked, name) == read


def test_the_first_spelling_that_says_something_counts() -> None:
    assert update(pcode="I", prd="M").product == "I"
    assert update(pcode=" ", prd="M").product == "M"
    assert update(pcode=[], prd="M").product == "M"


def test_tags_are_kept() -> None:
    found = update()
    assert (found.broker_name, found.receive_time_ns, found.source) == (
        "broker2",
        RECEIVED,
        UpdateSource.POLL,
    )


def test_what_says_nothing_is_unknown() -> None:
    found = update(rejreason=" ", exchordid="", remarks="", qty="NA", avgprc=None, tsym=" ")
    for name in ("reject_reason", "exchange_order_id", "remarks", "quantity", "average_price", "symbol"):
        assert getattr(found, name) is None


def test_a_zero_is_kept() -> None:
    assert (update(prc="0.00").price, update(fillshares="0").filled_quantity) == (0.0, 0.0)


def test_a_row_without_order_number_is_refused() -> None:
    numbers: list[Any] = ["", " ", None, [], True]
    for number in numbers:
        with pytest.raises(WireError, match="order number"):
            update(norenordno=number)


@pytest.mark.parametrize(
    ("row", "day"),
    [
        ({}, date(2026, 3, 2)),
        # A later change of the order, or the next morning's book, must not change its key.
        ({"norentm": "09:15:00 03-03-2026"}, date(2026, 3, 2)),
        ({"norenordno": "ORD123", "norentm": "23:59:59 27-02-2026"}, date(2026, 2, 27)),
        ({"norenordno": "ORD123", "norentm": "27-02-2026 00:00:00"}, date(2026, 2, 27)),
        ({"norenordno": "ORD123", "ordenttm": "1708529505"}, date(2024, 2, 21)),
        ({"norenordno": "ORD123"}, date(2026, 3, 3)),
        ({"norenordno": "26133200000061"}, date(2026, 3, 3)),
        ({"norenordno": "260302"}, date(2026, 3, 3)),
        ({"norenordno": "٢٦٠٣٠٢٠٠٠٠٠٠٦١"}, date(2026, 3, 3)),
    ],
)
def test_the_trading_day(row: dict[str, str], day: date) -> None:
    found = update(**row)
    assert found.trading_day == day
    assert found.key == ("broker2", day, found.order_id)


@pytest.mark.parametrize(
    ("filled", "status"),
    [(None, OrderStatus.REJECTED), ("0", OrderStatus.REJECTED), ("50", OrderStatus.COMPLETE)],
)
def test_complete_in_a_rejection_is_believed_only_with_a_fill(
    filled: str | None, status: OrderStatus
) -> None:
    found = update(status="COMPLETE", reporttype="Rejected", fillshares=filled)
    assert (found.status, found.raw_status) == (status, "COMPLETE")


@pytest.mark.parametrize("report", ["ReplaceRejected", "CancelRejected", "Fill", None])
def test_complete_in_other_reports_stands(report: str | None) -> None:
    assert update(status="COMPLETE", reporttype=report).status is OrderStatus.COMPLETE


@pytest.mark.parametrize(
    ("report", "is_fill"),
    [("Fill", True), (None, True), ("Something", True), ("Rejected", False), ("New", False)],
)
def test_fill_fields_come_from_fills_only(report: str | None, is_fill: bool) -> None:
    found = update(reporttype=report, flid="7", flqty=50, flprc=90.0, fltm="16-10-2024 11:15:20")
    stated = (found.fill_id, found.fill_quantity, found.fill_price, found.fill_time_ns)
    assert stated == (("7", 50.0, 90.0, 1729057520_000000000) if is_fill else (None,) * 4)


@pytest.mark.parametrize(
    ("fields", "event_time_ns"),
    [
        ({}, None),
        ({"ntm": "5"}, None),
        ({"tm": "1768468178"}, 1768468178_000000000),
        ({"tm": "1768468178", "ntm": "591773356"}, 1768468178_591773356),
        ({"tm": 1768468178, "ntm": 591773356}, 1768468178_591773356),
        ({"tm": "1768468178", "ntm": "-1"}, 1768468178_000000000),
        ({"tm": "NA", "ntm": "1"}, None),
    ],
)
def test_the_event_time(fields: dict[str, Any], event_time_ns: int | None) -> None:
    assert update(**fields).event_time_ns == event_time_ns


@pytest.mark.parametrize(
    ("fields", "filled", "average"),
    [
        ({"fillshares": "50", "avgprc": "0.00"}, 50, None),
        ({"fillshares": "50", "avgprc": "0.00", "flqty": "50", "flprc": "12.5", "flid": "1"}, 50, 12.5),
        ({"fillshares": "50", "flqty": "50", "flprc": "12.5"}, 50, 12.5),
        # A fill of a part says nothing of the average of all.
        ({"fillshares": "75", "avgprc": "0", "flqty": "50", "flprc": "12.5"}, 75, None),
        ({"fillshares": "50", "avgprc": "12.6", "flqty": "50", "flprc": "12.5"}, 50, 12.6),
        ({"fillshares": "50", "avgprc": "-3", "flqty": "50", "flprc": "0.00"}, 50, None),
        (
            {"fillshares": "50", "avgprc": "0.00", "flqty": "50", "flprc": "12.5", "reporttype": "New"},
            50,
            None,
        ),
        ({"avgprc": "0.00"}, None, None),
        ({"status": "COMPLETE", "qty": "75"}, 75, None),
        ({"status": "COMPLETE", "qty": "75", "fillshares": "-75", "avgprc": "9"}, 75, 9),
        ({"status": "COMPLETE", "qty": "75", "fillshares": "0", "flqty": "75", "flprc": "9"}, 75, 9),
        ({"status": "COMPLETE", "qty": "-75", "fillshares": "-1"}, None, None),
        ({"status": "COMPLETE", "qty": "75", "reporttype": "Rejected"}, None, None),
        ({"status": "OPEN", "qty": "75", "fillshares": "-75"}, None, None),
    ],
)
def test_figures_that_cant_be_true(
    fields: dict[str, Any], filled: float | None, average: float | None
) -> None:
    found = update(**fields)
    assert (found.filled_quantity, found.average_price) == (filled, average)


def test_a_clock_that_was_never_set_is_no_time() -> None:
    found = update(exch_tm="01-01-1980 00:00:00", norentm="00:00:00 01-01-1980", tm="315532800", ntm="5")
    assert (found.exchange_time_ns, found.order_time_ns, found.event_time_ns) == (None, None, None)
    found = update(norentm="00:00:00 01-01-1980", ordenttm="1702957680")
    assert found.order_time_ns == 1702957680_000000000
    assert update(ordenttm="0", fltm="01-01-1980 05:30:00").fill_time_ns is None


@pytest.mark.parametrize(
    ("fields", "status", "amo"),
    [
        ({"amo": "Yes", "status": "OPEN", "rpt": "New"}, OrderStatus.PENDING, True),
        ({"amo": "YES", "status": "TRIGGER_PENDING"}, OrderStatus.PENDING, True),
        ({"amo": "Yes", "status": "OPEN", "exchordid": "12"}, OrderStatus.OPEN, True),
        ({"amo": "Yes", "status": "OPEN", "fillshares": "5"}, OrderStatus.OPEN, True),
        ({"amo": "Yes", "status": "COMPLETE", "fillshares": "5"}, OrderStatus.COMPLETE, True),
        ({"amo": "Yes", "status": "REJECTED"}, OrderStatus.REJECTED, True),
        ({"amo": "Yes"}, None, True),
        ({"status": "AMO OPEN"}, OrderStatus.PENDING, True),
        ({"status": "AFTER MARKET ORDER REQ RECEIVED"}, OrderStatus.PENDING, True),
        ({"amo": "NO", "status": "OPEN"}, OrderStatus.OPEN, False),
        ({"amo": " ", "status": "OPEN"}, OrderStatus.OPEN, None),
        ({"status": "OPEN"}, OrderStatus.OPEN, None),
    ],
)
def test_an_after_market_order_is_not_at_the_exchange_before_it_has_its_number(
    fields: dict[str, str], status: OrderStatus | None, amo: bool | None
) -> None:
    found = update(**fields)
    assert (found.status, found.amo) == (status, amo)
    assert found.raw_status == fields.get("status")


@pytest.mark.parametrize(
    ("fields", "status", "report"),
    [
        ({"status": "REJECTED", "rpt": "Rejected"}, None, ReportType.CANCEL_REJECTED),
        ({"status": "REJECTED"}, None, ReportType.CANCEL_REJECTED),
        ({"status": "OPEN", "rpt": "Rejected"}, OrderStatus.OPEN, ReportType.CANCEL_REJECTED),
        ({"status": "COMPLETE", "rpt": "Rejected"}, OrderStatus.COMPLETE, ReportType.CANCEL_REJECTED),
        ({"status": "COMPLETE", "rpt": "Fill"}, OrderStatus.COMPLETE, ReportType.FILL),
    ],
)
def test_a_reason_that_speaks_of_a_change_rejects_no_order(
    fields: dict[str, str], status: OrderStatus | None, report: ReportType
) -> None:
    for reason in ("SAF:order is not open to cancel", "Rejected : ORA:Order not found to Cancel"):
        found = update(**fields, rejreason=reason)
        assert (found.status, found.report_type, found.reject_reason) == (status, report, reason)
    modify = update(status="REJECTED", rpt="Rejected", rejreason="SAF:order is not open to modify")
    assert (modify.status, modify.report_type) == (None, ReportType.REPLACE_REJECTED)
    plain = update(status="REJECTED", rpt="Rejected", rejreason="RED:Margin Shortfall:INR 203.50")
    assert (plain.status, plain.report_type) == (OrderStatus.REJECTED, ReportType.REJECTED)


@pytest.mark.shared
def test_the_real_reasons_of_refusals(shared_data: Path) -> None:
    lines = (shared_data / "noren-messages-2" / "errors.jsonl").read_text(encoding="utf-8").splitlines()
    reasons = [json.loads(line).get("rejreason") for line in lines]
    statuses = {
        reason: update(status="REJECTED", rpt="Rejected", rejreason=reason).status
        for reason in reasons
        if reason is not None
    }
    changes = [reason for reason, status in statuses.items() if status is None]
    assert changes == ["SAF:order is not open to cancel"]
    assert len(statuses) == 4


@pytest.mark.shared
def test_the_states_of_another_family_are_known_by_their_words(shared_data: Path) -> None:
    rows = json.loads((shared_data / "kite-packets" / "orders.json").read_text(encoding="utf-8"))["data"]
    known = {row["status"]: order_status(row["status"]) for row in rows}
    assert set(known) >= {"CANCELLED", "COMPLETE", "REJECTED"}
    assert OrderStatus.UNKNOWN not in known.values()


def test_texts_take_one_line() -> None:
    found = update(rejreason="RED: one\r\ntwo", remarks="a\tb\x00c", tsym="A\nB", status="ODD\nWORD")
    assert (found.reject_reason, found.remarks, found.symbol) == ("RED: one two", "a b c", "A B")
    assert (found.status, found.raw_status) == (OrderStatus.UNKNOWN, "ODD WORD")


WIRE_NAMES = [
    *("qty", "prc", "trgprc", "fillshares", "avgprc", "cancelqty", "flqty", "flprc", "tm", "ntm"),
    *("exch", "token", "tsym", "status", "reporttype", "rpt", "trantype", "ret", "prctyp", "pcode", "prd"),
    *("flid", "fltm", "rejreason", "exchordid", "remarks", "norentm", "ordenttm", "exch_tm", "amo"),
    *("exchorderid", "filltm", "ordentm"),
]


@given(
    st.dictionaries(
        st.sampled_from(WIRE_NAMES),
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.lists(st.text()),
    )
)
def test_any_row_with_an_order_number_is_an_update(row: dict[str, Any]) -> None:
    found = update(**row)
    assert found.order_id == ORDER
    assert found.trading_day == date(2026, 3, 2)


def test_a_refused_change_rejects_no_order() -> None:
    for report in ("ReplaceRejected", "CancelRejected"):
        row = {"norenordno": "26011500000081", "status": "REJECTED", "rpt": report, "rejreason": "no"}
        update = order_update_from_row(
            row, broker_name="b1", receive_time_ns=RECEIVED, source=UpdateSource.RECONCILE, as_of_ns=7
        )
        assert (update.status, update.raw_status, update.reject_reason) == (None, "REJECTED", "no")
        assert update.as_of_ns == 7
