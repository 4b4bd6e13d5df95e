"""Quotes and orders as a person sees them, in a real browser."""

from __future__ import annotations

from typing import Any

import pytest

from dualbroker.tables import ORDER_STEPS
from tests.service.drawn import draw, draw_again, order_state, quote_state, state_of

pytestmark = pytest.mark.chromium


MANY: list[dict[str, Any]] = [
    {"symbol": f"S{number}", "exchange": "NFO", "ltp": float((number * 37) % 1000), "received_s": 43_199}
    for number in range(2_000)
]


def shown_symbols(page: Any) -> list[str]:
    """Of the quote rows that exist in the page."""
    found: list[str] = page.locator("#drawn .quotes tbody th.symbol > span:first-child").all_inner_texts()
    return found


def test_of_two_thousand_quotes_only_those_in_sight_exist(page: Any) -> None:
    page.wait_for_selector(".card.is-live")
    state = state_of(page) | quote_state(MANY)
    draw(page, state, "quotes")
    assert page.inner_text("#drawn .head") == "Quotes\nSIMULATED\n2,000 instruments"
    symbols = shown_symbols(page)
    assert len(symbols) < 60
    assert symbols[:3] == ["S0", "S1", "S2"]
    assert page.get_attribute("#drawn table", "aria-rowcount") == "2001"
    page.eval_on_selector("#drawn .scrolls", "(box) => { box.scrollTop = 26 * 1000; }")
    page.wait_for_selector("#drawn th:has-text('S1005')")
    assert "S0" not in shown_symbols(page)
    page.eval_on_selector("#drawn .scrolls", "(box) => { box.scrollTop = box.scrollHeight; }")
    page.wait_for_selector("#drawn th:has-text('S1999')")
    assert page.locator("#drawn tr[aria-rowindex='2001']").count() == 1


def test_what_a_notebook_subscribes_comes_into_sight_as_soon_as_it_is_there(page: Any) -> None:
    page.wait_for_selector(".card.is-live")
    draw(page, state_of(page) | quote_state(MANY), "quotes")
    page.evaluate("window.tellDrawn({kind: 'show', name: 'NFO:S1500'})")
    page.wait_for_selector("#drawn th:has-text('S1500')")
    page.evaluate("window.tellDrawn({kind: 'show', name: 'NFO:LATE'})")
    late = {"symbol": "LATE", "exchange": "NFO", "ltp": 1.0, "received_s": 43_199}
    changed = quote_state([*MANY, late])
    for key in ("instruments", "quotes"):
        changed[key] = {**changed[key], "revision": 8}
    draw_again(page, state_of(page) | changed)
    page.wait_for_selector("#drawn th:has-text('LATE')")


def test_rows_keep_their_place_until_the_user_sorts_with_the_keyboard(page: Any) -> None:
    page.wait_for_selector(".card.is-live")
    state = state_of(page) | quote_state(MANY)
    draw(page, state, "quotes")
    head = page.locator("#drawn th:has(button:text('LTP'))")
    assert head.get_attribute("aria-sort") == "none"
    page.focus("#drawn button:text('LTP')")
    page.keyboard.press("Enter")
    assert head.get_attribute("aria-sort") == "descending"
    by_price = sorted(MANY, key=lambda row: -row["ltp"])
    assert shown_symbols(page)[:4] == [row["symbol"] for row in by_price[:4]]
    page.keyboard.press("Enter")
    assert head.get_attribute("aria-sort") == "ascending"
    page.keyboard.press("Enter")
    assert shown_symbols(page)[:2] == ["S0", "S1"]


def test_a_change_flashes_and_an_old_quote_says_how_old_it_is(page: Any) -> None:
    page.wait_for_selector(".card.is-live")
    same = {"exchange": "NSE", "ltp": 10.0, "bid": 9.5, "volume": 100, "received_s": 43_199}
    rows: list[dict[str, Any]] = [{"symbol": name, **same} for name in "AB"]
    state = state_of(page) | {"time": "2026-03-02T12:00:00.000+05:30"} | quote_state(rows)
    draw(page, state, "quotes")
    rows[0] |= {"ltp": 11.0, "bid": 9.4, "volume": 200}
    rows[1] |= {"received_s": 43_200 - 300}
    draw_again(page, state | quote_state(rows))
    # In one go, for a flash lasts half a second.
    changed, still = page.evaluate(
        "[...document.querySelectorAll('#drawn .quotes tbody tr:has(th)')].map("
        "row => [...row.querySelectorAll('td')].map(cell => cell.className))"
    )
    assert "flash-up" in changed[0]
    assert "flash" not in still[0]
    assert "flash-down" in changed[2], "a bid is a price, too"
    assert "flash" not in changed[4], "a volume only grows"
    first, second = page.locator("#drawn .quotes tbody tr:has(th)").all()
    assert first.locator("td").last.inner_text() == "now"
    assert second.locator("td").last.inner_text() == "5 min"
    assert page.locator("#drawn .aged").count() == 1
    mixed = state | quote_state(rows)
    mixed["quotes"] = {**mixed["quotes"], "revision": 8, "ltp": [99.0, 99.0]}
    draw_again(page, mixed)
    assert "99" not in page.inner_text("#drawn .quotes"), "figures of other instruments"


def test_a_row_opens_the_orders_life(page: Any) -> None:
    page.wait_for_selector(".card.is-live")
    day = "2026-03-02"
    order = {"order_id": "7", "trading_day": day, "quantity": 150.0, "filled_quantity": 75.0, "symbol": "X"}
    state = state_of(page) | {"orders": order_state([order], {"broker1": 1})}
    time = f"{day}T11:59:58.250+05:30"
    blank: dict[str, Any] = {**dict.fromkeys(ORDER_STEPS.names), "time": time, "reason": "", "status": "OPEN"}
    steps = [
        {**blank, "what": "at the exchange", "source": "stream", "price": 10.0},
        {**blank, "what": "changed", "source": "reconcile", "price": 11.0},
        {**blank, "what": "filled", "source": "stream", "fill_quantity": 75.0, "fill_price": 10.5},
    ]
    rows = [[step[name] for name in ORDER_STEPS.names] for step in steps]
    state["histories"] = {"columns": list(ORDER_STEPS.names), "orders": {f"broker1|{day}|7": rows}}
    draw(page, state, "orders")
    button = page.locator("#drawn tr.order button")
    assert button.get_attribute("aria-expanded") == "false"
    assert page.locator("#drawn .fill").is_visible(), "half filled is a bar"
    button.focus()
    page.keyboard.press("Enter")
    assert button.get_attribute("aria-expanded") == "true"
    first, second, third = page.locator("#drawn .timeline li").all_inner_texts()
    assert first.split("\n") == ["2 Mar 11:59:58.250", "at the exchange"]
    assert "price 10.00 → 11.00" in second
    assert "read from the order book" in second
    assert "filled · 75 @ 10.50" in third


def test_orders_that_are_not_shown_are_counted_and_it_is_said_where_all_are(page: Any) -> None:
    page.wait_for_selector(".card.is-live")
    rows = [{"order_id": str(number), "trading_day": "2026-03-02", "symbol": "X"} for number in range(3)]
    state = state_of(page) | {"orders": order_state(rows, {"broker1": 412, "broker2": 0})}
    for on_page, where in ((False, "feed.orders"), (True, "/api/orders")):
        draw(page, state, "orders", actions=on_page)
        said = f"3 of 412: whatever is open, and the newest; all of them: {where}"
        assert said in page.inner_text("#drawn .orders")
        page.click("#drawn .orders button:has-text('broker2')")
        assert "all of them" not in page.inner_text("#drawn .orders")
    draw_again(page, state | {"orders": order_state(rows, {"broker1": 3, "broker2": 0})})
    page.click("#drawn .orders .choices button:has-text('all')")
    assert "all of them" not in page.inner_text("#drawn .orders")


def test_in_a_notebook_an_order_whose_steps_are_not_sent_says_where_they_are(page: Any) -> None:
    page.wait_for_selector(".card.is-live")
    order = {"order_id": "26030200000007", "trading_day": "2026-03-02", "symbol": "X"}
    state = state_of(page) | {"orders": order_state([order], {"broker1": 1})}
    draw(page, state, "orders")
    page.click("#drawn tr.order button")
    said = page.inner_text("#drawn .detail")
    assert "in Python: feed.order_events, order_id 26030200000007" in said


def test_prices_of_orders_have_the_decimals_of_their_instrument(page: Any) -> None:
    page.wait_for_selector(".card.is-live")
    given = [(83.1, 4, "83.1000"), (212.4333, 2, "212.43"), (71.1275, None, "71.1275"), (71.5, None, "71.50")]
    orders = [
        {
            "order_id": str(at),
            "trading_day": "2026-03-02",
            "symbol": "X",
            "average_price": price,
            "decimals": decimals,
        }
        for at, (price, decimals, _) in enumerate(given)
    ]
    draw(page, state_of(page) | {"orders": order_state(orders, {"broker1": 4})}, "orders")
    shown = page.locator("#drawn td.at-price").all_inner_texts()
    assert shown == [words for _, _, words in given]
    assert "Price ₹" in page.locator("#drawn .orders thead").inner_text()


def test_a_quote_table_whose_instrument_was_let_go_says_so(page: Any) -> None:
    page.wait_for_selector(".card.is-live")
    state = state_of(page) | quote_state([], count=7)
    state["instruments"]["gone"] = ["NSE:A", "NSE:B", "NSE:C", "NSE:D"]
    draw(page, state, "quotes")
    said = "Not subscribed any more: NSE:A, NSE:B, NSE:C and 1 more; feed.subscribe brings it back."
    assert said in page.inner_text("#drawn .quotes")
    assert "Nothing is subscribed yet" not in page.inner_text("#drawn .quotes")
    draw_again(page, state | quote_state([{"symbol": "A", "exchange": "NSE"}]))
    assert "any more" not in page.inner_text("#drawn .quotes")
