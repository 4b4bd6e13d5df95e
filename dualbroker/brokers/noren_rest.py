"""REST calls of one Noren login: authorised as its dialect says, held under its rates, errors sorted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from dualbroker.brokers.limiter import RateLimiter
from dualbroker.errors import BrokerError, RequestRefusedError
from dualbroker.noren.answers import parse_object, parse_rows
from dualbroker.noren.dialects import Dialect
from dualbroker.noren.requests import Endpoint, encode_body
from dualbroker.transport.base import Response, Transport

__all__ = ["NorenRest"]

_WORDS = ("rejreason", "remarks")
"""Fields of a row that brokers and people fill as they like."""


class NorenRest:
    """Makes the calls. ``token`` is set by whoever logs in; it never shows in a repr."""

    def __init__(self, dialect: Dialect, transport: Transport, conceal: Callable[[str], str] = str) -> None:
        self._dialect = dialect
        self._transport = transport
        self._limiter = RateLimiter(dialect.requests_per_second, dialect.requests_per_minute)
        self._conceal = conceal
        self.token: str | None = None

    async def call(self, endpoint: Endpoint, values: Mapping[str, Any]) -> dict[str, Any]:
        """One call whose answer is an object.

        Raises
        ------
        BrokerError
            One of its kinds, by what the answer means.
        ConnectionFailedError
            No answer.
        """
        answer = await self._post(endpoint, values)
        try:
            return parse_object(answer.status, answer.body)
        except BrokerError as error:
            raise type(error)(self._conceal(str(error))) from None

    async def rows(self, endpoint: Endpoint, values: Mapping[str, Any]) -> list[dict[str, Any]]:
        """One call whose answer is a book; empty only where the broker says that there is no data."""
        answer = await self._post(endpoint, values)
        try:
            rows = parse_rows(answer.status, answer.body)
        except BrokerError as error:
            raise type(error)(self._conceal(str(error))) from None
        for row in rows:
            for name in _WORDS:
                if isinstance(words := row.get(name), str):
                    row[name] = self._conceal(words)
        return rows

    async def _post(self, endpoint: Endpoint, values: Mapping[str, Any]) -> Response:
        if endpoint.changes_orders:
            raise RequestRefusedError(f"dualbroker only reads: it never calls {endpoint.value}")
        await self._limiter.wait()
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
