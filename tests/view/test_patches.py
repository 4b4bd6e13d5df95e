"""Patches: applied to the old value they give the new one, and they are short where little has changed."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from dualbroker.view.patches import applied, patch

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["", "=", "keys", "at", "a"]),
    lambda inner: (
        st.lists(inner, max_size=6) | st.dictionaries(st.sampled_from("=ab") | st.just("at"), inner)
    ),
    max_leaves=20,
)


@given(VALUES, VALUES)
def test_what_is_applied_is_the_new_value(old: Any, new: Any) -> None:
    before = json.dumps(old)
    change = patch(old, new)
    assert (change is None) == (old == new)
    if change is not None:
        sent = json.loads(json.dumps(change))
        assert applied(old, sent) == new
    assert json.dumps(old) == before, "nobody's value is changed"


def test_a_window_that_moves_on_sends_what_came() -> None:
    old = list(range(120))
    assert patch(old, [*old[2:], 7, 8]) == {"shift": [7, 8]}


def test_of_a_table_the_rows_that_changed_are_sent() -> None:
    rows = [[f"order {place}", "OPEN", 0] for place in range(100)]
    filled = [*rows[:40], ["order 40", "COMPLETE", 75], *rows[41:]]
    assert patch(rows, filled) == {"at": {"40": {"=": ["order 40", "COMPLETE", 75]}}}
    assert patch(rows, [["new", "OPEN", 0], *rows]) == {"cut": [0, 0, [["new", "OPEN", 0]]]}
    assert patch({"a": rows, "b": 1}, {"a": rows, "b": 2}) == {"keys": {"b": {"=": 2}}, "gone": []}
