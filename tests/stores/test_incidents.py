from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dualbroker.stores.incidents import Failover, Incident, IncidentStore, quantile


def test_the_newest_incidents_are_kept_and_the_rest_is_counted() -> None:
    store = IncidentStore(max_incidents=2)
    told: list[Incident] = []
    store.listeners.append(told.append)
    for number in range(5):
        store.note(number, "a", f"cause {number}", "none")
    assert [incident.number for incident in store.incidents_snapshot()] == [4, 5]
    assert store.dropped_incidents == 3
    assert [incident.cause for incident in told] == [f"cause {number}" for number in range(5)]


def test_a_failover_tells_its_gaps_as_they_come() -> None:
    store = IncidentStore(max_failovers=1)
    for number in range(2):
        failover = store.add_failover(
            Failover(
                number=store.failover_count + 1,
                time_ns=number,
                from_broker="a",
                to_broker="b",
                why="closed",
                planned=False,
                detected_after_s=0.1,
                instruments=3,
            )
        )
    assert store.dropped_failovers == 1
    assert failover.gap_quantile(0.5) is None
    failover.gaps_s.update({("NSE", "1"): 0.3, ("NSE", "2"): 0.1, ("NFO", "1"): 0.2})
    assert [failover.gap_quantile(share) for share in (0.0, 0.5, 0.99, 1.0)] == [0.1, 0.2, 0.3, 0.3]
    assert store.failovers_snapshot() == [failover]


@given(st.lists(st.floats(0, 1e6), min_size=1), st.floats(0, 1))
def test_a_quantile_is_the_least_value_that_so_many_do_not_exceed(values: list[float], share: float) -> None:
    found = quantile(values, share)
    assert found in values
    assert sum(value <= found for value in values) >= share * len(values) - 1e-6
    below = [value for value in values if value < found]
    assert not below or len(below) < share * len(values)
