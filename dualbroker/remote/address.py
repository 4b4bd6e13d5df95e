"""The address of a service, as a person writes it and as it is asked. Pure."""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit

from dualbroker.errors import ConfigError

__all__ = ["is_address", "normal_address", "stream_address"]


def is_address(text: object) -> bool:
    """Whether a text is an address rather than the path of a file."""
    return isinstance(text, str) and text.strip().lower().startswith(("http://", "https://"))


def normal_address(text: str) -> str:
    """One spelling for each service: ``http://127.0.0.1:8000``, with a path only behind a proxy that has one.

    Raises
    ------
    ConfigError
        It is no address; a token in it is never repeated.
    """
    try:
        parts = urlsplit(text.strip())
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise ConfigError(f"expected an address such as http://127.0.0.1:8000: {error}") from None
    if parts.username is not None or parts.password is not None:
        raise ConfigError("expected an address without a name or password in it; a token goes into token=…")
    if not host or parts.scheme not in ("http", "https"):
        raise ConfigError("expected an address such as http://127.0.0.1:8000")
    if parts.query or parts.fragment:
        raise ConfigError("expected an address without ? and #; a token goes into connect(address, token=…)")
    shown = f"[{host}]" if ":" in host else host
    if port is not None and port != {"http": 80, "https": 443}[parts.scheme]:
        shown = f"{shown}:{port}"
    return urlunsplit((parts.scheme, shown, parts.path.rstrip("/"), "", ""))


def stream_address(address: str) -> str:
    """Where the stream endpoint of a normal address is."""
    return f"ws{address.removeprefix('http')}/ws"
