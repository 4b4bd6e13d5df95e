"""``/metrics``: the feed's figures for Prometheus."""

from __future__ import annotations

from fastapi import APIRouter, Request
from prometheus_client.exposition import choose_encoder
from starlette.responses import Response

from dualbroker.service.dependencies import Manager
from dualbroker.service.errors import answers
from dualbroker.service.metrics import metrics_registry
from dualbroker.service.streams.hub import hub_of

__all__ = ["router"]

router = APIRouter(tags=["health"])

_TEXT = {"schema": {"type": "string"}}


@router.get(
    "/metrics",
    response_class=Response,
    responses={
        **answers(),
        200: {
            "description": "Prometheus' text form, or OpenMetrics where `Accept` asks for it.",
            "content": {"text/plain": _TEXT, "application/openmetrics-text": _TEXT},
        },
    },
)
async def metrics(request: Request, manager: Manager) -> Response:
    """Figures of every broker, the stores, the failovers and the stream's clients."""
    state = request.app.state
    if getattr(state, "metrics", None) is None or state.metrics_of is not manager:
        state.metrics = metrics_registry(manager, hub_of(state).registry)
        state.metrics_of = manager
    encode, content_type = choose_encoder(request.headers.get("accept", ""))
    return Response(encode(state.metrics), headers={"content-type": content_type, "vary": "Accept"})
