"""Who may ask, where a token is demanded: everybody who shows it, and browsers that have shown it once."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Callable, Mapping
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs, urlencode

from starlette.datastructures import Headers
from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dualbroker.errors import ConfigError
from dualbroker.plain_page import STYLE, plain_page
from dualbroker.service.errors import error_response
from dualbroker.service.guard.limits import RateLimit, client_of

__all__ = ["TOKEN_VARIABLE", "Access", "Sessions", "chosen_token"]

TOKEN_VARIABLE = "DUALBROKER_TOKEN"
SHORTEST_TOKEN = 16
LONGEST_TOKEN = 512
SESSION_S = 7 * 86_400
ATTEMPTS_AT_ONCE = 10
ATTEMPTS_PER_SECOND = 1 / 30

_TOKEN = re.compile(r"[!-~]+", re.ASCII)


def chosen_token(environment: Mapping[str, str]) -> str | None:
    """The token that a person has chosen; None without one.

    Raises
    ------
    ConfigError
        It is too short to keep anybody out, or holds what no header can carry.
    """
    token = environment.get(TOKEN_VARIABLE)
    if token is None:
        return None
    if not SHORTEST_TOKEN <= len(token) <= LONGEST_TOKEN:
        raise ConfigError(
            f"{TOKEN_VARIABLE}: expected {SHORTEST_TOKEN} to {LONGEST_TOKEN} characters, found {len(token)}; "
            'make one with: python -c "import secrets; print(secrets.token_urlsafe(32))"'
        )
    if not _TOKEN.fullmatch(token):
        raise ConfigError(f"{TOKEN_VARIABLE}: expected ASCII letters, digits and signs, found something else")
    return token


class Sessions:
    """Cookies for browsers that have shown the token: signed with it, so that none has to be remembered
    and all of them end when it changes.

    Parameters
    ----------
    token
        What is demanded.
    now_s
        The time of day, epoch seconds.
    """

    def __init__(self, token: str, now_s: Callable[[], float] = time.time) -> None:
        self._key = hashlib.sha256(b"dualbroker session\0" + token.encode("utf-8")).digest()
        self._now_s = now_s
        # Of its own for each token: cookies know no port, and two services on one host must not log each
        # other's browsers out.
        self.cookie_name = f"dualbroker_{self._sign('name')[:8]}"

    def new(self) -> str:
        """The value of a cookie that is good for a week."""
        content = f"{int(self._now_s()) + SESSION_S}.{secrets.token_hex(8)}"
        return f"{content}.{self._sign(content)}"

    def are_good(self, value: str) -> bool:
        """Whether a cookie's value is one of ours, and still good."""
        content, _, signature = value.rpartition(".")
        if not _equal(signature, self._sign(content)):
            return False
        ends = content.partition(".")[0]
        return ends.isdigit() and int(ends) > self._now_s()

    def _sign(self, content: str) -> str:
        return hmac.new(self._key, content.encode("utf-8", "replace"), hashlib.sha256).hexdigest()


def _equal(found: str, expected: str) -> bool:
    """In a time that tells nothing of either, their lengths included."""
    digests = [hashlib.sha256(text.encode("utf-8", "replace")).digest() for text in (found, expected)]
    return hmac.compare_digest(*digests)


class Access:
    """Demands the token, of everything that is served.

    Programs send ``Authorization: Bearer``. A browser shows it once, in a link (``/?token=``) or the form
    that it gets without one, is given a cookie that no script can read and sent on to the bare address.

    Wrong tokens are counted for each client, and anyone who has shown too many waits; cookies that are not
    good any more are no attempt.
    """

    def __init__(
        self,
        app: ASGIApp,
        token: str,
        *,
        now_s: Callable[[], float] = time.time,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._app = app
        self._token = token
        self._sessions = Sessions(token, now_s)
        self._attempts = RateLimit(ATTEMPTS_PER_SECOND, ATTEMPTS_AT_ONCE, monotonic_s)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        shown = await self._shown_by_browser(scope, receive)
        if shown is not None:
            answer = self._judge(scope, shown) or self._welcome(scope)
        elif self._has_session(headers):
            await self._app(scope, receive, send)
            return
        else:
            scheme, _, bearer = headers.get("authorization", "").partition(" ")
            shown = bearer.strip() if scheme.lower() == "bearer" else None
            refused = self._judge(scope, shown)
            if refused is None:
                await self._app(scope, receive, send)
                return
            answer = refused
        await answer(scope, receive, send)

    async def _shown_by_browser(self, scope: Scope, receive: Receive) -> str | None:
        """The token in a link, or in our form; None where neither is."""
        if scope["type"] != "http":
            return None
        if scope["path"] == "/" and scope["method"] in ("GET", "HEAD"):
            values = _fields(scope["query_string"]).get("token")
        elif scope["path"] == "/login" and scope["method"] == "POST":
            values = _fields(await _body(receive)).get("token", [""])
        else:
            return None
        return values[0] if values else None

    def _has_session(self, headers: Headers) -> bool:
        try:
            cookie = SimpleCookie(headers.get("cookie", "")).get(self._sessions.cookie_name)
        except CookieError:
            return False
        return cookie is not None and self._sessions.are_good(cookie.value)

    def _judge(self, scope: Scope, shown: str | None) -> Response | None:
        """None for the right token, else the refusal."""
        client = client_of(scope)
        if shown is not None and (wait_s := self._attempts.wait_s(client, cost=0.0)):
            return error_response(
                429,
                "too many wrong tokens from this address; wait, then send the right one",
                headers={"retry-after": str(round(wait_s) + 1)},
            )
        if shown is not None and _equal(shown, self._token):
            return None
        if shown is not None:
            self._attempts.wait_s(client)
        if _wants_page(scope):
            return login_page(wrong=shown is not None)
        found = "no token" if shown is None else "a wrong token"
        return error_response(
            401,
            f"expected Authorization: Bearer with the service's token, found {found}",
            headers={"www-authenticate": 'Bearer realm="dualbroker"'},
        )

    def _welcome(self, scope: Scope) -> Response:
        left = {name: values for name, values in _fields(scope["query_string"]).items() if name != "token"}
        answer = Response(status_code=303, headers=LOGIN_HEADERS)
        # Relative, and the cookie without a path, which browsers take as the one that they asked at: behind a
        # proxy that serves us below a path of its own, all of it stays below that.
        answer.headers["location"] = f"./?{urlencode(left, doseq=True)}" if left else "./"
        answer.set_cookie(
            self._sessions.cookie_name,
            self._sessions.new(),
            max_age=SESSION_S,
            path=None,
            secure=scope.get("scheme") == "https",
            httponly=True,
            samesite="strict",
        )
        return answer


def _wants_page(scope: Scope) -> bool:
    if scope["type"] != "http" or scope["path"] not in ("/", "/login"):
        return False
    return "text/html" in Headers(scope=scope).get("accept", "")


def _fields(text: bytes) -> dict[str, list[str]]:
    try:
        return parse_qs(text.decode("ascii", "replace"), max_num_fields=50)
    except ValueError:
        return {}


async def _body(receive: Receive) -> bytes:
    body = bytearray()
    while True:
        message: Message = await receive()
        body += message.get("body", b"")
        if message["type"] == "http.disconnect" or not message.get("more_body", False):
            return bytes(body)


_FORM = """{wrong}<p>This service is reached with its token. Open the link that was printed where it was
started, or enter the token here: it is the value of <code>DUALBROKER_TOKEN</code>, if that was set.</p>
<form method="post" action="login">
<label for="token">Token</label>
<input id="token" name="token" type="password" autocomplete="current-password" required autofocus>
<button>Open</button>
</form>
<p class="quiet">Then this browser sees the prices and orders of its brokers for a week. Nothing here places
an order.</p>"""
_WRONG = '<p class="wrong" role="alert">That was not the token.</p>\n'

_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()

LOGIN_HEADERS = {
    "content-security-policy": (
        f"default-src 'none'; style-src 'sha256-{_HASH}'; base-uri 'none'; form-action 'self'; "
        "frame-ancestors 'none'"
    )
}


def login_page(*, wrong: bool) -> HTMLResponse:
    """The form, as a refusal (401)."""
    page = plain_page("dualbroker", _FORM.format(wrong=_WRONG if wrong else ""))
    return HTMLResponse(page, status_code=401, headers=LOGIN_HEADERS)
