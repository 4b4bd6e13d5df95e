from __future__ import annotations

from dualbroker.chaos.schedule import Blow, Event, Fault, Schedule
from dualbroker.chaos.weather import Weather


def weather_of(*events: Event, **settings: dict[str, object]) -> Weather:
    return Weather(
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
    weather = weather_of(fault("broker1", 10, 5, mute=True))
    assert weather.is_well("broker1", 0, 9)
    assert not weather.is_well("broker1", 0, 10)
    assert not weather.is_well("broker1", 12, 13)
    assert weather.is_well("broker1", 16, 99)
    assert weather.is_well("broker2", 0, 99)


def test_a_fault_of_all_is_one_of_each() -> None:
    weather = weather_of(fault("all", 10, 5, rest_hangs=True))
    assert weather.had("broker1", {"rest_hangs"})
    assert weather.had("broker2", {"rest_hangs"}, 14, 20)
    assert not weather.had("broker2", {"rest_hangs"}, 16, 20)
    assert not weather.had("broker2", {"mute"})


def test_no_fault_lasts_beyond_the_end() -> None:
    assert weather_of(fault("broker1", 50, 100, mute=True)).is_well("broker1", 60.5, 61)


def test_times_without_a_book_are_joined() -> None:
    weather = weather_of(
        fault("broker1", 10, 5, rest_hangs=True),
        fault("broker1", 14, 6, no_data=True),
        fault("broker1", 30, 5, mute=True),
        fault("broker1", 40, 2, rest_html_502=True),
    )
    assert weather.spans("broker1", ("rest_hangs", "no_data", "rest_html_502")) == [(10, 20), (40, 42)]


def test_who_can_stream_is_known_from_the_schedule_alone() -> None:
    evicted = Blow(at_s=20.0, broker="broker1", action="evict")
    weather = weather_of(evicted, broker2={"orders": "poll"})
    assert weather.can_stream("broker1", 19)
    assert not weather.can_stream("broker1", 20)
    assert not weather.can_stream("broker2", 0)
    assert weather.is_well_but_for("broker1", {"evict"}, 0, 60)
    assert weather_of(broker1={"password": "wrong"}).is_barred("broker1")
