"""Puts the service together: the manager in the web server's own loop, the routes, the page."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline

from dualbroker.config import Config
from dualbroker.errors import DualBrokerError
from dualbroker.manager import WebSocketManager
from dualbroker.service.downloads import Downloads
from dualbroker.service.errors import handle_errors
from dualbroker.service.guard.access import Access
from dualbroker.service.guard.guard import LOOPBACK_NAMES, Guard
from dualbroker.service.guard.headers import SafeAnswers
from dualbroker.service.guard.limits import Limits, RequestLimits
from dualbroker.service.routes import (
    bandwidth,
    brokers,
    chain,
    clients,
    comparison,
    desk,
    health,
    incidents,
    instruments,
    metrics,
    orders,
    page,
    quotes,
    stream,
    subscriptions,
    ticks,
)
from dualbroker.storage.locks import announce_address

__all__ = ["cannot_start", "create_app"]

logger = logging.getLogger("dualbroker")

ANNOUNCE_INTERVAL_S = 60.0

_DESCRIPTION = """\
Quotes from one broker, orders from every broker, each tagged with its broker. It reads only: nothing
here places, changes or cancels an order. Prices are rupees, quantities units, times Indian; null is
unknown, and `mode` says whether anything in an answer is real.
"""


def create_app(
    config: Config,
    *,
    make_manager: Callable[[Config], WebSocketManager] = WebSocketManager,
    hosts: Sequence[str] | None = LOOPBACK_NAMES,
    token: str | None = None,
    limits: Limits | None = None,
    address: str | None = None,
    on_failure: Callable[[DualBrokerError], None] | None = None,
) -> FastAPI:
    """The web application over a manager of its own, which runs as long as the application does.

    It answers from the first moment on; ``/health`` says what is still on its way.

    Parameters
    ----------
    config
        Whose brokers are run.
    make_manager
        Makes the manager, on the application's loop.
    hosts
        Host names by which it may be asked; None takes any.
    token
        What everybody has to show; None demands nothing.
    limits
        Bounds of sizes and rates; the usual ones if absent.
    address
        Where it serves; who is refused a login that we hold is told it.
    on_failure
        Called when the manager can't be started at all; else that is logged.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        manager = app.state.manager = make_manager(config)
        run = asyncio.create_task(_run(manager, address, on_failure or _log))
        try:
            yield
        finally:
            run.cancel()
            await asyncio.gather(run, return_exceptions=True)
            await manager.stop()

    app = FastAPIOffline(
        title="dualbroker",
        version=version("dualbroker"),
        description=_DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        # Relative to the document, so that what is tried out in /docs is asked where the document was found.
        servers=[{"url": "./"}],
        lifespan=lifespan,
    )
    modules = (
        brokers,
        quotes,
        orders,
        desk,
        ticks,
        chain,
        instruments,
        subscriptions,
        incidents,
        bandwidth,
        comparison,
        health,
        metrics,
        clients,
        page,
        stream,
    )
    routers = [module.router for module in modules]
    handle_errors(app, routers)
    # The last one added is asked first.
    app.add_middleware(Downloads)
    if token is not None:
        app.add_middleware(Access, token=token)
        _describe_token(app)
    app.add_middleware(RequestLimits, limits=limits or Limits())
    app.add_middleware(Guard, hosts=hosts)
    app.add_middleware(SafeAnswers)
    for router in routers:
        app.include_router(router)
    app.mount("/static", page.page_files())
    return app


def _describe_token(app: FastAPI) -> None:
    """Have the OpenAPI document say that every request carries the token."""
    plain = app.openapi

    def with_token() -> dict[str, Any]:
        document = plain()
        schemes = document.setdefault("components", {}).setdefault("securitySchemes", {})
        schemes["token"] = {"type": "http", "scheme": "bearer"}
        document["security"] = [{"token": []}]
        return document

    app.openapi = with_token  # type: ignore[method-assign]


async def _run(
    manager: WebSocketManager, address: str | None, on_failure: Callable[[DualBrokerError], None]
) -> None:
    try:
        await manager.start()
    except DualBrokerError as error:
        on_failure(error)
        return
    except Exception as error:
        on_failure(cannot_start(error))
        return
    while address is not None:
        # Again and again: a broker may take its login late.
        announce_address(address)
        await asyncio.sleep(ANNOUNCE_INTERVAL_S)


def cannot_start(error: Exception) -> DualBrokerError:
    """What to say of an exception that nobody foresaw; where it was raised goes into the log."""
    logger.debug("the brokers can't be started", exc_info=error)
    return DualBrokerError(
        f"the brokers can't be started, for a reason that nobody foresaw: {type(error).__name__}: {error}; "
        "log.level: DEBUG in config.yaml shows where"
    )


def _log(error: DualBrokerError) -> None:
    logger.error("the brokers can't be started: %s", error)
