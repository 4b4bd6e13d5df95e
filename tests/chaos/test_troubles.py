from __future__ import annotations

from dualbroker.chaos.schedule import Event, Fault, OneOff, Schedule
from dualbroker.chaos.troubles import Troubles


def troubles_of(*events: Event, **settings: dict[str, object]) -> Troubles:
    return Troubles(
        Schedule(
            seed=1,
            start="2026-03-10T10:00:00",
            moment="session",
            brokers=2,
            faults_end_s=60.0,
            events=events,
            settings={},
            broker_settings=settings,
        )
    )


def fault(broker: str, at_s: float, lasts_s: float, **switches: object) -> Fault:
    return Fault(at_s=at_s, lasts_s=lasts_s, broker=broker, switches=switches)


def test_a_broker_is_well_outside_its_faults() -> None:
    troubles = troubles_of(fault("broker1", 10, 5, mute=True))
    assert troubles.is_well("broker1", 0, 9)
    assert not troubles.is_well("broker1", 0, 10)
    assert not troubles.is_well("broker1", 12, 13)
    assert troubles.is_well("broker1", 16, 99)
    assert troubles.is_well("broker2", 0, 99)


def test_a_fault_of_all_is_one_of_each() -> None:
    troubles = troubles_of(fault("all", 10, 5, rest_hangs=True))
    assert troubles.had("broker1", {"rest_hangs"})
    assert troubles.had("broker2", {"rest_hangs"}, 14, 20)
    assert not troubles.had("broker2", {"rest_hangs"}, 16, 20)
    assert not troubles.had("broker2", {"mute"})


def test_no_fault_lasts_beyond_the_end() -> None:
    assert troubles_of(fault("broker1", 50, 100, mute=True)).is_well("broker1", 60.5, 61)


def test_times_without_a_book_are_joined() -> None:
    troubles = troubles_of(
        fault("broker1", 10, 5, rest_hangs=True),
        fault("broker1", 14, 6, no_data=True),
        fault("broker1", 30, 5, mute=True),
        fault("broker1", 40, 2, rest_html_502=True),
    )
    assert troubles.spans("broker1", ("rest_hangs", "no_data", "rest_html_502")) == [(10, 20), (40, 42)]


def test_who_can_stream_is_known_from_the_schedule_alone() -> None:
    evicted = OneOff(at_s=20.0, broker="broker1", action="evict")
    troubles = troubles_of(evicted, broker2={"orders": "poll"})
    assert troubles.can_stream("broker1", 19)
    assert not troubles.can_stream("broker1", 20)
    assert not troubles.can_stream("broker2", 0)
    assert troubles.is_well_but_for("broker1", {"evict"}, 0, 60)
    assert troubles_of(broker1={"password": "wrong"}).is_barred("broker1")
