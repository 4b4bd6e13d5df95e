"""``/api/brokers``: who is connected, and how each is doing."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict, Field

from dualbroker import tables
from dualbroker.frames import frames
from dualbroker.manager import WebSocketManager
from dualbroker.service.dependencies import Manager, require_broker, stamp
from dualbroker.service.errors import answers
from dualbroker.service.models import Answer, ByKind, answer_model, row_model
from dualbroker.service.tables import Form, table_answers, table_response
from dualbroker.view.cards import card_rows
from dualbroker.view.incidents import failover_rows
from dualbroker.view.market import market_state
from dualbroker.view.parts import FAILOVERS_SHOWN
from dualbroker.view.rows import age_s, broker_rows, healths

__all__ = ["router"]

router = APIRouter(prefix="/api/brokers", tags=["brokers"])

Primary = Annotated[str | None, Field(description="The broker that carries quotes.", examples=["broker1"])]

BrokerDetailsAnswer = answer_model("BrokerDetailsAnswer", tables.BROKERS, "brokers", primary=Primary)


class Broker(BaseModel):
    """One broker in short."""

    broker_name: Annotated[str, Field(examples=["broker1"])]
    role: Annotated[
        str, Field(description="quotes and orders, orders only, or nothing.", examples=["orders only"])
    ]
    state: Annotated[
        str,
        Field(description="connecting, live, polling, reconnecting, parked or closed.", examples=["live"]),
    ]


class BrokerDetails(row_model("BrokerRow", tables.BROKERS)):  # type: ignore[misc]
    """Everything about one broker that may be shown."""

    status: Annotated[
        str,
        Field(
            description="State and problem in one line.",
            examples=["reconnecting: connection lost; trying again in 0.5 s"],
        ),
    ]
    duty: Annotated[
        str,
        Field(
            description="What it carries, and whether it could take the quotes over.",
            examples=["orders only · ready to take the quotes over"],
        ),
    ]
    market: Annotated[
        str,
        Field(
            description="Why it brings no quotes while the market is closed; else empty.",
            examples=["market closed, last 15:29:59"],
        ),
    ]
    failover: Annotated[
        str,
        Field(
            description="Its part in the last failover; empty when it had none.",
            examples=["took over from broker1 14:02:11, gap at most 0.180 s"],
        ),
    ]
    severity: Annotated[
        Literal["ok", "degraded", "down", "off"],
        Field(description="How bad it is; off is as somebody wants it.", examples=["ok"]),
    ]
    problems: Annotated[list[str], Field(description="What is wrong and what to do.", examples=[[]])]
    last_quote_age_s: Annotated[float | None, Field(description="Seconds.", examples=[0.2])]
    last_order_age_s: Annotated[float | None, Field(description="Seconds.", examples=[12.5])]
    unexpected_quotes: Annotated[
        int, Field(description="Quotes at a broker that carries orders only; not used.", examples=[0])
    ]
    bytes_per_second: Annotated[ByKind, Field(description="Over the last 5 seconds.")]


class BrokerRequest(BaseModel):
    """One broker, for what a person asks of it."""

    model_config = ConfigDict(extra="forbid", strict=True)

    broker: Annotated[
        str, Field(min_length=1, max_length=64, description="Its name in config.yaml.", examples=["broker2"])
    ]


class BrokersAnswer(Answer):
    primary: Primary
    brokers: list[Broker]


class BrokerAnswer(Answer):
    primary: Primary
    broker: BrokerDetails


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
