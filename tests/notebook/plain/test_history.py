"""Incidents and failovers, as they are read without a kernel."""

from __future__ import annotations

from dualbroker.notebook.plain.cards import cards_html
from dualbroker.notebook.plain.drawing import headline_html
from dualbroker.notebook.plain.history import failovers_html, incidents_html
from dualbroker.notebook.plain.snapshot import snapshot_html, snapshot_text
from tests.notebook.plain.states import broker_row, failover_row, incident_row, state_of

TWO = [broker_row("broker1", duty="quotes and orders"), broker_row("broker2")]


def test_the_empty_lists_teach_what_will_stand_there() -> None:
    state = state_of(TWO)
    assert "Nothing went wrong yet" in incidents_html(state)
    assert "another takes over by itself" in failovers_html(state)


def test_an_incident_says_when_where_why_and_what_was_done() -> None:
    rows = [
        incident_row(2, broker_name=None, cause="all silent", action="taken for a pause"),
        incident_row(time="2026-03-01T15:00:00.000+05:30"),
    ]
    state = state_of(TWO, incidents={"rows": rows, "count": 2})
    html = incidents_html(state)
    assert '<td>12:00:00</td><td>all</td><td class="words">all silent; taken for a pause</td>' in html
    assert "1 Mar 15:00:00" in html, "of another day"
    assert "Newest incident: 12:00:00 all: all silent; taken for a pause" in headline_html(state)
    assert "taken for a pause" in snapshot_text("monitor", state)


def test_a_failover_shows_its_gaps_and_a_planned_one_that_it_was() -> None:
    uncovered = failover_row(2, moved=2, uncovered_names=["NSE:A"], uncovered=3)
    rows = [uncovered, failover_row(planned=True, detected_after=None, gap_p50=None)]
    state = state_of(TWO, failovers={"rows": rows, "count": 40})
    html = failovers_html(state)
    assert '<td class="number">0.020 s</td><td class="number">0.100 s</td>' in html
    assert "broker1 was reset; not covered by broker2: NSE:A and 2 more</td>" in html
    assert '<td class="number">planned</td><td class="number">–</td>' in html
    assert "2 of 40 failovers; all of them: <code>feed.failovers</code>" in html
    assert "not covered by broker2: NSE:A and 2 more" in snapshot_text("monitor", state)


def test_a_card_tells_its_duty_its_market_and_its_failover() -> None:
    broker = broker_row(
        "broker2",
        duty="quotes and orders",
        market="market closed, last 15:29:59",
        failover="took over from broker1 14:02:11, gap at most 0.180 s",
    )
    html = cards_html(state_of([broker]))
    for words in ("quotes and orders", "market closed, last 15:29:59", "took over from broker1 14:02:11"):
        assert words in html


def test_the_snapshot_holds_both_lists() -> None:
    state = state_of(
        TWO,
        incidents={"rows": [incident_row(cause="<b>reset")], "count": 1},
        failovers={"rows": [failover_row(why="<i>reset")], "count": 1},
    )
    html = snapshot_html("monitor", state)
    assert "&lt;b&gt;reset" in html
    assert "&lt;i&gt;reset" in html
