"""What follows the end of a connection, decided without a loop, a socket or a clock."""

from __future__ import annotations

import itertools
import random

from hypothesis import given
from hypothesis import strategies as st

from dualbroker.brokers.session.outage import FRESH_FOR_S, Retries, Tell

HISTORIES = st.lists(
    st.tuples(st.sampled_from(["lost", "refused", "live"]), st.floats(0.1, 400.0)), max_size=60
)


def test_a_refused_session_is_renewed_at_once_and_a_fresh_one_never() -> None:
    retries = Retries(random.Random(1))
    assert retries.after("dead", is_refusal=True, began_s=0.0, now_s=1.0).pause_s == 0.0
    assert retries.needs_session
    retries.opened(1.0)
    again = retries.after("dead", is_refusal=True, began_s=1.0, now_s=2.0)
    assert again.problem == "a fresh session was refused too: dead"
    assert again.pause_s >= 15.0
    assert not retries.needs_session


def test_an_outage_is_told_once_and_its_refused_session_once_more() -> None:
    retries = Retries(random.Random(1))
    retries.after("lost", is_refusal=False, began_s=0.0, now_s=1.0)
    assert [retries.tell(), retries.tell()] == [Tell.DOWN, None]
    retries.needs_session = True
    retries.opened(1.0)
    retries.after("dead", is_refusal=True, began_s=1.0, now_s=2.0)
    assert [retries.tell(), retries.tell()] == [Tell.NOTE, None]
    retries.live()
    assert retries.tell() is Tell.DOWN


@given(HISTORIES)
def test_whatever_happens_there_is_no_login_right_after_a_login(history: list[tuple[str, float]]) -> None:
    retries = Retries(random.Random(1))
    now_s, logins = 0.0, []
    for what, lasted_s in history:
        if retries.needs_session:
            logins.append((now_s, False))
        retries.opened(now_s)
        began_s, now_s = now_s, now_s + lasted_s
        if what == "live":
            retries.accepted()
            retries.live()
            logins = [(at_s, True) for at_s, _ in logins]
        retry = retries.after(what, is_refusal=what == "refused", began_s=began_s, now_s=now_s)
        assert 0.0 <= retry.pause_s <= 900.0
        assert retry.pause_s > 0.0 or retries.needs_session
        now_s += retry.pause_s
    unproven = [at_s for at_s, was_accepted in logins if not was_accepted]
    assert all(later - earlier >= FRESH_FOR_S for earlier, later in itertools.pairwise(unproven))
