"""Which proxy an address is reached through, as the environment or the system has it.

One reading for REST and WebSockets: the libraries below each read the variables in a way of their own, and
end in errors of their own over one that is malformed, whether or not it concerns the address.
"""

from __future__ import annotations

import importlib.util
import ipaddress
import os
import urllib.request
from collections.abc import Mapping
from urllib.parse import urlsplit

from dualbroker.errors import ConnectionFailedError

__all__ = ["is_loopback", "is_loopback_host", "proxy_for"]

_SCHEMES = ("http", "https")
_SOCKS = ("socks5", "socks5h", "socks4", "socks4a", "socks")
_WEB_SCHEMES = {"ws": "http", "wss": "https"}


def is_loopback_host(host: str) -> bool:
    """Whether a host's name or address is reached from this machine only."""
    try:
        return host.lower() == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:  # any other name
        return False


def is_loopback(url: str) -> bool:
    """Whether a URL points at this machine, where no proxy has any business."""
    try:
        return is_loopback_host(urlsplit(url).hostname or "")
    except ValueError:  # no address at all
        return False


def proxy_for(url: str, proxies: Mapping[str, str] | None = None) -> str | None:
    """The proxy to reach a URL through; None for a direct connection, as to this machine always.

    Parameters
    ----------
    proxies
        By scheme, as ``urllib.request.getproxies`` has them; the environment's and the system's unless given.

    Raises
    ------
    ConnectionFailedError
        The proxy that concerns this URL can't be used. The message names the variable and what to do, and
        shows no password.
    """
    if is_loopback(url):
        return None
    known = urllib.request.getproxies() if proxies is None else proxies
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError:
        return None  # whoever opens it says that it is no address
    scheme = _WEB_SCHEMES.get(parts.scheme, parts.scheme)
    key = scheme if known.get(scheme) else "all"
    value = known.get(key, "").strip()
    if not value or _is_exempt(host, port, known.get("no", "")):
        return None
    return _checked(value if "://" in value else f"http://{value}", _variable(key))


def _is_exempt(host: str, port: int | None, no_proxy: str) -> bool:
    """Whether ``NO_PROXY`` names the host, in any of the forms in use; what is no name exempts nothing."""
    for entry in no_proxy.lower().split(","):
        name = entry.strip().rpartition("://")[2]
        if name == "*":
            return True
        bracketed = name.partition("]")[0]
        if name.startswith("["):
            name = bracketed[1:]
        elif port is not None and name.count(":") == 1:
            name = name.removesuffix(f":{port}")
        name = name.removeprefix("*").removeprefix(".")
        if name and (host == name or host.endswith(f".{name}")):
            return True
    return False


def _checked(proxy: str, variable: str) -> str:
    try:
        parts = urlsplit(proxy)
        is_whole = bool(parts.hostname) and parts.port != 0 and parts.path in ("", "/")
        is_whole = is_whole and not parts.query and not parts.fragment and proxy.isascii()
        if parts.username is not None and parts.password is None:
            is_whole = False
    except ValueError:
        raise _unusable(variable, "an address that can't be read") from None
    if parts.scheme in _SOCKS:
        if importlib.util.find_spec("socksio") and importlib.util.find_spec("python_socks"):
            return proxy if parts.scheme != "socks" else f"socks5h{proxy.removeprefix('socks')}"
        raise _unusable(variable, f"one of {parts.scheme}, which needs: pip install socksio python-socks")
    if parts.scheme not in _SCHEMES:
        raise _unusable(variable, f"one of {parts.scheme or 'no scheme'}")
    if not is_whole:
        raise _unusable(variable, "an address that can't be read")
    return proxy


def _unusable(variable: str, found: str) -> ConnectionFailedError:
    return ConnectionFailedError(
        f"{variable}: expected a proxy such as http://host:3128, found {found}; mend or unset it, or name "
        "the host in NO_PROXY"
    )


def _variable(key: str) -> str:
    """Its name as it stands in the environment; the system's own settings have none."""
    for name in (f"{key}_proxy", f"{key}_proxy".upper()):
        if os.environ.get(name):
            return name
    return f"the system's proxy ({key}_proxy)"
