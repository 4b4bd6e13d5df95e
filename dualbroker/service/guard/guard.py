"""Who may ask from a browser: keeps other sites' pages, open in the same browser, away from the service."""

from __future__ import annotations

import re
from collections.abc import Sequence

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from dualbroker.service.errors import error_response
from dualbroker.transport.proxies import is_loopback_host

__all__ = ["LOOPBACK_NAMES", "Guard"]

LOOPBACK_NAMES = ("127.0.0.1", "localhost", "::1")

_HOST = re.compile(
    r"(?:(?P<name>[a-z0-9._-]{1,253})|\[(?P<address>[0-9a-f:.]{2,45})\])(?::[0-9]{1,5})?", re.ASCII
)
_OUR_SITES = ("same-origin", "none")
_READING = ("GET", "HEAD")
_LONGEST_SHOWN = 80


class Guard:
    """Refuses what another site's page sends.

    - A host name that is not ours means that a stranger's name was pointed at this address (DNS
      rebinding): refused. An address of this machine's loopback network is no name that anybody can
      point elsewhere, and always ours.
    - An ``Origin`` of another name is another site's page, and so is what the browser itself calls
      ``cross-site`` or ``same-site`` (another port): refused, but for a link that a person followed.
    - No CORS header is ever sent, so other sites' scripts can't read an answer.

    Ports are left out of it, so that a tunnel (``ssh -L 9000:127.0.0.1:8000``) works.

    Parameters
    ----------
    app
        What is guarded.
    hosts
        Host names that are ours; None takes any, for a service that was opened to the network on purpose.
    """

    def __init__(self, app: ASGIApp, hosts: Sequence[str] | None = LOOPBACK_NAMES) -> None:
        self._app = app
        self._hosts = None if hosts is None else {host.lower() for host in hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        problem = self._problem(scope) if scope["type"] in ("http", "websocket") else None
        if problem is not None:
            await error_response(403, problem)(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _problem(self, scope: Scope) -> str | None:
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        name = _host_name(host) if len(headers.getlist("host")) == 1 else None
        if not self._is_ours(name):
            return self._wrong_host(host[:_LONGEST_SHOWN], name)
        origin = headers.get("origin")
        if origin is not None and not self._is_own_origin(origin, name):
            return f"expected a page of this service, found one of {origin[:_LONGEST_SHOWN]!r}"
        site = headers.get("sec-fetch-site")
        if site is not None and site not in _OUR_SITES and not _is_followed_link(scope, headers):
            return f"expected a page of this service, found one that the browser calls {site[:20]!r}"
        return None

    def _wrong_host(self, found: str, name: str | None) -> str:
        problem = f"expected a host name of this service, found {found!r}"
        if name is None or self._hosts is None:
            return problem
        known = ", ".join(sorted(self._hosts))
        return (
            f"{problem}; it knows {known}. If that name is yours, such as a reverse proxy's, start it with "
            f"--allow-host {name[:_LONGEST_SHOWN]} (or server.allowed_hosts in config.yaml)"
        )

    def _is_ours(self, name: str | None) -> bool:
        if name is None:
            return False
        return self._hosts is None or name in self._hosts or is_loopback_host(name)

    def _is_own_origin(self, origin: str, host_name: str | None) -> bool:
        scheme, _, rest = origin.partition("://")
        if scheme not in ("http", "https"):
            return False
        name = _host_name(rest)
        return name is not None and (name == host_name or name in (self._hosts or ()))


def _is_followed_link(scope: Scope, headers: Headers) -> bool:
    """A person went to a page of ours; anyone who linked to it does not see the answer."""
    return (
        scope["type"] == "http"
        and scope["method"] in _READING
        and headers.get("sec-fetch-mode") == "navigate"
        and headers.get("sec-fetch-dest") == "document"
    )


def _host_name(host: str) -> str | None:
    """The name in a Host header, without port and brackets; None when there is none."""
    match = _HOST.fullmatch(host.lower())
    return None if match is None else match["name"] or match["address"]
