"""The page as a person sees it, in a real browser over a real service."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pytest

from dualbroker.view.desk import POSITION_COLUMNS
from dualbroker.view.parts import PARTS
from tests.cli.serving import Serving, serving
from tests.notebook.plain.states import failover_row, incident_row
from tests.polling import wait_until
from tests.service.drawn import (
    TIMEOUT_MS,
    chain_of_one_strike,
    draw,
    draw_again,
    order_state,
    quote_state,
    state_of,
)

pytestmark = pytest.mark.chromium


def test_it_shows_brokers_quotes_orders_and_bytes(page: Any) -> None:
    page.wait_for_selector(".card.is-live >> nth=1")
    assert "SIMULATED" in page.inner_text(".bar")
    assert "Price/Quote updates: broker1 only" in page.inner_text(".bar")
    assert page.locator(".card .mode:has-text('SIMULATED')").count() == 2
    page.wait_for_selector(".quotes tbody tr:has-text('RELIANCE-EQ') td.number:not(:text('–'))")
    page.wait_for_selector(".orders tbody tr:has-text('broker1')")
    page.wait_for_selector(".orders tbody tr:has-text('broker2')")
    wait_until(lambda: page.get_attribute(".chart.total .naive", "d") != "")
    index = page.locator(".quotes tbody tr:has(th)").first
    assert index.locator("td").nth(2).inner_text() == "–", "an index has no bid"
    assert page.is_hidden(".notice")
    page.wait_for_selector(".attached .head:has-text('this page alone')")
    assert page.is_hidden(".attached table")


def test_orders_can_be_looked_at_broker_by_broker_with_the_keyboard(page: Any) -> None:
    page.wait_for_selector(".orders tbody tr:has-text('broker1')")
    page.focus(".orders button:has-text('broker2')")
    page.keyboard.press("Enter")
    assert page.get_attribute(".orders button:has-text('broker2')", "aria-pressed") == "true"
    names = page.locator(".orders tbody tr.order td:nth-child(2)").all_inner_texts()
    assert set(names) <= {"broker2"}


def test_nothing_from_outside_becomes_markup(page: Any) -> None:
    page.wait_for_selector(".card.is-live")
    state = state_of(page)
    bad = "<img src=x onerror=\"document.title='hacked'\"><b>bold</b>"
    words_of_order = ("broker_name", "order_id", "trading_day", "symbol", "side", "status", "reject_reason",
                      "remarks", "doubt", "exchange_order_id", "product", "price_type")  # fmt: skip
    order = {**dict.fromkeys(words_of_order, bad), "quantity": 75, "filled_quantity": 25, "price": 1.5}
    state["orders"] = order_state([order], {bad: 1})
    step = [None, bad, bad, bad, 1.0, 2.0, 3.0, None, None, None, bad]
    state["histories"] = {**state["histories"], "orders": {f"{bad}|{bad}|{bad}": [step]}}
    words = dict.fromkeys(
        ("broker_name", "state", "state_words", "role", "account", "duty", "market", "failover"), bad
    )
    state["brokers"][0] |= {**words, "problems": [bad]}
    state |= quote_state([{"symbol": bad, "exchange": bad}])
    state["headline"] = {"quotes": bad, "orders": bad}
    position = [bad if name in ("broker_name", "symbol", "product", "doubt", "stop", "stop_note", "exchange")
                else 1.5 for name in POSITION_COLUMNS]  # fmt: skip
    state["desk"] = {
        "columns": list(POSITION_COLUMNS),
        "rows": [position],
        "count": 1,
        "profit": [{"name": bad, "total": -1.5, "complete": False}],
        "loose": [bad],
        "unread": [{"broker_name": bad, "why": bad}],
    }
    state["incidents"] = {"rows": [incident_row(cause=bad, action=bad, broker_name=bad)], "count": 1}
    state["failovers"] = {"rows": [failover_row(why=bad, to_broker=bad, uncovered_names=[bad])], "count": 1}
    draw(page, state)
    page.click("#drawn tr.order button")
    assert page.locator("#drawn .timeline .what").inner_text().startswith(bad)
    assert page.locator("#drawn img, #drawn b").count() == 0
    assert bad in page.inner_text("#drawn .orders tbody")
    assert bad in page.inner_text("#drawn .card .problems >> nth=0")
    assert page.title() == "dualbroker"


def test_what_is_wrong_stands_where_it_is_wrong_and_unknown_is_a_dash(page: Any) -> None:
    page.wait_for_selector(".card.is-live")
    state = state_of(page)
    problem = "parked: login refused; fix it in config.yaml"
    state["brokers"][1] |= {"state": "parked", "problems": [problem], "last_order": None, "latency_ms": None}
    state["brokers"][1] |= {"severity": "down", "state_words": "parked", "offers": ["reconnect"]}
    state["problems"] = [f"broker2: {problem}"]
    state["verdict"] |= {"severity": "degraded", "words": "degraded · 1 problem", "orders": "degraded"}
    state |= quote_state([])
    draw(page, state)
    card = page.locator("#drawn .card.is-parked")
    assert problem in card.inner_text()
    assert page.locator(f"#drawn :text('{problem}')").count() == 1, "said once"
    assert page.locator("#drawn .card.sev-ok dd:visible").count() == 0, "what is well takes one line"
    colours = [
        page.eval_on_selector(f"#drawn {where}", "(node) => getComputedStyle(node).color")
        for where in (
            ".card.is-parked .state",
            ".card.is-parked .problems",
            ".card.sev-ok .state",
            ".verdict",
        )
    ]
    assert colours[0] == colours[1]
    assert len(set(colours)) == 3, "down, ok and degraded"
    card.locator(".unfold").click()
    assert card.locator("dd").nth(2).inner_text() == "–"
    assert "1 problem" in page.inner_text("#drawn .bar")
    assert 'feed.subscribe("NIFTY")' in page.inner_text("#drawn .quotes")


def test_numbers_are_grouped_the_indian_way(page: Any) -> None:
    page.wait_for_selector(".card.is-live")
    state = state_of(page)
    state |= quote_state(
        [{"symbol": "X", "exchange": "NSE", "ltp": 1234567.5, "change_percent": -0.5, "volume": 0}]
    )
    draw(page, state)
    cells = page.locator("#drawn .quotes tbody tr:has(th)").first.locator("td")
    assert cells.nth(0).inner_text() == "12,34,567.50"
    assert cells.nth(1).inner_text() == "−0.50"
    assert cells.nth(4).inner_text() == "0", "a zero was received"


def test_an_unread_order_book_is_unknown_and_not_empty(page: Any) -> None:
    page.wait_for_selector(".card.is-live")
    state = state_of(page)
    unknown = [{"broker_name": "broker2", "why": "it is parked: log in"}]
    state |= quote_state([], no_source=unknown)
    state["orders"] = order_state([], {"broker1": 0, "broker2": 0}, unread=unknown)
    draw(page, state)
    orders = page.inner_text("#drawn .orders")
    assert "Unknown for broker2: it is parked: log in" in orders
    assert "No order today" not in orders
    quotes = page.inner_text("#drawn .quotes")
    assert "No broker carries quotes." in quotes
    assert "Nothing is subscribed" not in quotes
    page.click("#drawn .orders .choices button:has-text('broker1')")
    assert "No order today" in page.inner_text("#drawn .orders")


def test_what_went_wrong_is_listed_and_an_empty_list_teaches(page: Any) -> None:
    page.wait_for_selector(".card.is-live")
    state = state_of(page)
    empty = {"rows": [], "count": 0}
    draw(page, state | {"incidents": empty, "failovers": empty})
    assert "Nothing went wrong yet" in page.inner_text("#drawn .incidents")
    assert "another takes over by itself" in page.inner_text("#drawn .failovers")
    state["incidents"] = {"rows": [incident_row(broker_name=None), incident_row(2)], "count": 70}
    uncovered = failover_row(2, uncovered_names=["NSE:A"], uncovered=3)
    state["failovers"] = {
        "rows": [uncovered, failover_row(planned=True, gap_p50=None, gap_p99=None, gap_max=None)],
        "count": 2,
    }
    state["brokers"][1] |= {"failover": "took over from broker1 12:00:00", "market": "market closed"}
    draw(page, state)
    incidents = page.inner_text("#drawn .incidents")
    assert "newest 2 of 70" in incidents
    assert "2 Mar 12:00:00\tall\treset\nreconnecting" in incidents, "of another day, so the day is said"
    first, second = page.locator("#drawn .failovers tbody tr").all_inner_texts()
    assert "broker1 → broker2\nbroker1 was reset\nnot covered by broker2: NSE:A and 2 more" in first
    assert "0.020 s" in first
    assert "0.180 s" in first
    assert second.split("\t")[2:] == ["planned", "–", "–", "–"]
    page.click("#drawn .card >> nth=1 >> .unfold")
    card = page.locator("#drawn .card >> nth=1").inner_text()
    assert "took over from broker1 12:00:00" in card
    assert "market closed" in card


@pytest.mark.parametrize("part", ["monitor", *PARTS])
def test_every_part_by_itself_says_whether_it_is_simulated(page: Any, part: str) -> None:
    page.wait_for_selector(".card.is-live")
    counts = {"counts": {"instruments": 1, "orders": {}}}
    state = state_of(page) | {"chain": chain_of_one_strike()} | counts
    for row in state["brokers"]:
        row["simulated"] = False
    draw(page, state, part)
    badges = page.locator("#drawn .mode.simulated:visible")
    assert set(badges.all_inner_texts()) == {"SIMULATED"}
    assert badges.count() == (2 if part == "logs" else 1), "said once, at the top of each panel"
    draw_again(page, state | {"mode": "LIVE"})
    assert page.locator("#drawn .mode.simulated:visible").count() == 0


def test_a_slow_client_and_what_it_missed_are_told(page: Any) -> None:
    page.wait_for_selector(".card.is-live")
    clients = {"attached": 2, "expected_back": 1, "dropped_ticks": 1234, "closes": {"it read too slowly": 2}}
    draw(page, {**state_of(page), "clients": clients})
    words = page.inner_text("#drawn .attached .head")
    assert "2 clients · 1 expected back after a lost link · 1,234 ticks skipped" in words
    assert "closed 2 times: it read too slowly" in words


def test_an_ended_view_asks_and_draws_no_more(page: Any) -> None:
    page.wait_for_selector(".card.is-live")
    draw(page, state_of(page))
    page.evaluate("window.endDrawn()")
    assert page.locator("#drawn *").count() == 0
    draw_again(page, state_of(page))
    assert page.locator("#drawn *").count() == 0


def test_an_instrument_is_found_added_and_let_go(page: Any) -> None:
    page.wait_for_selector(".quotes tbody tr:has-text('RELIANCE-EQ')")
    page.fill(".search input", "sbin")
    page.wait_for_selector(".found li:has-text('SBIN')")
    assert page.get_attribute(".search input", "aria-expanded") == "true"
    page.keyboard.press("Enter")
    page.wait_for_selector(".said:has-text('SBIN-EQ is subscribed.')")
    page.wait_for_selector(".quotes tbody tr:has-text('SBIN-EQ') td.price:not(:text('–'))")
    box, row = (page.locator(each).bounding_box() for each in (".quotes .scrolls", "tr:has-text('SBIN-EQ')"))
    assert box["y"] <= row["y"] < box["y"] + box["height"], "the new row is in sight"
    page.locator("button[aria-label='let SBIN-EQ go']").click()
    page.wait_for_selector(".quotes tbody tr:has-text('SBIN-EQ')", state="detached")
    assert page.locator(".let-go:visible").count() == 0, "what config.yaml subscribed stays"


def test_typed_and_entered_at_once_the_first_that_fits_is_added(page: Any) -> None:
    page.wait_for_selector(".quotes tbody tr:has-text('RELIANCE-EQ')")
    page.locator("body").press("/")
    page.keyboard.type("infy")
    page.keyboard.press("Enter")
    page.wait_for_selector(".said:has-text('INFY-EQ is subscribed')")
    page.fill(".search input", "nifty ce")
    first = page.locator(".found li").first
    first.wait_for()
    assert "NIFTY" in first.locator(".title").inner_text()
    assert "lot" in first.inner_text()
    page.fill(".search input", "no such thing")
    page.wait_for_selector(".said:has-text('Nothing on')")
    assert "NFO" in page.inner_text(".said")


def test_a_table_is_one_stop_of_the_tab_key_and_arrows_go_inside(page: Any) -> None:
    page.wait_for_selector(".orders tbody tr.order")
    assert page.locator(".scrolls :is(button, th, td):not([tabindex='-1'])[tabindex]").count() == 0
    assert page.locator(".scrolls button:not([tabindex='-1'])").count() == 0
    page.focus(".quotes .scrolls")
    focused = "document.activeElement.innerText"
    for key, words in (("ArrowDown", "NIFTY INDEX"), ("ArrowDown", "NIFTY BANK"), ("ArrowUp", "NIFTY INDEX")):
        page.keyboard.press(key)
        assert page.evaluate(focused).startswith(words)
    page.keyboard.press("ArrowUp")
    assert page.evaluate(focused) == "Symbol"
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    assert page.get_attribute(".quotes th:has(button:text('LTP'))", "aria-sort") == "descending"
    page.focus(".orders .scrolls")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    assert page.locator(".orders .opens[aria-expanded='true']").count() == 1
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('.orders') === null")


LONG_PROBLEM = "the broker closed the socket with code 1000, as it does when another program takes this login"


@pytest.mark.parametrize("width", [360, 390, 900, 1180, 1280, 1440, 1920])
def test_no_column_hides_behind_a_sideways_scroll(page: Any, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.wait_for_selector(".orders tbody tr")
    state = state_of(page)
    # Rows of known width: what the simulated traders happen to do must not decide.
    symbol = {"symbol": "NIFTY29DEC26C26000", "exchange": "NFO"}
    state |= quote_state(
        [
            symbol
            | {
                "ltp": 12345.6,
                "change_percent": -1112.35,
                "bid": 12345.6,
                "ask": 12346.1,
                "volume": 123456789,
            }
        ]
    )
    order = symbol | {
        "filled_quantity": 12345, "quantity": 123450, "average_price": 123456.75, "status": "TRIGGER_PENDING",
        "order_time": "2026-03-02T12:00:00.000+05:30", "order_id": "1", "trading_day": "2026-03-02",
    }  # fmt: skip
    state["orders"] = order_state([order], {"broker1": 1})
    evicted = {"severity": "degraded", "state_words": "polling · degraded", "problems": [LONG_PROBLEM]}
    state["brokers"] = [{**row, **evicted, "offers": ["reconnect"]} for row in state["brokers"]]
    long_words = "NFO:NIFTY29DEC26C26000, NFO:NIFTY29DEC26P26000 " * 3
    state["incidents"] = {"rows": [incident_row(cause=long_words, action=long_words)], "count": 1}
    state["failovers"] = {"rows": [failover_row(why=long_words)], "count": 1}
    draw(page, state)
    widths = page.evaluate(
        "[...document.querySelectorAll('#drawn .scrolls')].map((box) => [box.scrollWidth, box.clientWidth])"
    )
    assert all(needed <= given for needed, given in widths), widths
    for card in page.locator("#drawn .card").all():
        needed, given = card.evaluate("(node) => [node.scrollWidth, node.clientWidth]")
        assert needed <= given, "a card spills over"
    symbol_cut = "(node) => [node.scrollWidth, node.clientWidth]"
    needed, given = page.eval_on_selector("#drawn .quotes tbody th.symbol", symbol_cut)
    assert needed <= given, "the symbol is cut"
    for cell in page.locator("#drawn .quotes tbody td:visible").all():
        needed, given = cell.evaluate(symbol_cut)
        assert needed <= given, f"{cell.inner_text()!r} is cut, in {cell.get_attribute('class')}"
    heights = page.eval_on_selector("#drawn .orders .name", "(node) => node.getClientRects().length")
    assert heights == 1, "a symbol breaks in the middle"
    if width > 480:
        assert page.is_visible("#drawn .quotes tbody td.quantity"), "volume and open interest are there"
        assert page.inner_text("#drawn .quotes tbody td.quantity >> nth=0") == "12.3 Cr"
        assert page.get_attribute("#drawn .quotes tbody td.quantity >> nth=0", "title") == "12,34,56,789"


def test_it_fits_a_phone(page: Any) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    page.wait_for_selector(".orders tbody tr")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_on_a_phone_the_first_price_is_on_the_first_screen(page: Any) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    price = page.locator(".quotes tbody tr:has-text('RELIANCE-EQ') td.price:not(:text('–'))").first
    price.wait_for()
    page.wait_for_selector(".desk .sums li:visible")
    assert price.bounding_box()["y"] < 500
    order = ["bar", "cards", "quotes", "orders", "incidents"]
    tops = [page.locator(f"#dashboard .{name}").first.bounding_box()["y"] for name in order]
    assert tops == sorted(tops)


def test_a_broker_s_buttons_ask_the_service_and_a_standby_takes_the_quotes(page: Any) -> None:
    page.wait_for_selector(".card.is-live >> nth=1")
    for broker in ("broker2", "broker1"):
        page.wait_for_selector(".card.sev-ok >> nth=1")
        card = page.locator(f".card[aria-label='{broker}']")
        if card.locator(".unfold").get_attribute("aria-expanded") == "false":
            card.locator(".unfold").click()
        card.locator("button:has-text('Move quotes here')").click()
        page.wait_for_selector(f".source:text-is('Price/Quote updates: {broker} only')")


def test_the_tab_tells_of_trouble(browser: Any) -> None:
    page = browser.new_page()
    page.set_default_timeout(TIMEOUT_MS)
    with serving() as running:
        page.goto(running.address)
        page.wait_for_selector(".card.is-live")
        # Not wait_for_function: looking a second time it evaluates text, which the page's policy forbids.
        wait_until(lambda: page.title() == "dualbroker")
    wait_until(lambda: page.title() == "▲ no connection · dualbroker")
    page.close()


def test_docs_open_without_another_site(page: Any, service: Serving) -> None:
    page.goto(f"{service.address}/docs")
    page.wait_for_selector("[id*='broker_details']")


def test_it_says_when_the_service_is_gone_and_comes_back_by_itself(browser: Any) -> None:
    page = browser.new_page()
    page.set_default_timeout(TIMEOUT_MS)
    with serving() as first:
        page.goto(first.address)
        page.wait_for_selector(".card.is-live")
        port = urlsplit(first.address).port
    page.wait_for_selector(".notice:has-text('Connection to dualbroker lost')")
    assert page.locator(".dualbroker.is-old").count() == 1
    with serving("--port", str(port)):
        page.wait_for_selector(".notice", state="hidden")
        page.wait_for_selector(".card.is-live")
    page.close()
