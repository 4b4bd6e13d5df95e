"""The option chain as a person sees it, in a real browser."""

from __future__ import annotations

from typing import Any

import pytest

from dualbroker.notebook.live.chain_view import chain_html
from dualbroker.view.chain import chain_state
from tests.service.drawn import chain_of_one_strike, draw, draw_again, state_of, wide_strike

pytestmark = [pytest.mark.chromium, pytest.mark.slow]


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
        {
            **state_of(page),
            "chain": chain_of_one_strike(strike=wide_strike() | {"put_open_interest_change": 5}),
        }
    )
    for words in ('down">−1,23,45,678<', 'up">+5<', ">1.05<"):
        assert words in wide


def test_the_option_chain_has_calls_left_of_the_strike_and_marks_the_money(page: Any) -> None:
    page.wait_for_selector(".card.is-live")
    chain = chain_state(
        [
            {"strike": 25950.0, "call_ltp": 212.4, "put_ltp": 90.05, "call_open_interest": 1234567.0},
            {"strike": 26000.0, "call_ltp": 180.1, "put_ltp": 110.0, "put_open_interest_change": -2500.0},
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


def test_prices_greeks_and_open_interest_take_turns(page: Any) -> None:
    page.wait_for_selector(".card.is-live")
    state = state_of(page) | {"chain": chain_of_one_strike(strike=wide_strike(), iv=12.4, max_pain=26050.0)}
    draw(page, state, "chain")
    for words in ("IV 12.40 %", "max pain 26,050"):
        assert words in page.inner_text("#drawn .head")

    def heads() -> list[str]:
        return list(page.locator("#drawn thead tr").last.locator("th:visible").all_inner_texts())

    greeks = ["Delta", "Gamma", "Theta", "Vega"]
    assert page.inner_text("#drawn td.call.iv") == "112.45"
    assert not set(greeks) & set(heads())
    page.click("text=Greeks")
    assert heads() == [*reversed(greeks), "IV", "LTP ₹", "Strike", "LTP ₹", "IV", *greeks]
    figures = [page.inner_text(f"#drawn td.put.{name.lower()}") for name in greeks]
    assert figures == ["−0.51", "0.0012", "−1,234.56", "45.67"]
    assert page.locator("#drawn .side-head.call").evaluate("(cell) => cell.colSpan") == 6
    draw_again(page, state | {"chain": chain_of_one_strike(strike=wide_strike() | {"strike": 26050.0})})
    assert page.locator("#drawn td.put.vega").is_visible(), "a strike that comes later is shown likewise"
    assert page.locator("#drawn td.put.bid").is_hidden()
    page.click("button:text-is('Open interest')")
    assert heads()[:4] == ["OI chg", "OI", "Volume", "LTP ₹"]
    share = page.locator("#drawn td.call.open_interest").evaluate(
        "(cell) => cell.style.getPropertyValue('--share')"
    )
    assert share == "100%"
