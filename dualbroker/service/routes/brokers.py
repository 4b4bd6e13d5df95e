"""``/api/brokers``: who is connected, and how each is doing."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from dualbroker.service.dependencies import Manager, stamp
from dualbroker.service.models import BrokerDetailsAnswer, BrokersAnswer
from dualbroker.view.cards import card_rows
from dualbroker.view.incidents import failover_rows
from dualbroker.view.market import market_state
from dualbroker.view.rows import age_s, broker_rows, healths
from dualbroker.view.state import FAILOVERS_SHOWN

__all__ = ["router"]

router = APIRouter(prefix="/api/brokers", tags=["brokers"])


@router.get("", response_model=BrokersAnswer)
async def brokers(manager: Manager) -> dict[str, Any]:
    """Every enabled broker with its role and state."""
    return {**stamp(manager), "primary": manager.primary, "brokers": broker_rows(manager)}


@router.get("/details", response_model=BrokerDetailsAnswer)
async def broker_details(manager: Manager) -> dict[str, Any]:
    """Every enabled broker: times, counts, problems. Accounts are masked, and no secret is in it."""
    now_ns = manager.clock.now_ns()
    rows = card_rows(manager, market_state(manager, now_ns), failover_rows(manager, FAILOVERS_SHOWN), now_ns)
    shown = [
        {
            **row,
            "status": health.words,
            "last_quote_age_s": age_s(health.last_quote_ns, now_ns),
            "last_order_age_s": age_s(health.last_order_ns, now_ns),
        }
        for row, health in zip(rows, healths(manager), strict=True)
    ]
    return {**stamp(manager), "primary": manager.primary, "brokers": shown}
