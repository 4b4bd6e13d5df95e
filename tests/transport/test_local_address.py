from __future__ import annotations

import asyncio
import socket

import pytest

from dualbroker.errors import ConnectionFailedError
from dualbroker.transport.local_address import local_address


def test_it_is_the_address_that_connections_begin_at_and_nothing_is_sent() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.setblocking(False)
        assert asyncio.run(local_address(f"https://127.0.0.1:{listener.getsockname()[1]}/api")) == "127.0.0.1"
        with pytest.raises(BlockingIOError):
            listener.recv(1)


@pytest.mark.parametrize("url", ["https://[::1", "https://127.0.0.1:99999/", "https:///", "https://a b/"])
def test_an_address_that_leads_nowhere_is_one_clear_error(url: str) -> None:
    with pytest.raises(ConnectionFailedError, match="no way to "):
        asyncio.run(local_address(url))
