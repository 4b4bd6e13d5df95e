"""What Prometheus is told."""

from __future__ import annotations

from typing import Any

import prometheus_client
from prometheus_client import parser
from prometheus_client.openmetrics import parser as openmetrics

from dualbroker.stores.health import BrokerState
from dualbroker.stores.incidents import Failover
from tests.service.world import Served, served
from tests.simulated import World, eventually, run_world

Figures = dict[tuple[str, str], float]


async def figures(service: Served) -> Figures:
    answer = await service.client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    found: Figures = {}
    for family in parser.text_string_to_metric_families(answer.text):
        assert family.documentation
        for sample in family.samples:
            labels = ",".join(value for _, value in sorted(sample.labels.items()))
            assert (sample.name, labels) not in found, "twice"
            found[sample.name, labels] = sample.value
    return found


def test_brokers_traffic_stores_and_clients_are_told_and_unknown_is_left_out() -> None:
    async def story(world: World) -> None:
        async with served(world) as service:
            assert (await figures(service))["dualbroker_healthy", ""] == 0
            await service.wait_until_it_works()
            manager = service.manager
            await eventually(lambda: bool(manager.bandwidth.rates()))
            await eventually(lambda: manager.reconcilers["broker1"].reads > 0)
            told = await figures(service)
            assert told["dualbroker_healthy", ""] == 1
            assert told["dualbroker_broker_state", "broker1,live"] == 1
            assert told["dualbroker_broker_state", "broker1,parked"] == 0
            assert told["dualbroker_broker_role", "broker2,orders only"] == 1
            assert told["dualbroker_received_bytes_total", "broker1,quotes"] > 0
            assert told["dualbroker_received_messages_total", "broker2,quotes"] == 0
            assert 0 <= told["dualbroker_last_tick_age_seconds", "broker1"] < 60
            assert ("dualbroker_last_tick_age_seconds", "broker2") not in told
            assert told["dualbroker_reconciles_total", "broker1,read"] > 0
            assert told["dualbroker_reconciles_total", "broker1,failed"] == 0
            assert told["dualbroker_clients", ""] == 0
            assert told["dualbroker_instruments", ""] == 1
            assert told["dualbroker_ticks_total", ""] == manager.quotes.tick_count

    run_world(story, subscribe=["NSE:RELIANCE-EQ"])


def test_gaps_are_added_up_once_and_stay_when_the_store_forgets() -> None:
    async def story(world: World) -> None:
        async with served(world) as service:
            await service.wait_until_it_works()
            store = service.manager.incidents
            failover = store.add_failover(
                Failover(
                    number=store.failover_count + 1,
                    time_ns=world.clock.now_ns(),
                    from_broker="broker1",
                    to_broker="broker2",
                    why="broker1 was reset",
                    planned=False,
                    detected_after_s=0.02,
                    instruments=3,
                )
            )
            failover.gaps_s.update({("NSE", "1"): 0.04, ("NSE", "2"): 0.3, ("NSE", "3"): 100.0})
            name = "dualbroker_failover_gap_seconds"
            assert (await figures(service))[f"{name}_count", ""] == 0, "not finished"
            failover.finished = True
            for _ in range(2):
                told = await figures(service)
                assert told[f"{name}_count", ""] == 3
                assert told[f"{name}_sum", ""] == 100.34
                assert told[f"{name}_bucket", "0.05"] == 1
                assert told[f"{name}_bucket", "0.5"] == 2
                assert told[f"{name}_bucket", "60.0"] == 2
                assert told[f"{name}_bucket", "+Inf"] == 3
                assert told["dualbroker_failovers_total", ""] == 1
                store.failovers.clear()

    run_world(story)


def test_openmetrics_where_it_is_asked_for_and_nothing_in_the_global_registry() -> None:
    async def story(world: World) -> None:
        async with served(world) as service:
            await eventually(lambda: "broker2" in service.manager.health)
            await eventually(lambda: service.manager.health["broker2"].state is BrokerState.PARKED)
            accept = {"accept": "application/openmetrics-text;version=1.0.0"}
            answer = await service.client.get("/metrics", headers=accept)
            assert answer.headers["content-type"].startswith("application/openmetrics-text")
            families: Any = openmetrics.text_string_to_metric_families
            names = [family.name for family in families(answer.text)]
            assert "dualbroker_broker_state" in names
            ours = prometheus_client.generate_latest(prometheus_client.REGISTRY).decode()
            assert "dualbroker" not in ours

    run_world(story, changes={"broker2": {"password": "not the password"}})
