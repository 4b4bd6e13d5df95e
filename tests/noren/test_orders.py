"""Order updates: words normalised, contradictions settled, the key the same in every message."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dualbroker.errors import WireError
from dualbroker.model import OrderStatus, OrderUpdate, ReportType, Side, UpdateSource
from dualbroker.noren.orders import order_status, order_update_from_row, report_type, side

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


WIRE_NAMES = [
    *("qty", "prc", "trgprc", "fillshares", "avgprc", "cancelqty", "flqty", "flprc", "tm", "ntm"),
    *("exch", "token", "tsym", "status", "reporttype", "rpt", "trantype", "ret", "prctyp", "pcode", "prd"),
    *("flid", "fltm", "rejreason", "exchordid", "remarks", "norentm", "ordenttm", "exch_tm"),
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
