from __future__ import annotations

import msgspec
from pydantic import SecretStr

from dualbroker.brokers.noren.section import SimulatedSection
from dualbroker.measure.figures import Plan
from dualbroker.measure.job import Job
from tests.sections import noren

SECTIONS = [
    SimulatedSection(name=f"broker{number}", type="simulated", user_id="FA0001", password=SecretStr("secret"))
    for number in (1, 2, 3)
]


def test_the_naive_plan_has_a_client_for_each_broker() -> None:
    configs = Job.of(Plan.NAIVE, SECTIONS, []).configs()
    assert [list(config.brokers) for config in configs] == [["broker1"], ["broker2"], ["broker3"]]


def test_the_optimised_plan_has_one_client_whose_first_broker_is_the_primary() -> None:
    (config,) = Job.of(Plan.OPTIMISED, SECTIONS, []).configs()
    assert list(config.brokers) == ["broker1", "broker2", "broker3"]


def test_a_job_survives_the_way_to_its_worker() -> None:
    job = Job.of(Plan.NAIVE, SECTIONS, [])
    received = msgspec.json.decode(msgspec.json.encode(job), type=Job)
    password = noren(received.configs()[0].brokers["broker1"]).password
    assert password is not None
    assert password.get_secret_value() == "secret"
