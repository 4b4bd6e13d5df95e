"""``/api/bandwidth``, ``/api/traffic``, ``/api/savings``: what the sockets carry, and what was saved."""

from __future__ import annotations

from typing import Any

import msgspec
from fastapi import APIRouter

from dualbroker.frames import frames
from dualbroker.frames.savings import savings_frame
from dualbroker.model import MessageKind
from dualbroker.service.dependencies import Manager, stamp
from dualbroker.service.errors import answers
from dualbroker.service.tables import Form, table_answers, table_response
from dualbroker.service.traffic_models import BandwidthAnswer, SavingsAnswer, TrafficAnswer
from dualbroker.view.rows import healths
from dualbroker.view.traffic import bytes_per_second, savings

__all__ = ["router"]

router = APIRouter(prefix="/api", tags=["bandwidth"])


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
