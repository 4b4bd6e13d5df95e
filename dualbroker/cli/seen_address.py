"""Which address a broker sees a login come from: since 2026 it lets in those registered with it."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from dualbroker.cli.findings import Finding, Verdict
from dualbroker.errors import ConnectionFailedError
from dualbroker.transport.local_address import local_address
from dualbroker.transport.proxies import is_loopback, proxy_for

__all__ = ["seen_address"]


async def seen_address(name: str, url: str | None, registered: str, *, is_up: bool) -> Finding | None:
    """The finding on that address; None where no address matters, as for a simulated broker.

    No outside service is asked: behind a router or a proxy it says whose address to look for.

    Parameters
    ----------
    url
        Where the broker's REST calls go.
    registered
        What it asks of the address of a login, in words; "" asks nothing.
    is_up
        The broker let the login in, so that nothing is left to compare.
    """
    if url is None or is_loopback(url) or not registered:
        return None
    try:
        proxy = proxy_for(url)
        words = await _behind_no_proxy(url) if proxy is None else _behind(proxy)
    except ConnectionFailedError:
        return None  # that the broker can't be reached is a finding of its own
    verdict = Verdict.OK if is_up else Verdict.WARN
    return Finding(verdict, f"{name} address", f"{words}. {registered}")


def _behind(proxy: str) -> str:
    parts = urlsplit(proxy)
    port = "" if parts.port is None else f":{parts.port}"
    return (
        f"connections go through the proxy {parts.hostname}{port}: the broker sees the proxy's address; "
        "compare it with what the broker's page has registered, or name the broker's host in NO_PROXY"
    )


async def _behind_no_proxy(url: str) -> str:
    address = await local_address(url)
    if ipaddress.ip_address(address).is_global:
        return f"the broker sees {address}; compare it with what the broker's page has registered"
    return (
        f"this machine has {address}, a private address, so it is behind a router: the broker sees the "
        "router's address; compare what the broker's page has registered with your provider's page"
    )
