"""The daily browser login of Noren brokers: the page to open, and the token that its code is good for.

Protocol: section 1.4.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import SplitResult, urlsplit, urlunsplit

from dualbroker.brokers.noren.rest import NorenRest
from dualbroker.brokers.noren.section import NorenSection
from dualbroker.config.broker import mask
from dualbroker.errors import ConfigError, LoginRefusedError
from dualbroker.noren.answers import parse_token
from dualbroker.noren.dialects import Dialect
from dualbroker.noren.requests import Endpoint, flattrade_token_request, generate_access_token
from dualbroker.storage.tokens import SavedSession
from dualbroker.transport.base import Transport

__all__ = ["authorise_url", "exchange_code"]


def authorise_url(config: NorenSection, dialect: Dialect) -> str:
    """The broker's page on which a person logs in.

    Raises
    ------
    ConfigError
        The broker lacks the key that the page is opened with, or its dialect knows no such page.
    """
    client_id, _ = _credentials(config, dialect)
    page = dialect.authorise_page(client_id)
    if page is None:
        raise ConfigError(
            f"brokers.{config.name}.dialect: expected one with a browser login, found {dialect.name}"
        )
    return page


async def exchange_code(
    config: NorenSection, dialect: Dialect, code: str, transport: Transport, now_ns: int
) -> SavedSession:
    """Turn a login's code into a session.

    Parameters
    ----------
    now_ns
        UTC nanoseconds since the epoch; the session ends the next morning.

    Raises
    ------
    LoginRefusedError
        The code is worth nothing, or it is that of another user than the config names.
    BrokerError, ConnectionFailedError
        As the call ended.
    """
    client_id, secret = _credentials(config, dialect)
    if dialect.login == "flattrade":
        values = flattrade_token_request(api_key=client_id, request_code=code, api_secret=secret)
        response = await transport.request(
            "POST",
            _token_url(config, dialect),
            body=json.dumps(values).encode("utf-8"),
            headers={"Content-Type": "application/json"},
        )
        token, answer = parse_token(
            response.status, response.body, dialect.token_name, dialect.refusal_may_be
        )
    else:
        values = generate_access_token(code=code, client_id=client_id, secret=secret, user_id=config.user_id)
        token, answer = await NorenRest(dialect, transport).log_in(Endpoint.GENERATE_ACCESS_TOKEN, values)
    user_id = _text(answer, "USERID", "uid", "client") or config.user_id or ""
    if config.user_id is not None and user_id.upper() != config.user_id.upper():
        raise LoginRefusedError(
            f"{config.name}: expected a login of {mask(config.user_id)}, found one of {mask(user_id)}"
        )
    account_id = _text(answer, "actid") or config.account_id or user_id
    return SavedSession.until_next_morning(token, config.user_id or user_id, account_id, now_ns)


def _text(answer: dict[str, Any], *names: str) -> str | None:
    values = (answer.get(name) for name in names)
    return next((value for value in values if isinstance(value, str) and value), None)


def _credentials(config: NorenSection, dialect: Dialect) -> tuple[str, str]:
    """Client id and secret of the login; Flattrade's client id is its API key."""
    if dialect.login == "flattrade":
        key, client_id = "api_key", config.api_key.get_secret_value() if config.api_key else None
    else:
        key, client_id = "client_id", config.client_id
    if client_id is None or config.api_secret is None:
        missing = key if client_id is None else "api_secret"
        raise ConfigError(
            f"brokers.{config.name}.{missing}: expected a value for the browser login, found nothing"
        )
    return client_id, config.api_secret.get_secret_value()


def _token_url(config: NorenSection, dialect: Dialect) -> str:
    """Where the code goes; an overridden REST base moves it too, so that no other host sees the secret."""
    if dialect.token_url is None:
        raise ConfigError(
            f"brokers.{config.name}.dialect: {dialect.name} does not say where a code is exchanged"
        )
    if config.rest_base is None:
        return dialect.token_url
    base, page = urlsplit(config.rest_base), urlsplit(dialect.token_url)
    return urlunsplit(SplitResult(base.scheme, base.netloc, page.path, "", ""))
