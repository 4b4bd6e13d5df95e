"""``/api/bandwidth``: what the sockets carry, and what the naive plan would."""

from __future__ import annotations

from typing import Any

import msgspec
from fastapi import APIRouter

from dualbroker.model import MessageKind
from dualbroker.service.dependencies import Manager, stamp
from dualbroker.service.models import BandwidthAnswer
from dualbroker.view.rows import healths
from dualbroker.view.traffic import bytes_per_second, savings

__all__ = ["router"]

router = APIRouter(prefix="/api/bandwidth", tags=["bandwidth"])


@router.get("", response_model=BandwidthAnswer)
async def bandwidth(manager: Manager) -> dict[str, Any]:
    """Measured bytes and messages by broker and kind, and beside them the estimate."""
    rates = manager.bandwidth.rates()
    names = [health.broker_name for health in healths(manager)]
    return {
        **stamp(manager),
        "bytes_per_second": {
            name: {kind.value: rates.get((name, kind)) for kind in MessageKind} for name in names
        },
        "totals": {
            name: {kind.value: msgspec.structs.asdict(traffic) for kind, traffic in kinds.items()}
            for name, kinds in manager.bandwidth.totals().items()
        },
        "estimate": {
            **savings(manager),
            "naive_bytes_per_second": bytes_per_second(manager)["naive_estimate"],
        },
    }
