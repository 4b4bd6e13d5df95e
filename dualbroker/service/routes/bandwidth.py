"""``/api/bandwidth``, ``/api/traffic``, ``/api/savings``: what the sockets carry, and what was saved."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter
from pydantic import BaseModel, Field

from dualbroker import tables
from dualbroker.frames import frames
from dualbroker.frames.savings import savings_frame
from dualbroker.model import MessageKind
from dualbroker.service.dependencies import Manager, stamp
from dualbroker.service.errors import answers
from dualbroker.service.models import Answer, ByKind, answer_model
from dualbroker.service.tables import Form, table_answers, table_response
from dualbroker.view.rows import healths
from dualbroker.view.traffic import bytes_per_second, savings

__all__ = ["router"]

router = APIRouter(prefix="/api", tags=["bandwidth"])

BandwidthAnswer = answer_model("BandwidthAnswer", tables.BANDWIDTH, "bandwidth")

SavingsAnswer = answer_model("SavingsAnswer", tables.SAVINGS, "figures")


class Traffic(BaseModel):
    """What has come off one broker's socket in one kind since the start."""

    bytes: Annotated[int, Field(description="After TLS, frame headers included.", examples=[812400])]
    messages: Annotated[int, Field(examples=[9120])]


class Estimate(BaseModel):
    """What the naive plan, in which every broker streams the quotes, would carry. Not measured."""

    how: Annotated[str, Field(description="How it was obtained.")]
    naive_quote_bytes: Annotated[int, Field(examples=[1624800])]
    saved_quote_bytes: Annotated[int, Field(examples=[812400])]
    saved_percent: Annotated[
        float | None, Field(description="Of the naive quote bytes; null before the first.", examples=[50.0])
    ]
    naive_bytes_per_second: Annotated[float | None, Field(description="All kinds, now.", examples=[16900.0])]


class TrafficAnswer(Answer):
    bytes_per_second: Annotated[
        dict[str, ByKind], Field(description="By broker and kind, over the last 5 seconds; measured.")
    ]
    totals: Annotated[
        dict[str, dict[str, Traffic]], Field(description="By broker and kind, since the start; measured.")
    ]
    estimate: Estimate


@router.get("/bandwidth", response_model=BandwidthAnswer, responses=table_answers())
async def bandwidth(manager: Manager, form: Form) -> Any:
    """What each second of the last hour carried, by broker and kind; measured."""
    store = manager.bandwidth
    return await table_response(manager, form, "bandwidth", lambda: frames.bandwidth_frame(store))


@router.get("/traffic", response_model=TrafficAnswer, responses=answers())
async def traffic(manager: Manager) -> dict[str, Any]:
    """Bytes a second now, and in all, by broker and kind, measured; beside them the estimate."""
    store = manager.bandwidth
    rates = store.rates()
    names = [health.broker_name for health in healths(manager)]
    return {
        **stamp(manager),
        "bytes_per_second": {
            name: {kind.value: rates.get((name, kind)) for kind in MessageKind} for name in names
        },
        "totals": {
            name: {kind.value: msgspec.structs.asdict(traffic) for kind, traffic in kinds.items()}
            for name, kinds in store.totals().items()
        },
        "estimate": {
            **savings(manager),
            "naive_bytes_per_second": bytes_per_second(manager)["naive_estimate"],
        },
    }


@router.get("/savings", response_model=SavingsAnswer, responses=table_answers())
async def saved(manager: Manager, form: Form) -> Any:
    """What the one-source plan has saved since the start; each figure says how it was obtained."""
    return await table_response(
        manager,
        form,
        "figures",
        lambda: savings_frame(manager.bandwidth, manager.streaming_brokers()),
        name="savings",
    )
