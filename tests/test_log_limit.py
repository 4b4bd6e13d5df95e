from __future__ import annotations

from dualbroker.log_limit import LogLimit


def test_one_line_in_ten_seconds_and_the_next_says_how_many_were_held_back() -> None:
    now_s = 0.0
    limit = LogLimit(10.0, lambda: now_s)
    assert limit.let_through() == ""
    assert [limit.let_through() for _ in range(1200)] == [None] * 1200
    now_s = 10.0
    assert limit.let_through() == " (and 1,200 more like it in between)"
    now_s = 20.0
    assert limit.let_through() == ""
