"""Instruments found and held over the API."""

from __future__ import annotations

from typing import Any

from tests.service.world import Served, served
from tests.simulated import World, run_world

SHARE = "NSE:RELIANCE-EQ"


async def held(service: Served) -> dict[str, list[str]]:
    rows = (await service.get("/api/subscriptions"))["subscriptions"]
    return {f"{row['exchange']}:{row['symbol']}": row["holders"] for row in rows}


async def refusal(service: Served, method: str, path: str, **request: Any) -> tuple[int, str, list[str]]:
    answer = await service.client.request(method, path, **request)
    error = answer.json()["error"]
    assert set(error) == {"type", "message", "matches"}
    return answer.status_code, error["type"], error["matches"]


def test_what_is_found_can_be_held_and_let_go_of_and_nobody_elses_is_touched() -> None:
    async def story(world: World) -> None:
        async with served(world) as service:
            await service.wait_until_it_works()
            found = (await service.get("/api/instruments?search=reliance&exchange=nse"))["instruments"]
            assert found[0]["symbol"] == "RELIANCE-EQ"
            assert found[0]["subscribed"] is True, "by the config"
            options = (await service.get("/api/instruments?search=nifty+ce&limit=2"))["instruments"]
            names = [f"{row['exchange']}:{row['symbol']}" for row in options]
            answer = await service.client.post("/api/subscriptions", json={"symbols": [*names, SHARE]})
            assert answer.status_code == 200, answer.text
            accepted = answer.json()["accepted"]
            assert [row["acknowledged"] for row in accepted] == [True, True, True]
            assert {row["quote_source"] for row in accepted} == {"broker1"}
            assert await held(service) == {SHARE: ["config", "rest"], **{name: ["rest"] for name in names}}
            query = "&".join(f"symbol={name}" for name in [*names, SHARE])
            released = await service.client.delete(f"/api/subscriptions?{query}")
            assert released.json()["released"] == [*names, SHARE]
            assert await held(service) == {SHARE: ["config"]}
            again = await service.client.delete(f"/api/subscriptions?symbol={SHARE}")
            assert (again.status_code, again.json()["released"]) == (200, [])
            assert await held(service) == {SHARE: ["config"]}

    run_world(story, subscribe=[SHARE])


def test_what_does_not_exist_is_refused_with_what_comes_closest_and_then_nothing_is_held() -> None:
    async def story(world: World) -> None:
        async with served(world) as service:
            await service.wait_until_it_works()
            body = {"symbols": [SHARE, "NSE:RELIANC"]}
            status, kind, matches = await refusal(service, "POST", "/api/subscriptions", json=body)
            assert (status, kind) == (404, "UnknownInstrumentError")
            assert SHARE in matches
            assert await held(service) == {}
            body = {"symbols": ["NFO:RELIANCE"]}
            status, kind, _ = await refusal(service, "POST", "/api/subscriptions", json=body)
            assert (status, kind) in [(409, "AmbiguousInstrumentError"), (404, "UnknownInstrumentError")]
            status, kind, _ = await refusal(service, "DELETE", "/api/subscriptions?symbol=NSE:TCS-EQ")
            assert (status, kind) == (404, "UnknownInstrumentError")
            bodies: list[dict[str, Any]] = [{}, {"symbols": []}, {"symbols": [""]}, {"symbols": "NIFTY"}]
            for bad in [*bodies, {"symbol": ["NIFTY"]}]:
                status, kind, _ = await refusal(service, "POST", "/api/subscriptions", json=bad)
                assert (status, kind) == (422, "InvalidRequest")
            status, kind, _ = await refusal(service, "GET", "/api/instruments?search=x&exchange=nowhere")
            assert (status, kind) == (422, "InvalidRequest") or kind == "UnknownInstrumentError"
            assert (await refusal(service, "GET", "/api/nothing"))[:2] == (404, "NotFound")
            assert (await refusal(service, "PUT", "/api/quotes"))[:2] == (405, "MethodNotAllowed")

    run_world(story)


def test_without_a_broker_that_carries_quotes_nothing_is_found_and_the_answer_says_why() -> None:
    async def story(world: World) -> None:
        world.transport.delays_s.update(broker1=30.0, broker2=30.0)
        async with served(world) as service:
            status, kind, _ = await refusal(service, "GET", "/api/instruments?search=nifty")
            assert (status, kind) == (503, "ConnectionFailedError")

    run_world(story)
