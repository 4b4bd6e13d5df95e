"""Which address of this machine another one is reached from."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

from dualbroker.errors import ConnectionFailedError

__all__ = ["local_address"]


async def local_address(url: str, *, timeout_s: float = 5.0) -> str:
    """The address that connections to a URL's host begin at. Nothing is sent there.

    Raises
    ------
    ConnectionFailedError
        The host's name is not known, or no way leads there.
    """
    loop = asyncio.get_running_loop()
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or (80 if parts.scheme in ("http", "ws") else 443)
        async with asyncio.timeout(timeout_s):
            # Connecting a UDP socket only asks the system for the way.
            transport, _ = await loop.create_datagram_endpoint(
                asyncio.DatagramProtocol, remote_addr=(host, port)
            )
    except (OSError, ValueError) as error:  # a TimeoutError is an OSError
        raise ConnectionFailedError(f"no way to {url}: {str(error) or type(error).__name__}") from error
    try:
        return str(transport.get_extra_info("sockname")[0])
    finally:
        transport.close()
