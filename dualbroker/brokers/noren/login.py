"""The calls of a Noren login: password and TOTP, or the browser's page (protocol: sections 1.3 and 1.4)."""

from __future__ import annotations

from typing import Any

from dualbroker.brokers.noren.oauth import authorise_url, exchange_code
from dualbroker.brokers.noren.rest import NorenRest
from dualbroker.brokers.noren.section import NorenSection
from dualbroker.brokers.session.login import LoginCalls
from dualbroker.brokers.session.wire import Session
from dualbroker.errors import LoginRefusedError
from dualbroker.noren.dialects import Dialect
from dualbroker.noren.requests import Endpoint, quick_auth
from dualbroker.noren.totp import totp_code
from dualbroker.storage.tokens import SavedSession
from dualbroker.transport.base import Transport

__all__ = ["NorenLoginCalls"]


class NorenLoginCalls(LoginCalls):
    """By password and TOTP, or on the broker's page, as its dialect says."""

    def __init__(self, config: NorenSection, dialect: Dialect, rest: NorenRest, transport: Transport) -> None:
        self._config = config
        self._dialect = dialect
        self._rest = rest
        self._transport = transport

    @property
    def opens_by_itself(self) -> bool:
        return self._dialect.login == "password_totp"

    def use(self, token: str | None, *, fresh: bool) -> None:
        self._rest.use(token, fresh=fresh)

    async def check(self, user_id: str) -> None:
        await self._rest.call(Endpoint.USER_DETAILS, {"uid": user_id})

    async def log_in(self, now_ns: int) -> Session:
        token, answer = await self._rest.log_in(Endpoint.QUICK_AUTH, self._password_values(now_ns))
        user_id = self._config.user_id or ""
        account = answer.get("actid")
        account_id = account if isinstance(account, str) and account else self._config.account_id
        return Session(user_id, account_id or user_id, token)

    def _password_values(self, now_ns: int) -> dict[str, Any]:
        config = self._config
        if config.password is None or config.totp_secret is None or config.api_key is None:
            raise LoginRefusedError(
                f"{config.name}: a login with password needs password, totp_secret and api_key"
            )
        try:
            code = totp_code(config.totp_secret.get_secret_value(), now_ns // 1_000_000_000)
        except ValueError:
            raise LoginRefusedError(
                f"{config.name}: totp_secret: expected the base32 secret behind the six digits, "
                "found another text"
            ) from None
        user_id = config.user_id or ""
        return quick_auth(
            user_id=user_id,
            password=config.password.get_secret_value(),
            second_factor=code,
            vendor_code=config.vendor_code or f"{user_id}_U",
            api_key=config.api_key.get_secret_value(),
            imei=config.imei or "dualbroker",
        )

    async def log_out(self, user_id: str) -> None:
        await self._rest.call(Endpoint.LOGOUT, {"uid": user_id, "ordersource": "API"})

    def login_page(self) -> str | None:
        return None if self.opens_by_itself else authorise_url(self._config, self._dialect)

    async def take_code(self, code: str, now_ns: int) -> SavedSession:
        return await exchange_code(self._config, self._dialect, code, self._transport, now_ns)
