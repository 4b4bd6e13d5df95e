"""REST calls of one Noren login: authorised as its dialect says, held under its rates, errors sorted."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from dualbroker.brokers.limiter import RateLimiter
from dualbroker.errors import BrokerError, RequestRefusedError, SessionExpiredError
from dualbroker.noren.answers import parse_object, parse_rows, parse_token
from dualbroker.noren.dialects import Dialect
from dualbroker.noren.requests import Endpoint, encode_body
from dualbroker.transport.base import Response, Transport

__all__ = ["NorenRest"]

_WORDS = ("rejreason", "remarks")
"""Fields of a row that brokers and people fill as they like."""

_DESK = frozenset({Endpoint.POSITION_BOOK, Endpoint.HOLDINGS, Endpoint.LIMITS})
"""Calls that leave most of the login's rate to others: the user's own programs have it, too."""

_FORBIDDEN = (401, 403)
"""What a gateway answers by itself, too, where the session is alive."""

RENEWAL_PAUSE_S = 900.0
"""Between two logins that a mere HTTP status led to; an account is blocked after too many."""

Answer = TypeVar("Answer")


class NorenRest:
    """Makes the calls. ``token`` is set by the login; it never shows in a repr."""

    def __init__(
        self,
        dialect: Dialect,
        transport: Transport,
        conceal: Callable[[str], str] = str,
        desk_share: float = 1.0,
    ) -> None:
        self._dialect = dialect
        self._desk_share = desk_share
        self._transport = transport
        self._limiter = RateLimiter(dialect.requests_per_second, dialect.requests_per_minute)
        self._conceal = conceal
        self.token: str | None = None
        self._is_proven = True
        """Whether a call was answered with the current token; a saved one was, some time ago."""
        self._forbidden: dict[Endpoint, str | None] = {}
        """With which token an endpoint answered 401 or 403 and with no other since."""
        self._blamed_s = -math.inf
        """Loop time at which such a status was last taken for a session's end."""
        self._blamed_with: str | None = None
        """The token of that session."""

    def use(self, token: str | None, *, fresh: bool) -> None:
        """Work with that token from now on, or with none.

        Parameters
        ----------
        fresh
            It is of a login just made. Until a call was answered with it, a 401 or 403 is the gateway's, for
            there is no session that could have expired.
        """
        self.token = token
        if token is not None:
            self._is_proven = not fresh

    async def log_in(self, endpoint: Endpoint, values: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        """A call that opens a session: its token, and the whole answer.

        Raises
        ------
        BrokerError
            One of its kinds, by what the answer means.
        ConnectionFailedError
            No answer.
        """
        answer = await self._post(endpoint, values)
        try:
            return parse_token(
                answer.status, answer.body, self._dialect.token_name, self._dialect.refusal_may_be
            )
        except BrokerError as error:
            raise type(error)(self._conceal(str(error))) from None

    async def call(self, endpoint: Endpoint, values: Mapping[str, Any]) -> dict[str, Any]:
        """One call whose answer is an object.

        Raises
        ------
        BrokerError
            One of its kinds, by what the answer means.
        ConnectionFailedError
            No answer.
        """
        return await self._ask(endpoint, values, parse_object)

    async def rows(self, endpoint: Endpoint, values: Mapping[str, Any]) -> list[dict[str, Any]]:
        """One call whose answer is a book; empty only where the broker says that there is no data."""
        rows = await self._ask(endpoint, values, parse_rows)
        for row in rows:
            for name in _WORDS:
                if isinstance(words := row.get(name), str):
                    row[name] = self._conceal(words)
        return rows

    async def _ask(
        self, endpoint: Endpoint, values: Mapping[str, Any], parse: Callable[[int, bytes], Answer]
    ) -> Answer:
        token = self.token
        answer = await self._post(endpoint, values)
        try:
            parsed = parse(answer.status, answer.body)
        except BrokerError as error:
            words = self._conceal(str(error))
            is_by_status = isinstance(error, SessionExpiredError) and answer.status in _FORBIDDEN
            if is_by_status and not self._may_have_expired(endpoint, token):
                raise RequestRefusedError(
                    f"{words}; a new session is refused as well, so this is the broker's gateway, which may "
                    "not accept this machine's address; no further login is tried"
                ) from None
            raise type(error)(words) from None
        if token == self.token:
            self._is_proven = True
        self._forbidden.pop(endpoint, None)
        return parsed

    def _may_have_expired(self, endpoint: Endpoint, token: str | None) -> bool:
        """Whether a 401 or 403 may mean that the session has ended, so that a login would help."""
        if token != self.token or token == self._blamed_with:
            return True  # of a session that is replaced, or about to be
        refused_before = self._forbidden.setdefault(endpoint, token)
        now_s = asyncio.get_running_loop().time()
        if not self._is_proven or refused_before != token or now_s - self._blamed_s < RENEWAL_PAUSE_S:
            return False
        self._blamed_s, self._blamed_with = now_s, token
        return True

    async def _post(self, endpoint: Endpoint, values: Mapping[str, Any]) -> Response:
        if endpoint.changes_orders:
            raise RequestRefusedError(f"dualbroker only reads: it never calls {endpoint.value}")
        await self._limiter.wait(self._desk_share if endpoint in _DESK else 1.0)
        headers = {}
        if self._dialect.content_type is not None:
            headers["Content-Type"] = self._dialect.content_type
        jkey = None
        if self.token is not None:
            if self._dialect.authorisation == "bearer":
                headers["Authorization"] = f"Bearer {self.token}"
            else:
                jkey = self.token
        return await self._transport.request(
            "POST",
            f"{self._dialect.rest_base.rstrip('/')}/{endpoint.value}",
            body=encode_body(values, jkey=jkey),
            headers=headers,
        )
