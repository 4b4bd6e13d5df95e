"""The one form in which the service says no: ``{"error": {"type", "message", "matches"}}``.

``type`` is the name of a class of ``dualbroker.errors`` wherever one says it, so that a client can raise
the same again; else one of ``OTHER_TYPES``.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match

from dualbroker.errors import (
    AmbiguousInstrumentError,
    ArgumentError,
    BrokerError,
    ConfigError,
    ConnectionFailedError,
    DualBrokerError,
    InstrumentError,
    RequestRefusedError,
    SubscriptionLimitError,
    UnknownInstrumentError,
)

__all__ = ["ErrorAnswer", "answers", "error_response", "handle_errors"]

logger = logging.getLogger("dualbroker")

OTHER_TYPES: Mapping[int, str] = {
    400: "BadRequest",
    401: "TokenNeeded",
    403: "Forbidden",
    404: "NotFound",
    405: "MethodNotAllowed",
    408: "RequestTooSlow",
    413: "RequestTooLarge",
    414: "RequestTooLarge",
    415: "WrongContentType",
    422: "InvalidRequest",
    429: "TooManyRequests",
    500: "InternalError",
    503: "Unavailable",
}
"""By HTTP status, where no exception of ours names it."""

_STATUS_OF: tuple[tuple[type[DualBrokerError], int], ...] = (
    (UnknownInstrumentError, 404),
    (AmbiguousInstrumentError, 409),
    (ArgumentError, 422),
    (ConfigError, 404),
    (RequestRefusedError, 409),
    (SubscriptionLimitError, 409),
    (ConnectionFailedError, 503),
    (BrokerError, 503),
)
"""The first class that fits says the status."""

_PROBLEMS_SHOWN = 5
_LONGEST_SHOWN = 60


class Error(BaseModel):
    """What is wrong."""

    type: Annotated[
        str,
        Field(
            description="An exception of dualbroker.errors, or "
            + ", ".join(sorted(set(OTHER_TYPES.values())))
            + ".",
            examples=["UnknownInstrumentError"],
        ),
    ]
    message: Annotated[
        str,
        Field(
            description="What was expected, what was found, what to do.",
            examples=["no instrument 'RELIANC' on NSE; closest: NSE:RELIANCE-EQ"],
        ),
    ]
    matches: Annotated[
        list[str],
        Field(description="Names that come closest, the best first.", examples=[["NSE:RELIANCE-EQ"]]),
    ]


class ErrorAnswer(BaseModel):
    """The form of every answer that is no success."""

    error: Error


_DESCRIPTIONS = {
    400: "The request can't be read.",
    401: "The service demands a token: `Authorization: Bearer …`.",
    403: "Asked by another site's page, or under a host name that is not ours.",
    404: "There is none of that name.",
    405: "The path knows other methods only; `Allow` names them.",
    408: "The request took too long to arrive.",
    409: "Several have that name, the broker refuses this one request, or there is no room for more.",
    413: "The body is too long.",
    414: "The address is too long.",
    415: "The body is of another type than expected.",
    422: "A parameter or the body is not as described.",
    429: "Too many requests; `Retry-After` says when to ask again, in seconds.",
    500: "A fault of the service; its log has more.",
    503: "No broker can answer this now; the same request may be sent again.",
}


def answers(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """For a route's ``responses``: these statuses, and those that any route may answer."""
    everywhere = (400, 401, 403, 408, 414, 422, 429, 500)
    return {
        status: {"model": ErrorAnswer, "description": _DESCRIPTIONS[status]}
        for status in sorted({*everywhere, *statuses})
    }


def error_response(
    status: int,
    message: str,
    *,
    type_name: str | None = None,
    matches: Sequence[str] = (),
    headers: Mapping[str, str] | None = None,
) -> Response:
    """An answer in the one form; also for a WebSocket's handshake."""
    body = {
        "error": {
            "type": type_name or OTHER_TYPES.get(status, HTTPStatus(status).phrase),
            "message": message,
            "matches": list(matches),
        }
    }
    return Response(
        msgspec.json.encode(body),
        status_code=status,
        headers=None if headers is None else dict(headers),
        media_type="application/json",
    )


def handle_errors(app: FastAPI, routers: Sequence[APIRouter]) -> None:
    """Have an application of these routers answer in the one form whatever goes wrong in a route."""
    app.state.all_routes = [route for router in routers for route in router.routes]
    app.add_exception_handler(DualBrokerError, _on_our_own)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http)


async def _on_our_own(request: Request, error: Exception) -> Response:
    assert isinstance(error, DualBrokerError)
    status = next((status for kind, status in _STATUS_OF if isinstance(error, kind)), 500)
    if status == 500:
        logger.error("%s %s failed: %s", request.method, request.url.path, error)
    matches = error.matches if isinstance(error, InstrumentError) else ()
    retry = {"retry-after": "5"} if status == 503 else None
    return error_response(
        status, str(error), type_name=type(error).__name__, matches=matches[:20], headers=retry
    )


async def _on_invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    problems = [_invalid_words(problem) for problem in error.errors()[:_PROBLEMS_SHOWN]]
    return error_response(422, "; ".join(problems))


def _invalid_words(problem: Mapping[str, Any]) -> str:
    where = ".".join(str(part)[:_LONGEST_SHOWN] for part in problem["loc"] if part not in ("query", "path"))
    found = problem.get("input")
    shown = f", found {found[:_LONGEST_SHOWN]!r}" if isinstance(found, str) else ""
    says = str(problem["msg"])
    return f"{where}: {says[:1].lower()}{says[1:]}{shown}"


async def _on_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    message, headers = str(error.detail), dict(error.headers or {})
    if error.status_code == 404 and message == "Not Found":
        message = "there is nothing at this path; /docs lists what there is"
    elif error.status_code == 405:
        allowed = headers["Allow"] = _allowed(request)
        message = f"expected the method {allowed}, found {request.method[:_LONGEST_SHOWN]}"
    return error_response(error.status_code, message, headers=headers)


def _allowed(request: Request) -> str:
    """The methods of all routes at this path; each route by itself knows only its own."""
    scope = {**request.scope, "path_params": {}}
    methods: set[str] = set()
    for route in request.app.state.all_routes:
        if route.matches(scope)[0] is not Match.NONE:
            methods |= set(getattr(route, "methods", None) or ())
    return ", ".join(sorted(methods)) or "GET"
