"""The dashboard's parts as plain HTML and text."""

from __future__ import annotations

from html.parser import HTMLParser

from dualbroker.notebook.plain.cards import cards_html
from dualbroker.notebook.plain.drawing import (
    headline_html,
    orders_html,
    quotes_html,
    summary_html,
)
from dualbroker.notebook.plain.pieces import ROWS_SHOWN
from dualbroker.notebook.plain.snapshot import snapshot_html, snapshot_text
from tests.notebook.plain.states import NOW, broker_row, order_row, quote_row, state_of

TWO = [broker_row("broker1", role="quotes and orders"), broker_row("broker2")]


class _Balance(HTMLParser):
    """Collects what was opened and not closed."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        if tag != "br":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_headline_says_mode_and_source() -> None:
    html = headline_html(state_of(TWO))
    assert "SIMULATED" in html
    assert "Price/Quote updates: broker1 only" in html
    assert "nothing saved yet" in html


def test_the_saving_says_how_it_was_obtained() -> None:
    savings = {
        "quote_bytes": 84_000,
        "saved_quote_bytes": 84_000,
        "saved_percent": 50.0,
        "how": "estimated: …",
    }
    html = headline_html(state_of(TWO, traffic={"savings": savings}))
    assert "84 kB of quotes came; 84 kB (50.0 %) did not have to (estimated: …)" in html


def test_a_broker_s_problem_stands_on_its_card_and_not_twice() -> None:
    brokers = [
        broker_row("broker1"),
        broker_row("broker2", state="parked", problems=["parked: wrong password"]),
    ]
    state = state_of(brokers, problems=["broker2: parked: wrong password", "no quote for 20 s"])
    assert "parked: wrong password" in cards_html(state)
    assert "wrong password" not in headline_html(state)
    assert "no quote for 20 s" in headline_html(state)


def test_a_cold_card_tells_what_the_live_one_tells() -> None:
    first, second = (
        broker_row("broker1", role="quotes and orders", acknowledged=27, last_order=NOW),
        broker_row("broker2", latency_ms=None, reconnects=3),
    )
    html = cards_html(state_of([first, second]))
    assert "tick – · order 0.0 s · latency 18.2 ms · reconnects 0" in html
    assert "quotes 9.0 kB/s · orders 0 B/s · control – · subscribed 27 of 29" in html
    assert "tick none, by plan · order – · latency – · reconnects 3" in html


def test_the_cold_monitor_tells_what_flows_now_and_what_the_naive_plan_would_carry() -> None:
    said = "Now 9.0 kB/s, measured; naive plan 15 kB/s, estimated."
    assert said in snapshot_html("monitor", state_of(TWO))
    for part in ("monitor", "bandwidth"):
        assert said in snapshot_text(part, state_of(TWO))


def test_a_state_is_a_word_with_a_colour() -> None:
    html = cards_html(
        state_of([broker_row("broker1"), broker_row("broker2", state_words="reconnecting", severity="down")])
    )
    assert 'class="state is-ok">● live' in html
    assert 'class="state is-down">● reconnecting' in html


def test_every_card_says_simulated_unless_it_is_live() -> None:
    assert cards_html(state_of(TWO)).count("SIMULATED") == 2
    assert "SIMULATED" not in cards_html(state_of([broker_row("broker1", simulated=False)]))


def test_an_unknown_price_is_a_dash_and_a_zero_a_zero() -> None:
    html = quotes_html(state_of(TWO, [quote_row("NIFTY INDEX", ltp=26012.4, bid=0.0)]))
    assert "26,012.40" in html
    assert '<td class="number">0.00</td>' in html
    assert '<td class="number">–</td>' in html


def test_no_instrument_teaches_how_to_ask_for_one() -> None:
    assert "feed.subscribe(&quot;NIFTY&quot;)" in quotes_html(state_of(TWO))


def test_no_source_of_quotes_is_not_taken_for_no_subscription() -> None:
    no_source = [{"broker_name": "broker1", "why": "it is parked: log in"}]
    state = state_of(TWO)
    state["quotes"]["no_source"] = no_source
    html = quotes_html(state)
    assert "No broker carries quotes. broker1: it is parked: log in" in html
    assert "feed.subscribe" not in html


def test_quantities_are_in_lakh_and_crore_with_the_whole_figure_where_it_is_pointed_at() -> None:
    rows = [quote_row("A", volume=123_456_789.0, open_interest=99_999.0), quote_row("B")]
    html = quotes_html(state_of(TWO, quotes=rows))
    assert '<td class="number" title="12,34,56,789">12.3 Cr</td><td class="number">99,999</td>' in html
    assert html.count("title=") == 1


def test_orders_are_shown_of_all_brokers_or_of_one() -> None:
    state = state_of(
        TWO, orders=[order_row("broker1", symbol="TCS-EQ"), order_row("broker2", symbol="INFY-EQ")]
    )
    assert all(symbol in orders_html(state) for symbol in ("TCS-EQ", "INFY-EQ"))
    assert "TCS-EQ" not in orders_html(state, "broker2")


def test_prices_of_orders_have_the_decimals_of_their_instrument() -> None:
    rows = [
        order_row("broker1", price=83.1275, average_price=0.0025, decimals=4),
        order_row("broker1", price=212.4, average_price=212.4333, decimals=2),
        order_row("broker2", price=71.5, average_price=71.1275, decimals=None),
    ]
    html = orders_html(state_of(TWO, orders=rows))
    for words in ("83.1275", "0.0025", "212.40", "212.43", "71.50", "71.1275"):
        assert f'<td class="number">{words}</td>' in html
    assert "Price ₹" in html


def test_an_unread_order_book_never_looks_like_no_orders() -> None:
    unread = state_of(TWO, unread=[{"broker_name": "broker2", "why": "it is parked: log in"}])
    assert "Orders unknown for broker2: it is parked: log in" in orders_html(unread)
    assert "Orders unknown for broker2: it is parked: log in" in snapshot_text("monitor", unread)
    assert "No order at" not in orders_html(unread, "broker2")
    assert "No order at broker1 today" in orders_html(unread, "broker1")


def test_long_tables_are_cut_and_say_so() -> None:
    quotes = [quote_row(f"S{number}") for number in range(ROWS_SHOWN + 1)]
    html = quotes_html(state_of(TWO, quotes))
    assert f"{ROWS_SHOWN} of {ROWS_SHOWN + 1} instruments" in html
    assert html.count("<tr>") == ROWS_SHOWN + 1


def test_what_comes_from_a_broker_is_escaped() -> None:
    evil = "<script>alert(1)</script>"
    brokers = [broker_row("broker1", state=evil, role=evil, problems=[evil])]
    order = order_row("broker1", reject_reason=evil, symbol=evil, side=evil, status=evil)
    state = state_of(brokers, [quote_row(evil, broker_name=evil)], [order], mode=evil, problems=[evil])
    for html in (snapshot_html("monitor", state), summary_html(state)):
        balance = _Balance()
        balance.feed(html)
        assert balance.open == []
        assert "script" not in balance.tags


def test_the_text_says_the_same_in_columns() -> None:
    quotes = [quote_row("NIFTY INDEX", ltp=26012.4), quote_row("TCS-EQ", ltp=3100.0)]
    lines = snapshot_text(
        "monitor", state_of(TWO, quotes, [order_row("broker2", symbol="TCS-EQ")])
    ).splitlines()
    assert lines[0].startswith(
        "dualbroker · SIMULATED · all well · market open · Price/Quote updates: broker1 only"
    )
    first, second = (line for line in lines if line.endswith("broker1"))
    assert first.index("26,012.40") + 1 == second.index("3,100.00")
    assert any("OPEN" in line for line in lines)


def test_the_text_is_whole_before_anything_has_come() -> None:
    assert "broker1" in snapshot_text("monitor", state_of(TWO))
