"""The service in a thread of this process, on a real socket and simulated brokers."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import uvicorn

from dualbroker.config.schema import Config, demo_config
from dualbroker.service.app import create_app
from dualbroker.service.connections import ImpatientProtocol
from dualbroker.service.guard.limits import Limits
from dualbroker.service.server import address_of, listen
from tests.polling import wait_until

__all__ = ["UNLIMITED", "real_service"]

UNLIMITED = Limits(requests_per_second=1e6, requests_at_once=1_000_000)


@contextmanager
def real_service(config: Config | None = None, **settings: object) -> Iterator[str]:
    """Its address, once it works."""
    app = create_app(config or demo_config(2, orders_per_minute=600), **settings)  # type: ignore[arg-type]
    server = uvicorn.Server(uvicorn.Config(app, http=ImpatientProtocol, log_config=None, proxy_headers=False))
    listener = listen("127.0.0.1", 0)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="service")
    thread.start()
    try:
        address = address_of(listener)
        token = settings.get("token")
        headers = {"authorization": f"Bearer {token}"} if token else {}
        with httpx.Client(base_url=address, headers=headers) as client:
            wait_until(lambda: server.started)
            wait_until(lambda: client.get("/health").status_code == 200, 60)
        yield address
    finally:
        server.should_exit = True
        thread.join(20)
        assert not thread.is_alive()
