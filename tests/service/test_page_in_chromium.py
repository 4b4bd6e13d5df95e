"""The page as a person sees it, in a real browser over a real service."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from dualbroker.notebook.chain_view import chain_html
from dualbroker.view.chain import chain_state
from dualbroker.view.histories import STEP_COLUMNS
from dualbroker.view.orders import ORDER_COLUMNS
from dualbroker.view.parts import PARTS
from tests.chromium import open_browser
from tests.cli.serving import Serving, serving
from tests.notebook.states import failover_row, incident_row

pytestmark = pytest.mark.chromium

TIMEOUT_MS = 30_000

DRAW = """async ([state, part, actions]) => {
  const dashboard = (await import("/static/view/dashboard.js")).default;
  const { Model } = await import("/static/model.js");
  const element = document.createElement("main");
  element.id = "drawn";
  document.body.replaceChildren(element);
  const model = new Model();
  model.set("state", state);
  model.set("part", part);
  if (actions) model.set("options", { actions: { problemOf: String } });
  window.drawnModel = model;
  window.endDrawn = dashboard.render({ model, el: element });
  for (let frame = 0; frame < 2; frame += 1) await new Promise(requestAnimationFrame);
}"""


def draw(page: Any, state: dict[str, Any], part: str = "monitor", actions: bool = False) -> None:
    """Draw a state in an otherwise empty page, as ``#drawn``."""
    page.evaluate(DRAW, [state, part, actions])


def draw_again(page: Any, state: dict[str, Any]) -> None:
    """Put another state in the place of the one drawn."""
    page.evaluate(
        """async (state) => {
          window.drawnModel.set("state", state);
          for (let frame = 0; frame < 2; frame += 1) await new Promise(requestAnimationFrame);
        }""",
        state,
    )


def order_state(rows: list[dict[str, Any]], counts: dict[str, int], **changes: Any) -> dict[str, Any]:
    """The key ``orders`` of rows that say only what matters."""
    blank: dict[str, Any] = dict.fromkeys(ORDER_COLUMNS)
    named = [{**blank, "broker_name": "broker1", "final": False, "status": "OPEN", **row} for row in rows]
    table = [[row[name] for name in ORDER_COLUMNS] for row in named]
    return {"columns": list(ORDER_COLUMNS), "rows": table, "counts": counts, "unread": [], **changes}


def quote_state(rows: list[dict[str, Any]], **changes: Any) -> dict[str, Any]:
    """The keys ``instruments`` and ``quotes`` of rows that say only what matters."""
    blank: dict[str, Any] = dict.fromkeys(
        ("received_s", "ltp", "change_percent", "bid", "ask", "volume", "open_interest")
    )
    columns = {name: [{**blank, **row}[name] for row in rows] for name in blank}
    return {
        "instruments": {
            "revision": 7,
            "exchanges": sorted({row["exchange"] for row in rows}),
            "exchange": [sorted({row["exchange"] for row in rows}).index(row["exchange"]) for row in rows],
            "symbol": [row["symbol"] for row in rows],
            "decimals": [row.get("decimals", 2) for row in rows],
            "gone": [],
        },
        "quotes": {
            "revision": 7,
            "count": len(rows),
            "no_source": [],
            "since": "2026-03-02T00:00:00+05:30",
            "brokers": ["broker1"],
            "broker": [0] * len(rows),
            **columns,
            **changes,
        },
    }


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with open_browser() as running:
        yield running


@pytest.fixture(scope="module")
def service() -> Iterator[Serving]:
    with serving() as running:
        running.wait_until_it_works()
        yield running


@pytest.fixture
def page(browser: Any, service: Serving) -> Iterator[Any]:
    """The open page; at the end its console must be clean and nobody else asked for anything."""
    context = browser.new_context()
    page = context.new_page()
    page.set_default_timeout(TIMEOUT_MS)
    complaints: list[str] = []
    asked: set[str] = set()
    page.on("console", lambda message: complaints.append(message.text) if message.type != "log" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: asked.add(urlsplit(request.url).netloc))
    page.goto(service.address)
    yield page
    context.close()
    assert complaints == []
    assert asked == {urlsplit(service.address).netloc}


def state_of(page: Any) -> dict[str, Any]:
    """A whole state, as the service pushes it."""
    state: dict[str, Any] = page.evaluate(
        """() => new Promise((resolve) => {
          const socket = new WebSocket(`ws://${location.host}/ws`);
          socket.onopen = () => socket.send(JSON.stringify({ streams: { view: {} } }));
          socket.onmessage = (event) => {
            const { view } = JSON.parse(event.data);
            if (view) { socket.close(); resolve(view); }
          };
        })"""
    )
    return state


def test_it_shows_brokers_quotes_orders_and_bytes(page: Any) -> None:
    page.wait_for_selector(".card.is-live >> nth=1")
    assert "SIMULATED" in page.inner_text(".bar")
    assert "Price/Quote updates: broker1 only" in page.inner_text(".bar")
    assert page.locator(".card .mode:has-text('SIMULATED')").count() == 2
    page.wait_for_selector(".quotes tbody tr:has-text('RELIANCE-EQ') td.number:not(:text('–'))")
    page.wait_for_selector(".orders tbody tr:has-text('broker1')")
    page.wait_for_selector(".orders tbody tr:has-text('broker2')")
    page.wait_for_function("document.querySelector('.chart.total .naive').getAttribute('d') !== ''")
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
    words = dict.fromkeys(("broker_name", "state", "role", "account", "duty", "market", "failover"), bad)
    state["brokers"][0] |= {**words, "problems": [bad]}
    state |= quote_state([{"symbol": bad, "exchange": bad}])
    state["headline"] = {"quotes": bad, "orders": bad}
    state["incidents"] = {"rows": [incident_row(cause=bad, action=bad, broker_name=bad)], "count": 1}
    state["failovers"] = {"rows": [failover_row(why=bad, to_broker=bad, uncovered=[bad])], "count": 1}
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
    state["problems"] = [f"broker2: {problem}"]
    state |= quote_state([])
    draw(page, state)
    card = page.locator("#drawn .card.is-parked")
    assert problem in card.inner_text()
    assert card.locator("dd").nth(1).inner_text() == "–"
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
    uncovered = failover_row(2, uncovered=["NSE:A"], uncovered_count=3)
    state["failovers"] = {
        "rows": [uncovered, failover_row(planned=True, gap_p50_s=None, gap_p99_s=None, gap_max_s=None)],
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
    card = page.locator("#drawn .card >> nth=1").inner_text()
    assert "took over from broker1 12:00:00" in card
    assert "market closed" in card


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
    first, second = page.locator("#drawn .quotes tbody tr:has(th)").all()
    assert "flash-up" in (first.locator("td").first.get_attribute("class") or "")
    assert "flash" not in (second.locator("td").first.get_attribute("class") or "")
    assert "flash-down" in (first.locator("td").nth(2).get_attribute("class") or ""), "a bid is a price, too"
    assert "flash" not in (first.locator("td").nth(4).get_attribute("class") or ""), "a volume only grows"
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
    blank: dict[str, Any] = {**dict.fromkeys(STEP_COLUMNS), "time": time, "reason": "", "status": "OPEN"}
    steps = [
        {**blank, "what": "at the exchange", "source": "stream", "price": 10.0},
        {**blank, "what": "changed", "source": "reconcile", "price": 11.0},
        {**blank, "what": "filled", "source": "stream", "fill_quantity": 75.0, "fill_price": 10.5},
    ]
    rows = [[step[name] for name in STEP_COLUMNS] for step in steps]
    state["histories"] = {"columns": list(STEP_COLUMNS), "orders": {f"broker1|{day}|7": rows}}
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


def test_a_chain_of_fine_prices_shows_all_their_decimals_and_money_bears_its_sign(page: Any) -> None:
    page.wait_for_selector(".card.is-live")
    chain = chain_of_one_strike(option_decimals=4, decimals=4, sign="₹", ltp=83.1275, straddle=0.0125)
    draw(page, {**state_of(page), "chain": chain}, "chain")
    assert page.inner_text("#drawn td.call.ltp") == "212.4000"
    assert page.inner_text("#drawn .spot").startswith("₹83.1275")
    assert "straddle ₹0.0125" in page.inner_text("#drawn .head")
    html = chain_html({**state_of(page), "chain": chain})
    for words in ("212.4000", "₹83.1275", "straddle ₹0.0125"):
        assert words in html
    wide = chain_html(
        {**state_of(page), "chain": chain_of_one_strike(strike=wide_strike() | {"put_oi_change": 5})}
    )
    for words in ('down">−1,23,45,678<', 'up">+5<', ">1.05<"):
        assert words in wide


def test_the_option_chain_has_calls_left_of_the_strike_and_marks_the_money(page: Any) -> None:
    page.wait_for_selector(".card.is-live")
    chain = chain_state(
        [
            {"strike": 25950.0, "call_ltp": 212.4, "put_ltp": 90.05, "call_open_interest": 1234567.0},
            {"strike": 26000.0, "call_ltp": 180.1, "put_ltp": 110.0, "put_oi_change": -2500.0},
        ],
        underlying="NIFTY",
        expiry=None,
        expiry_words="1 Dec",
        ltp=26012.4,
        change_percent=0.31,
        atm=26000.0,
        straddle=290.1,
        put_call_ratio=0.94,
    )
    draw(page, {**state_of(page), "chain": chain}, "chain")
    assert page.inner_text("#drawn h2") == "NIFTY 1 Dec"
    first, second = page.locator("#drawn tbody tr").all()
    cells = first.locator("td, th").all_inner_texts()
    assert cells.index("12,34,567") < cells.index("212.40") < cells.index("25,950") < cells.index("90.05")
    assert second.get_attribute("class") == "money"
    assert page.locator("#drawn td.in-money").count() > 0
    assert "−2,500" in second.inner_text()
    assert "put-call ratio 0.94" in page.inner_text("#drawn .head")
    assert page.inner_text("#drawn .spot").split() == ["26,012.40", "+0.31", "%"]
    draw(page, {**state_of(page), "chain": {**chain, "ltp": None, "implied_forward": 25960.5}}, "chain")
    assert page.inner_text("#drawn .spot").split() == ["25,960.50", "implied", "by", "calls", "and", "puts"]
    [first, second] = page.locator("#drawn tbody tr").all()
    assert first.locator("td.call.in-money").count() > 0, "the money is where it is implied to be"
    assert second.locator("td.put.in-money").count() > 0


def wide_strike() -> dict[str, Any]:
    """A row with figures as long as they get."""
    side = {"ltp": 12345.65, "change_percent": -120.5, "bid": 12345.6, "ask": 12346.1, "volume": 1234567890,
            "open_interest": 123456789, "oi_change": -12345678}  # fmt: skip
    sides = {f"{name}_{field}": value for name in ("call", "put") for field, value in side.items()}
    return {"strike": 26000.0, "straddle": 24691.3, "put_call_ratio": 1.05, **sides}


def chain_of_one_strike(strike: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    """The key ``chain`` of one strike that says only what matters."""
    row = strike or {"strike": 26000.0, "call_ltp": 212.4, "put_ltp": 90.05}
    known: dict[str, Any] = {
        "underlying": "NIFTY", "expiry": None, "ltp": 26012.4, "change_percent": 0.31, "atm": 26000.0,
        "straddle": 290.1, "put_call_ratio": 0.94,
    }  # fmt: skip
    return chain_state([row], **{**known, **changes})


def test_a_chain_without_a_source_says_why_and_its_old_figures_turn_grey(page: Any) -> None:
    page.wait_for_selector(".card.is-live")
    state = state_of(page) | {"time": "2026-03-02T12:00:00.000+05:30"}
    fresh = chain_of_one_strike(newest="2026-03-02T11:59:59.800+05:30")
    draw(page, state | {"chain": fresh}, "chain")
    assert page.locator("#drawn .panel.is-old").count() == 0
    assert "ago" not in page.inner_text("#drawn .head")
    assert page.is_hidden("#drawn .unknown")
    why = [{"broker_name": "broker1", "why": "it is reconnecting: connection refused"}]
    old = chain_of_one_strike(newest="2026-03-02T11:59:18.000+05:30", no_source=why)
    draw_again(page, state | {"chain": old})
    said = page.inner_text("#drawn .unknown")
    assert said == "No broker carries quotes.\nbroker1: it is reconnecting: connection refused"
    assert "last quote 42 s ago" in page.inner_text("#drawn .head")
    assert page.locator("#drawn .panel.is-old").count() == 1
    colours = page.evaluate(
        """() => ["#drawn td.call.ltp", "#drawn .spot", "#drawn .head .quiet"].map(
          (selector) => getComputedStyle(document.querySelector(selector)).color)"""
    )
    assert len(set(colours)) == 1, "prices are as quiet as what is beside them"
    draw_again(page, state | {"chain": {**old, "no_source": []}})
    assert page.locator("#drawn .panel.is-old").count() == 0, "strikes may rest for a while"
    draw_again(page, state | {"chain": {**old, "no_source": [], "newest": "2026-03-02T11:50:00+05:30"}})
    assert page.locator("#drawn .panel.is-old").count() == 1


@pytest.mark.parametrize("width", [800, 960])
def test_a_chain_has_all_its_columns_around_the_strike_that_stays(page: Any, width: int) -> None:
    page.wait_for_selector(".card.is-live")
    page.set_viewport_size({"width": width, "height": 800})
    draw(page, {**state_of(page), "chain": chain_of_one_strike(strike=wide_strike())}, "chain")
    heads = page.locator("#drawn .chain-table thead tr").last.locator("th:visible").all_inner_texts()
    assert heads.count("Volume") == heads.count("OI chg") == 2
    assert heads[-1] == "PCR"
    box = page.locator("#drawn .scrolls")
    scrolled = box.evaluate("(box) => [box.scrollLeft, box.scrollWidth - box.clientWidth]")
    assert scrolled[0] == pytest.approx(scrolled[1] / 2, abs=1), "calls and puts are seen alike"
    for left in (0, 10_000):
        box.evaluate("(box, left) => { box.scrollLeft = left; }", left)
        place, edge = page.locator("#drawn tbody .strike").bounding_box(), box.bounding_box()
        assert edge["x"] <= place["x"]
        assert place["x"] + place["width"] <= edge["x"] + edge["width"]
        assert page.evaluate("document.documentElement.scrollWidth") <= width, "it scrolls in its own box"


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
    page.wait_for_selector(".found li:has-text('SBIN-EQ')")
    assert page.get_attribute(".search input", "aria-expanded") == "true"
    page.keyboard.press("Enter")
    page.wait_for_selector(".said:has-text('SBIN-EQ is subscribed.')")
    page.eval_on_selector(".quotes .scrolls", "(box) => { box.scrollTop = box.scrollHeight; }")
    page.wait_for_selector(".quotes tbody tr:has-text('SBIN-EQ') td.price:not(:text('–'))")
    page.locator("button[aria-label='let SBIN-EQ go']").click()
    page.wait_for_selector(".quotes tbody tr:has-text('SBIN-EQ')", state="detached")
    assert page.locator(".let-go:visible").count() == 0, "what config.yaml subscribed stays"


@pytest.mark.parametrize("width", [360, 390, 1200, 1400])
def test_no_column_hides_behind_a_sideways_scroll(page: Any, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.wait_for_selector(".orders tbody tr")
    state = state_of(page)
    # Rows of known width: what the simulated traders happen to do must not decide.
    symbol = {"symbol": "NIFTY29DEC26C26000", "exchange": "NFO"}
    state |= quote_state([symbol | {"ltp": 12345.6, "bid": 12345.6, "ask": 12346.1, "volume": 123456789}])
    order = symbol | {
        "filled_quantity": 12345, "quantity": 123450, "average_price": 123456.75, "status": "TRIGGER_PENDING",
        "order_time": "2026-03-02T12:00:00.000+05:30", "order_id": "1", "trading_day": "2026-03-02",
    }  # fmt: skip
    state["orders"] = order_state([order], {"broker1": 1})
    long_words = "NFO:NIFTY29DEC26C26000, NFO:NIFTY29DEC26P26000 " * 3
    state["incidents"] = {"rows": [incident_row(cause=long_words, action=long_words)], "count": 1}
    state["failovers"] = {"rows": [failover_row(why=long_words)], "count": 1}
    draw(page, state)
    widths = page.evaluate(
        "[...document.querySelectorAll('#drawn .scrolls')].map((box) => [box.scrollWidth, box.clientWidth])"
    )
    assert all(needed <= given for needed, given in widths), widths
    symbol_cut = "(node) => [node.scrollWidth, node.clientWidth]"
    needed, given = page.eval_on_selector("#drawn .quotes tbody th.symbol", symbol_cut)
    assert needed <= given, "the symbol is cut"


def test_it_fits_a_phone(page: Any) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    page.wait_for_selector(".orders tbody tr")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


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
