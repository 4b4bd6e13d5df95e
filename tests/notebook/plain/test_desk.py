"""Positions as plain HTML and text."""

from __future__ import annotations

from typing import Any

from dualbroker.notebook.plain.desk import desk_html, desk_text
from dualbroker.view.desk import POSITION_COLUMNS
from tests.notebook.plain.states import broker_row, state_of

TWO = [broker_row("broker1"), broker_row("broker2")]


def position(**fields: Any) -> dict[str, Any]:
    blank: dict[str, Any] = dict.fromkeys(POSITION_COLUMNS)
    said = {"broker_name": "broker1", "symbol": "SBIN-EQ", "product": "I", "quantity": 75, "doubt": ""}
    return {**blank, **said, "stop": "no stop seen", "stop_note": "", "is_covered": False, **fields}


def desk_of(*rows: dict[str, Any], **changes: Any) -> dict[str, Any]:
    profit = [{"name": "broker1", "total": -1234.4, "complete": False}]
    return {"rows": list(rows), "count": len(rows), "profit": profit, "loose": [], "unread": [], **changes}


def test_a_position_says_what_it_is_worth_and_what_covers_it() -> None:
    row = position(total=-1234.4, ltp=1023.2, symbol="<b>SBIN</b>", doubt="the read failed")
    html = desk_html(state_of(TWO, desk=desk_of(row)))
    assert "&lt;b&gt;SBIN&lt;/b&gt; (not sure: the read failed)" in html
    assert '<td class="number down">−1,234</td>' in html
    assert "no stop seen" in html
    text = "\n".join(desk_text(state_of(TWO, desk=desk_of(row))))
    assert "P&L before charges, ₹: broker1 −1,234 (not complete)" in text
    assert "1,023.20" in text


def test_what_is_unknown_is_told_and_is_not_flat() -> None:
    unread = [{"broker_name": "broker2", "why": "the read failed: 502"}]
    state = state_of(TWO, desk=desk_of(unread=unread))
    assert "Positions unknown for broker2: the read failed: 502" in desk_html(state)
    assert "No position" not in desk_html(state)
    assert desk_text(state) == ["", "Positions unknown for broker2: the read failed: 502"]
    assert "No position today" in desk_html(state_of(TWO))
    assert desk_text(state_of(TWO)) == []
