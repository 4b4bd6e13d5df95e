"""What the API answers, on simulated brokers in virtual time."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from dualbroker.stores.health import BrokerState
from dualbroker.stores.incidents import Failover
from tests.sections import noren
from tests.service.world import served
from tests.simulated import World, eventually, run_world

SUBSCRIBE = ["NIFTY", "NSE:RELIANCE-EQ"]


def test_it_answers_while_brokers_are_still_connecting_and_health_says_so() -> None:
    async def story(world: World) -> None:
        world.transport.delays_s.update(broker1=2.0, broker2=5.0)
        async with served(world) as service:
            brokers = await service.get("/api/brokers")
            assert brokers["mode"] == "SIMULATED"
            assert [broker["state"] for broker in brokers["brokers"]] == ["connecting", "connecting"]
            health = await service.client.get("/health")
            assert health.status_code == 503
            assert health.json()["problems"] == ["broker1: connecting", "broker2: connecting"]
            await service.wait_until_it_works()
            assert (await service.get("/health")) | {"as_of": None} == {
                "mode": "SIMULATED",
                "as_of": None,
                "ok": True,
                "problems": [],
            }

    run_world(story, subscribe=SUBSCRIBE)


def test_details_tell_roles_and_traffic_and_no_secret() -> None:
    async def story(world: World) -> None:
        async with served(world) as service:
            await service.wait_until_it_works()
            manager = service.manager
            await eventually(lambda: all(health.last_order_ns for health in manager.health.values()))
            await eventually(lambda: bool(manager.bandwidth.rates()))
            answer = await service.client.get("/api/brokers/details")
            first, second = answer.json()["brokers"]
            assert (first["broker_name"], first["role"]) == ("broker1", "quotes and orders")
            assert (second["broker_name"], second["role"]) == ("broker2", "orders only")
            assert first["state"] == "live"
            assert first["subscriptions"] == first["acknowledged"] == 2
            assert first["quote_messages"] > 0
            assert second["quote_messages"] == second["quote_bytes"] == 0
            assert second["order_messages"] > 0
            assert second["last_quote"] is None
            in_full = await service.client.get("/api/brokers/broker2")
            assert in_full.json()["broker"]["last_quote_age_s"] is None, "unknown is null, not 0"
            answer = await service.client.get("/api/brokers/broker1")
            assert 0 <= answer.json()["broker"]["last_quote_age_s"] < 60
            for section in map(noren, world.config.enabled_brokers):
                assert section.user_id is not None
                assert section.user_id not in answer.text
                for secret in (section.password, section.totp_secret, section.api_key):
                    assert secret is not None
                    assert secret.get_secret_value() not in answer.text

    run_world(story, subscribe=SUBSCRIBE)


def test_quotes_come_from_the_primary_and_unknown_is_null() -> None:
    async def story(world: World) -> None:
        async with served(world) as service:
            await service.wait_until_it_works()
            answer = await service.get("/api/quotes")
            index, share = answer["quotes"]
            assert index["ltp"] > 0
            assert index["bid"] is None
            assert index["volume"] is None
            assert share["symbol"] == "RELIANCE-EQ"
            assert share["bid"] <= share["ask"]
            assert {index["broker_name"], share["broker_name"]} == {"broker1"}
            moment = datetime.fromisoformat(share["receive_time"])
            assert moment.utcoffset() == timedelta(hours=5, minutes=30)

    run_world(story, subscribe=SUBSCRIBE)


def test_orders_of_all_brokers_are_tagged_and_can_be_narrowed() -> None:
    async def story(world: World) -> None:
        async with served(world) as service:
            await service.wait_until_it_works()
            manager = service.manager
            await eventually(lambda: {key[0] for key in manager.orders.states} == {"broker1", "broker2"})
            rows = (await service.get("/api/orders"))["orders"]
            assert {row["broker_name"] for row in rows} == {"broker1", "broker2"}
            assert [row["order_time"] for row in rows] == sorted(
                (row["order_time"] for row in rows), reverse=True
            )
            only = (await service.get("/api/orders?broker=broker2"))["orders"]
            assert {row["broker_name"] for row in only} == {"broker2"}
            unknown = await service.client.get("/api/orders?broker=broker9")
            assert unknown.status_code == 404
            assert unknown.json()["error"] == {
                "type": "NotFound",
                "message": "broker: expected one of broker1, broker2, found 'broker9'",
                "matches": [],
            }

    run_world(story)


def test_bandwidth_is_measured_and_the_naive_plan_is_named_an_estimate() -> None:
    async def story(world: World) -> None:
        async with served(world) as service:
            assert (await service.get("/api/traffic"))["bytes_per_second"]["broker1"]["quotes"] is None
            await service.wait_until_it_works()
            await eventually(lambda: bool(service.manager.bandwidth.rates()))
            answer = await service.get("/api/traffic")
            carried = answer["totals"]["broker1"]["quotes"]["bytes"]
            assert carried > 0
            assert answer["totals"]["broker2"]["quotes"] == {"bytes": 0, "messages": 0}
            estimate = answer["estimate"]
            assert estimate["how"].startswith("estimated")
            assert estimate["naive_quote_bytes"] == 3 * carried
            assert estimate["saved_percent"] == 100 * 2 / 3

    run_world(story, brokers=3, subscribe=SUBSCRIBE)


def test_a_parked_broker_makes_health_503_and_says_what_to_do() -> None:
    async def story(world: World) -> None:
        async with served(world) as service:
            await eventually(lambda: "broker2" in service.manager.health)
            await eventually(lambda: service.manager.health["broker2"].state is BrokerState.PARKED)
            await eventually(lambda: service.manager.health["broker1"].state is BrokerState.LIVE)
            answer = await service.client.get("/health")
            assert answer.status_code == 503
            (problem,) = answer.json()["problems"]
            assert problem.startswith("broker2: parked: ")

    run_world(story, changes={"broker2": {"password": "not the password"}})


def test_incidents_and_failovers_come_oldest_first_with_what_they_cost() -> None:
    async def story(world: World) -> None:
        async with served(world) as service:
            await service.wait_until_it_works()
            assert (await service.get("/api/failovers"))["failovers"] == []
            store, now_ns = service.manager.incidents, world.clock.now_ns()
            for number in range(2):
                store.note(now_ns, None if number else "broker1", f"cause {number}", "action")
            done = store.add_failover(
                Failover(
                    number=store.failover_count + 1,
                    time_ns=now_ns,
                    from_broker="broker1",
                    to_broker="broker2",
                    why="broker1 was reset",
                    planned=False,
                    detected_after_s=0.02,
                    instruments=2,
                )
            )
            done.gaps_s[("NSE", "2885")] = 0.18
            done.uncovered = ("NSE:NIFTY INDEX",)
            incidents = (await service.get("/api/incidents"))["incidents"]
            assert [row["cause"] for row in incidents] == ["cause 0", "cause 1"]
            assert [row["broker_name"] for row in incidents] == ["broker1", None]
            assert len((await service.get("/api/incidents?limit=1"))["incidents"]) == 1
            answer = await service.get("/api/failovers")
            (row,) = answer["failovers"]
            assert (answer["primary"], answer["dropped"]) == ("broker1", 0)
            assert (row["moved"], row["instruments"], row["gap_max"]) == (1, 2, 0.18)
            assert (row["uncovered"], row["finished"]) == (1, False)
            gaps = (await service.get("/api/gaps?number=1"))["gaps"]
            assert [(gap["gap"], gap["covered"]) for gap in gaps] == [(0.18, True), (None, False)]
            assert (await service.get("/api/gaps?number=2"))["gaps"] == []
            first = (await service.get("/api/brokers/broker1"))["broker"]
            second = (await service.get("/api/brokers/broker2"))["broker"]
            assert first["failover"].startswith("lost the quotes to broker2")
            assert second["duty"] == "orders only · ready to take the quotes over"

    run_world(story, subscribe=SUBSCRIBE)


def test_the_openapi_document_has_examples_and_docs_need_no_other_site() -> None:
    async def story(world: World) -> None:
        async with served(world) as service:
            document: dict[str, Any] = await service.get("/openapi.json")
            assert {"/api/brokers", "/api/quotes", "/api/orders", "/api/bandwidth", "/health"} <= set(
                document["paths"]
            )
            mode = document["components"]["schemas"]["QuotesAnswer"]["properties"]["mode"]
            assert mode["examples"] == ["SIMULATED"]
            page = await service.client.get("/docs")
            assert "https://" not in page.text
            assert (await service.client.get("/static-offline-docs/swagger-ui.css")).status_code == 200

    run_world(story)


def test_the_page_and_its_files_are_served() -> None:
    async def story(world: World) -> None:
        async with served(world) as service:
            page = await service.client.get("/")
            assert page.headers["content-type"].startswith("text/html")
            for path in ("/static/page.js", "/static/view/dashboard.js"):
                script = await service.client.get(path)
                assert script.headers["content-type"].startswith("text/javascript")
                assert "http" not in script.text.replace("http://www.w3.org/2000/svg", "").replace(
                    "https:", ""
                )

    run_world(story)


def test_a_broker_is_reconnected_and_given_the_quotes_by_our_own_pages_only() -> None:
    async def story(world: World) -> None:
        async with served(world) as service:
            await service.wait_until_it_works()
            post = service.client.post
            wish = {"broker": "broker2"}
            for path in ("/api/brokers/quote-source", "/api/brokers/reconnect"):
                evil = await post(path, json=wish, headers={"origin": "http://evil.example"})
                assert evil.status_code == 403
                form = await post(path, data=wish)
                assert form.status_code in (415, 422), "what any page can send without asking"
                assert (await post(path, json={"broker": "nobody"})).status_code == 404
            assert service.manager.primary == "broker1"
            moved = await post("/api/brokers/quote-source", json=wish)
            assert moved.json()["primary"] == "broker2"
            reconnects = service.manager.health["broker1"].reconnects
            answer = await post("/api/brokers/reconnect", json={"broker": "broker1"})
            assert answer.status_code == 200
            await eventually(lambda: service.manager.health["broker1"].reconnects == reconnects + 1)
            await eventually(lambda: service.manager.health["broker1"].state == "live")

    run_world(story, subscribe=["NIFTY"])
