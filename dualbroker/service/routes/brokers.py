"""``/api/brokers``: who is connected, and how each is doing."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path

from dualbroker.frames import frames
from dualbroker.manager import WebSocketManager
from dualbroker.service.broker_models import BrokerAnswer, BrokerDetailsAnswer, BrokerRequest, BrokersAnswer
from dualbroker.service.dependencies import Manager, require_broker, stamp
from dualbroker.service.errors import answers
from dualbroker.service.tables import Form, table_answers, table_response
from dualbroker.view.cards import card_rows
from dualbroker.view.incidents import failover_rows
from dualbroker.view.market import market_state
from dualbroker.view.parts import FAILOVERS_SHOWN
from dualbroker.view.rows import age_s, broker_rows, healths

__all__ = ["router"]

router = APIRouter(prefix="/api/brokers", tags=["brokers"])


@router.get("", response_model=BrokersAnswer, responses=answers())
async def brokers(manager: Manager) -> dict[str, Any]:
    """Every enabled broker with its role and state."""
    return {**stamp(manager), "primary": manager.primary, "brokers": broker_rows(manager)}


@router.get("/details", response_model=BrokerDetailsAnswer, responses=table_answers())
async def broker_details(manager: Manager, form: Form) -> Any:
    """Every enabled broker: times, counts, problem. Accounts are masked, and no secret is in it."""
    return await table_response(
        manager,
        form,
        "brokers",
        lambda: frames.brokers_frame(manager.health, manager.bandwidth),
        primary=manager.primary,
    )


@router.get("/{name}", response_model=BrokerAnswer, responses=answers(404))
async def broker(
    manager: Manager, name: Annotated[str, Path(max_length=64, examples=["broker1"])]
) -> dict[str, Any]:
    """One broker in full: times, counts, problems, and in words what it does for the feed."""
    require_broker(manager, name)
    (row,) = [row for row in _details(manager) if row["broker_name"] == name]
    return {**stamp(manager), "primary": manager.primary, "broker": row}


@router.post("/reconnect", response_model=BrokersAnswer, responses=answers(404, 413, 415))
async def reconnect(manager: Manager, request: BrokerRequest) -> dict[str, Any]:
    """Give one broker's connection up and open another, also where it is parked or was evicted.

    Answers at once; ``/api/brokers/details`` says what becomes of it.
    """
    require_broker(manager, request.broker)
    await manager.reconnect(request.broker)
    return {**stamp(manager), "primary": manager.primary, "brokers": broker_rows(manager)}


@router.post("/quote-source", response_model=BrokersAnswer, responses=answers(404, 409, 413, 415, 503))
async def quote_source(manager: Manager, request: BrokerRequest) -> dict[str, Any]:
    """Let a broker carry the quotes from now on; ``auto`` leaves the choice to what is measured.

    Answers when they have moved; ``/api/failovers`` says what that cost.
    """
    await manager.set_quote_source(request.broker)
    return {**stamp(manager), "primary": manager.primary, "brokers": broker_rows(manager)}


def _details(manager: WebSocketManager) -> list[dict[str, Any]]:
    now_ns = manager.clock.now_ns()
    rows = card_rows(manager, market_state(manager, now_ns), failover_rows(manager, FAILOVERS_SHOWN), now_ns)
    return [
        {
            **row,
            "status": health.words,
            "last_quote_age_s": age_s(health.last_quote_ns, now_ns),
            "last_order_age_s": age_s(health.last_order_ns, now_ns),
        }
        for row, health in zip(rows, healths(manager), strict=True)
    ]
